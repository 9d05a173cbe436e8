"""Which sections a program needs: those the entrypoint refers to, directly or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from programs.toolchain import elf
from programs.toolchain.failure import BuildError

_RELRO = ".data.rel.ro"


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One section of one object. Two places are the same only if they are one object in memory."""

    object_name: str
    section: elf.Section


@dataclass(frozen=True, slots=True)
class Definition:
    place: Place
    value: int
    """Bytes from the section's start."""


class Definitions:
    """Symbols to places, across objects; library members are taken in when something they define is asked for."""

    def __init__(self, objects: Iterable[elf.Object], libraries: Mapping[str, elf.Object]) -> None:
        self._globals: dict[str, Definition] = {}
        self._owners: dict[Place, tuple[elf.Object, tuple[Place, ...]]] = {}
        for part in objects:
            self._take(part)
        self._libraries = {
            symbol.name: part
            for part in reversed(list(libraries.values()))
            for symbol in part.symbols
            if symbol.binding != elf.STB_LOCAL and symbol.section != elf.SHN_UNDEF
        }

    def find(self, name: str) -> Definition:
        """Raises BuildError when nothing defines `name`."""
        found = self._lookup(name)
        if found is None:
            raise BuildError(f'no object defines {name}; a program needs `#[no_mangle] extern "C" fn {name}`')
        return found

    def target(self, place: Place, symbol: elf.Symbol) -> Definition | None:
        """What `symbol` means in the object of `place`; None when nothing defines it."""
        if symbol.section == elf.SHN_UNDEF:
            return self._lookup(symbol.name)
        _, siblings = self._owners[place]
        if symbol.section >= len(siblings):
            raise BuildError(f"{place.section.name} refers to {symbol.name}, which is in no section")
        return Definition(siblings[symbol.section], symbol.value)

    def _lookup(self, name: str) -> Definition | None:
        if name not in self._globals and name in self._libraries:
            self._take(self._libraries[name])
        return self._globals.get(name)

    def _take(self, part: elf.Object) -> None:
        places = tuple(Place(part.name, section) for section in part.sections)
        for place in places:
            self._owners[place] = (part, places)
        for symbol in part.symbols:
            if symbol.binding != elf.STB_LOCAL and elf.SHN_UNDEF < symbol.section < elf.SHN_RESERVED:
                self._globals.setdefault(symbol.name, Definition(places[symbol.section], symbol.value))


def reachable(definitions: Definitions, entrypoint: str) -> list[Place]:
    """In the order in which they are met, the entrypoint's section first. Raises BuildError for writable data."""
    first = definitions.find(entrypoint).place
    found = {first: None}
    waiting = [first]
    while waiting:
        place = waiting.pop(0)
        _refuse_writable(place)
        for relocation in place.section.relocations:
            target = definitions.target(place, relocation.symbol)
            if target is not None and target.place not in found:
                found[target.place] = None
                waiting.append(target.place)
    return list(found)


def _refuse_writable(place: Place) -> None:
    section = place.section
    writable = section.flags & elf.SHF_WRITE and not section.name.startswith(_RELRO)
    if writable or section.kind == elf.SHT_NOBITS:
        raise BuildError(
            f"{section.name} (in {place.object_name}) is writable: programs have no mutable statics, keep state in accounts"
        )
