"""A quote as instructions, for those who build and sign their own transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction


@dataclass(frozen=True, slots=True)
class SwapInstructions(Sequence[Instruction]):
    """The instructions in order (this is a sequence of them). Beside a compute budget they fit one transaction when its message is
    compiled with `lookup_tables`, which is empty where they fit without."""

    instructions: tuple[Instruction, ...]
    lookup_tables: tuple[AddressLookupTableAccount, ...] = ()

    def __len__(self) -> int:
        return len(self.instructions)

    @overload
    def __getitem__(self, index: int) -> Instruction: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Instruction]: ...
    def __getitem__(self, index: int | slice) -> Instruction | Sequence[Instruction]:
        return self.instructions[index]

    def __iter__(self) -> Iterator[Instruction]:
        return iter(self.instructions)
