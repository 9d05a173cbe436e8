"""The file the loader takes: its layout, and its bytes.

Address equals file offset everywhere, so the loader can map the file as it is. The order is that of Solana's own linker:
headers, .text, .rodata, .data.rel.ro, .dynamic, .dynsym, .dynstr, .rel.dyn, .shstrtab, section headers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from programs.toolchain import elf
from programs.toolchain.reach import Place

_ET_DYN = 3
_PT_LOAD, _PT_DYNAMIC = 1, 2
_PF_X, _PF_W, _PF_R = 1, 2, 4
_SHT_STRTAB, _SHT_DYNAMIC, _SHT_DYNSYM = 3, 6, 11
_DT_NULL, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ, _DT_SYMENT = 0, 5, 6, 10, 11
_DT_REL, _DT_RELSZ, _DT_RELENT, _DT_FLAGS, _DT_TEXTREL, _DT_RELCOUNT = 17, 18, 19, 30, 22, 0x6FFFFFFA
_DF_TEXTREL = 4
_R_BPF_64_RELATIVE, _R_BPF_64_32 = 8, 10
_HEADER, _PROGRAM_HEADER, _SECTION_HEADER = 64, 56, 64
_SYMBOL, _RELOCATION, _DYNAMIC = 24, 16, 16
_PROGRAM_HEADERS = 4  # room for; a program without constants has one fewer
_ALIGN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a syscall."""

    offset: int
    name: str


@dataclass(slots=True)
class Image:
    """Sections with their addresses, and the relocations that are left to the loader. The contents are changed in place."""

    text: Sequence[Place]
    rodata: Sequence[Place]
    relro: Sequence[Place]
    calls: list[Call] = field(default_factory=list)
    addresses: list[int] = field(default_factory=list)
    """Where an address is that the loader has to move."""
    _at: dict[Place, int] = field(default_factory=dict)
    _contents: dict[Place, bytearray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        address = _HEADER + _PROGRAM_HEADERS * _PROGRAM_HEADER
        for group in (self.text, self.rodata, self.relro):
            address = _aligned(address, _ALIGN)
            for place in group:
                address = _aligned(address, place.section.align)
                self._at[place] = address
                self._contents[place] = bytearray(place.section.content)
                address += len(place.section.content)

    def address(self, place: Place) -> int:
        return self._at[place]

    def content(self, place: Place) -> bytearray:
        return self._contents[place]

    def span(self, places: Sequence[Place]) -> tuple[int, bytes]:
        """Address and bytes of the neighbouring `places`, gaps filled with zeros."""
        start = self._at[places[0]]
        joined = bytearray()
        for place in places:
            joined += bytes(self._at[place] - start - len(joined)) + self._contents[place]
        return start, bytes(joined + bytes(-len(joined) % _ALIGN))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    name: str
    kind: int
    flags: int
    at: int
    content: bytes
    link: str = ""
    entry: int = 0
    align: int = _ALIGN
    info: int = 0


def write_image(image: Image, entry: int) -> bytes:
    """The finished file. `entry` is the address of the first instruction."""
    parts: list[_Part] = []
    for name, places, flags in (
        (".text", image.text, elf.SHF_ALLOC | elf.SHF_EXECINSTR),
        (".rodata", image.rodata, elf.SHF_ALLOC),
        (".data.rel.ro", image.relro, elf.SHF_ALLOC | elf.SHF_WRITE),
    ):
        if places:
            at, content = image.span(places)
            parts.append(_Part(name=name, kind=elf.SHT_PROGBITS, flags=flags, at=at, content=content))
    readable = list(parts)
    parts += _dynamic_parts(image, _end(parts))
    names = b"\0" + b"".join(part.name.encode() + b"\0" for part in parts) + b".shstrtab\0"
    parts.append(_Part(name=".shstrtab", kind=_SHT_STRTAB, flags=0, at=_end(parts), content=names, align=1))
    table = _aligned(_end(parts), _ALIGN)
    program_headers = _program_headers(readable, parts)
    body = bytearray(_header(entry, table, len(parts) + 1, len(program_headers)) + b"".join(program_headers))
    for part in parts:
        body += bytes(part.at - len(body)) + part.content
    body += bytes(table - len(body)) + bytes(_SECTION_HEADER)
    for part in parts:
        allocated = bool(part.flags & elf.SHF_ALLOC)
        link = next((i + 1 for i, other in enumerate(parts) if part.link and other.name == part.link), 0)
        body += struct.pack(
            "<IIQQQQIIQQ",
            names.index(b"\0" + part.name.encode() + b"\0") + 1,
            part.kind,
            part.flags,
            part.at if allocated else 0,
            part.at,
            len(part.content),
            link,
            part.info,
            part.align,
            part.entry,
        )
    return bytes(body)


def _dynamic_parts(image: Image, at: int) -> list[_Part]:
    names = sorted({call.name for call in image.calls})
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    symbols = bytes(_SYMBOL)
    for name in names:
        symbols += struct.pack("<IBBHQQ", strings.index(b"\0" + name.encode() + b"\0") + 1, elf.STB_GLOBAL << 4, 0, 0, 0, 0)
    relocations = b"".join(struct.pack("<QQ", offset, _R_BPF_64_RELATIVE) for offset in sorted(image.addresses))
    for call in sorted(image.calls, key=lambda call: call.offset):
        relocations += struct.pack("<QQ", call.offset, (names.index(call.name) + 1) << 32 | _R_BPF_64_32)
    entries = 10 if relocations else 6
    symbols_at = at + entries * _DYNAMIC
    strings_at = symbols_at + len(symbols)
    relocations_at = _aligned(strings_at + len(strings), _ALIGN)
    # The loader refuses an empty table, and looks for none when none is announced.
    table = [
        (_DT_REL, relocations_at),
        (_DT_RELSZ, len(relocations)),
        (_DT_RELENT, _RELOCATION),
        (_DT_RELCOUNT, len(image.addresses)),
    ]
    dynamic = [
        (_DT_FLAGS, _DF_TEXTREL),
        *(table if relocations else ()),
        (_DT_SYMTAB, symbols_at),
        (_DT_SYMENT, _SYMBOL),
        (_DT_STRTAB, strings_at),
        (_DT_STRSZ, len(strings)),
        (_DT_NULL, 0),
    ]
    alloc = elf.SHF_ALLOC
    return [
        _Part(
            name=".dynamic",
            kind=_SHT_DYNAMIC,
            flags=alloc | elf.SHF_WRITE,
            at=at,
            content=b"".join(struct.pack("<QQ", *entry) for entry in dynamic),
            link=".dynstr",
            entry=_DYNAMIC,
        ),
        _Part(name=".dynsym", kind=_SHT_DYNSYM, flags=alloc, at=symbols_at, content=symbols, link=".dynstr", entry=_SYMBOL, info=1),
        _Part(name=".dynstr", kind=_SHT_STRTAB, flags=alloc, at=strings_at, content=strings, align=1),
        _Part(
            name=".rel.dyn",
            kind=elf.SHT_REL,
            flags=alloc,
            at=relocations_at,
            content=relocations,
            link=".dynsym",
            entry=_RELOCATION,
        ),
    ]


def _header(entry: int, sections_at: int, sections: int, program_headers: int) -> bytes:
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    return struct.pack(
        "<16sHHIQQQIHHHHHH",
        ident,
        _ET_DYN,
        elf.EM_BPF,
        1,
        entry,
        _HEADER,
        sections_at,
        0,  # flags: SBPF version 0
        _HEADER,
        _PROGRAM_HEADER,
        program_headers,
        _SECTION_HEADER,
        sections,
        sections - 1,
    )


def _program_headers(readable: Sequence[_Part], parts: Sequence[_Part]) -> list[bytes]:
    """Code; constants if there are any; what the loader reads itself; .dynamic once more, to be found by. None may overlap."""
    text, constants = readable[0], readable[1:]
    dynamic = next(part for part in parts if part.name == ".dynamic")
    last = next(part for part in parts if part.name == ".rel.dyn")
    rows = [(_PT_LOAD, _PF_R | _PF_X, text.at, len(text.content))]
    if constants:
        rows.append((_PT_LOAD, _PF_R, constants[0].at, constants[-1].at + len(constants[-1].content) - constants[0].at))
    rows.append((_PT_LOAD, _PF_R, dynamic.at, last.at + len(last.content) - dynamic.at))
    rows.append((_PT_DYNAMIC, _PF_R | _PF_W, dynamic.at, len(dynamic.content)))
    return [struct.pack("<IIQQQQQQ", kind, flags, at, at, at, size, size, _ALIGN) for kind, flags, at, size in rows]


def _end(parts: Sequence[_Part]) -> int:
    return _aligned(parts[-1].at + len(parts[-1].content), _ALIGN)


def _aligned(value: int, align: int) -> int:
    return -(-value // align) * align
