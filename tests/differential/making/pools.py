"""What a maker of a venue's pools answers."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Protocol

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A pool that was made, and how deep it is: amounts of its two mints worth trading."""

    address: Pubkey
    depths: dict[Pubkey, int]


class Maker(Protocol):
    """Makes pools on a stage of its own venue."""

    def make(self, rng: Random) -> Made:
        """A random pool. Raises MakingRefused when the program refuses what was drawn."""
        ...

    def disturb(self, rng: Random) -> None:
        """Something that may happen to the pool made last between two swaps. Raises MakingRefused."""
        ...


def magnitude(rng: Random, most_bits: int, least_bits: int = 0) -> int:
    """A number whose length in bits is uniform."""
    bits = rng.randint(least_bits, most_bits)
    return rng.randint(1 << bits, (1 << bits + 1) - 1)
