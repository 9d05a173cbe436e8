"""Relocatable ELF objects for BPF, as the compiler writes them (System V gABI; relocation types of LLVM's BPF back end)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from programs.toolchain.failure import BuildError

EM_BPF = 247
INSTRUCTION = 8

SHT_PROGBITS, SHT_SYMTAB, SHT_NOBITS, SHT_REL = 1, 2, 8, 9
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
SHN_UNDEF, SHN_RESERVED, SHN_ABS = 0, 0xFF00, 0xFFF1
STB_LOCAL, STB_GLOBAL = 0, 1

R_BPF_64_64 = 1  # an lddw's 64-bit immediate
R_BPF_64_ABS64 = 2  # eight bytes of data
R_BPF_64_32 = 10  # a call's immediate, in instructions, relative to the next one

_MAX_ALIGN = 4096

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    name: str
    binding: int
    section: int
    """Index in `Object.sections`, or one of SHN_*."""
    value: int
    """Bytes from the section's start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocation:
    offset: int
    kind: int
    symbol: Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    name: str
    kind: int
    flags: int
    align: int
    content: bytes
    size: int
    relocations: tuple[Relocation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    name: str
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]


def parse_object(name: str, raw: bytes) -> Object:
    """Raises BuildError when the bytes are no little-endian 64-bit BPF object."""
    if raw[:6] != b"\x7fELF\x02\x01":
        raise BuildError(
            f"{name} is no 64-bit little-endian ELF object; was it compiled for the target in programs/toolchain/sbpf.json?"
        )
    try:
        return _parse(name, raw)
    except (struct.error, IndexError, OverflowError, ValueError) as error:
        raise BuildError(f"{name} is a broken ELF object: {error}") from error


def _parse(name: str, raw: bytes) -> Object:
    header = _HEADER.unpack_from(raw)
    machine, table, count, names_index = header[2], header[6], header[12], header[13]
    if machine != EM_BPF:
        raise BuildError(f"{name} is an object for machine {machine}, expected {EM_BPF} (BPF)")
    heads = [_SECTION.unpack_from(raw, table + i * _SECTION.size) for i in range(count)]
    contents = [b"" if head[1] == SHT_NOBITS else raw[head[4] : head[4] + head[5]] for head in heads]
    names = [_string(contents[names_index], head[0]) for head in heads]
    symbols = _symbols(heads, contents, names)
    relocations: dict[int, tuple[Relocation, ...]] = {}
    for head, content in zip(heads, contents, strict=True):
        if head[1] == SHT_REL:
            relocations[head[7]] = tuple(
                Relocation(offset=offset, kind=info & 0xFFFFFFFF, symbol=symbols[info >> 32])
                for offset, info in _RELOCATION.iter_unpack(content)
            )
    for section, head in zip(names, heads, strict=True):
        if head[8] > _MAX_ALIGN or (head[1] != SHT_NOBITS and head[4] + head[5] > len(raw)):
            raise ValueError(f"{section or 'a section'} does not fit the file")
    sections = tuple(
        Section(
            name=names[i],
            kind=head[1],
            flags=head[2],
            align=max(1, head[8]),
            content=contents[i],
            size=head[5],
            relocations=relocations.get(i, ()),
        )
        for i, head in enumerate(heads)
    )
    return Object(name=name, sections=sections, symbols=symbols)


def _symbols(heads: list[tuple[int, ...]], contents: list[bytes], names: list[str]) -> tuple[Symbol, ...]:
    found: list[Symbol] = []
    for i, head in enumerate(heads):
        if head[1] != SHT_SYMTAB:
            continue
        strings = contents[head[6]]
        for name, info, _other, section, value, _size in _SYMBOL.iter_unpack(contents[i]):
            if len(heads) <= section < SHN_RESERVED:
                raise ValueError(f"symbol {_string(strings, name)} is in section {section} of {len(heads)}")
            text = _string(strings, name) or (names[section] if section < len(names) else "")
            found.append(Symbol(name=text, binding=info >> 4, section=section, value=value))
    return tuple(found)


def _string(table: bytes, offset: int) -> str:
    return table[offset : table.index(b"\0", offset)].decode()
