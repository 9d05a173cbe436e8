"""From the compiler's objects to the file the loader takes.

`link` keeps what the entrypoint reaches, lays it out as .text, .rodata and .data.rel.ro with address equal to file offset,
and writes each reference the way the loader of SBPF version 0 expects it (solana-sbpf, elf.rs):

- a call inside the program holds the distance in instructions;
- a call of a syscall holds -1 and a relocation R_BPF_64_32 that names it;
- an address in code (lddw) holds the address and a relocation R_BPF_64_RELATIVE, with which the loader moves it to the region
  of the program; an address in data does too, but there the loader reads the upper four bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from programs.toolchain import elf
from programs.toolchain.failure import BuildError
from programs.toolchain.image import Call, Image, write_image
from programs.toolchain.instructions import adapt, check
from programs.toolchain.reach import Definitions, Place, reachable
from programs.toolchain.syscalls import ALIASES, SYSCALLS

ENTRYPOINT = "entrypoint"
_LDDW_HIGH = elf.INSTRUCTION + 4
_WIDTHS = {elf.R_BPF_64_32: elf.INSTRUCTION, elf.R_BPF_64_64: 2 * elf.INSTRUCTION, elf.R_BPF_64_ABS64: 8}


def link(objects: Iterable[elf.Object], libraries: Mapping[str, elf.Object] | None = None) -> bytes:
    """The program made of `objects` and of those members of `libraries` that define what they lack.

    Raises BuildError for an undefined symbol that is no syscall, writable data, an instruction or a relocation that the
    loader does not know.
    """
    definitions = Definitions(objects, libraries or {})
    try:
        return _link(definitions)
    except (OverflowError, IndexError) as error:
        raise BuildError(f"the objects contradict themselves: {error}") from error


def _link(definitions: Definitions) -> bytes:
    places = reachable(definitions, ENTRYPOINT)
    image = Image(
        text=[p for p in places if p.section.flags & elf.SHF_EXECINSTR],
        rodata=[p for p in places if not p.section.flags & (elf.SHF_EXECINSTR | elf.SHF_WRITE)],
        relro=[p for p in places if p.section.flags & elf.SHF_WRITE],
    )
    for place in places:
        _relocate(image, definitions, place)
    for place in image.text:
        content = image.content(place)
        check(place.section.name, content)
        adapt(content)
    entry = definitions.find(ENTRYPOINT)
    return write_image(image, image.address(entry.place) + entry.value)


def _relocate(image: Image, definitions: Definitions, place: Place) -> None:
    content = image.content(place)
    base = image.address(place)
    for relocation in place.section.relocations:
        target = definitions.target(place, relocation.symbol)
        at = relocation.offset
        if at + _WIDTHS.get(relocation.kind, 0) > len(content):
            raise BuildError(f"{place.section.name} has a relocation at byte {at} of {len(content)}")
        if relocation.kind == elf.R_BPF_64_32:
            distance = int.from_bytes(content[at + 4 : at + 8], "little", signed=True)
            if target is None:
                image.calls.append(Call(offset=base + at, name=syscall(relocation.symbol.name, place)))
                distance = -1
            else:
                # The compiler wrote the callee's place in its section, as a distance from there.
                callee = image.address(target.place) + target.value + (distance + 1) * elf.INSTRUCTION
                distance = (callee - base - at) // elf.INSTRUCTION - 1
            content[at + 4 : at + 8] = distance.to_bytes(4, "little", signed=True)
            continue
        if target is None:
            name = relocation.symbol.name
            raise BuildError(f"{place.section.name} takes the address of {name}, which is not defined; syscalls can only be called")
        address = image.address(target.place) + target.value
        if relocation.kind == elf.R_BPF_64_64:
            address += int.from_bytes(content[at + 4 : at + 8] + content[at + _LDDW_HIGH : at + _LDDW_HIGH + 4], "little")
            content[at + 4 : at + 8] = address.to_bytes(4, "little")
            content[at + _LDDW_HIGH : at + _LDDW_HIGH + 4] = bytes(4)
        elif relocation.kind == elf.R_BPF_64_ABS64:
            address += int.from_bytes(content[at : at + 8], "little")
            content[at : at + 8] = bytes(4) + address.to_bytes(4, "little")
        else:
            raise BuildError(f"{place.section.name} needs a relocation of type {relocation.kind}, which the loader does not have")
        image.addresses.append(base + at)


def syscall(name: str, place: Place) -> str:
    """The syscall that `name` stands for. Raises BuildError when there is none."""
    known = ALIASES.get(name, name)
    if known in SYSCALLS:
        return known
    raise BuildError(
        f"{place.section.name} (in {place.object_name}) calls {name}, which neither the program defines nor the runtime offers. "
        "A name like __multi3 or __udivti3 means 128-bit arithmetic: use src/math/wide.rs. "
        "A new syscall belongs into programs/toolchain/syscalls.py."
    )
