"""What a maker of a venue's pools answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from solders.pubkey import Pubkey

from dexroute.types.mints import Mint


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A pool that was made, and how deep it is: amounts of its two mints worth trading."""

    address: Pubkey
    depths: dict[Pubkey, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A pool that takes part in a market: open now, at fees people pay, holding about these amounts of two mints the stage holds,
    which give its price."""

    amounts: Mapping[Mint, int]

    @property
    def mints(self) -> tuple[Mint, Mint]:
        """In the order of their bytes."""
        first, second = sorted(self.amounts, key=lambda mint: bytes(mint.address))
        return first, second

    def price(self, of: Mint, in_: Mint) -> float:
        """What a base unit of one is worth in base units of the other; floats will do, what was made is read from the chain."""
        return self.amounts[in_] / self.amounts[of]


class Maker(Protocol):
    """Makes pools on a stage of its own venue."""

    def make(self, rng: Random, wish: Wish | None = None) -> Made:
        """A random pool, or one as wished for. Raises MakingRefused when the program refuses what was drawn."""
        ...

    def disturb(self, rng: Random) -> None:
        """Something that may happen to the pool made last between two swaps. Raises MakingRefused."""
        ...


def magnitude(rng: Random, most_bits: int, least_bits: int = 0) -> int:
    """A number whose length in bits is uniform."""
    bits = rng.randint(least_bits, most_bits)
    return rng.randint(1 << bits, (1 << bits + 1) - 1)
