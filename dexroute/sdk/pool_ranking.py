"""In which order known pools are read when there are more than one quote reads.

Pools that share a mint are compared by how much of it they held when they were last read: exact integers of one unit. An API's
dollars are converted into that unit through the largest pool of which both are known. Three places of four go by that value; the
fourth goes to the pool whose last look is longest ago (never: first), so that every pool is measured in time, none is judged by
its address, and nobody keeps pools out by flooding the list with empty ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from solders.pubkey import Pubkey

if TYPE_CHECKING:
    from dexroute.sdk.pool_hints import PoolHint

_EVERY: Final = 4


def ranked(hints: Iterable[PoolHint], mint: Pubkey) -> tuple[PoolHint, ...]:
    """The hints, all of pools that hold `mint`, best first. Those nothing is known of keep the order they came in, the most
    dollars first."""
    known = tuple(hints)
    values = {hint.address: value for hint, value in zip(known, _values(known, mint), strict=True)}
    by_value = iter(sorted((hint for hint in known if values[hint.address]), key=lambda hint: -(values[hint.address] or 0)))
    by_age = iter(sorted(known, key=lambda hint: (-1 if hint.seen_slot is None else hint.seen_slot, -(hint.tvl_usd or 0))))
    taken: dict[Pubkey, PoolHint] = {}
    while len(taken) < len(known):
        turns = (by_age, by_value) if len(taken) % _EVERY == _EVERY - 1 else (by_value, by_age)
        chosen = next((hint for turn in turns for hint in turn if hint.address not in taken), None)
        assert chosen is not None, "by_age has them all"
        taken[chosen.address] = chosen
    return tuple(taken.values())


def value_in(hint: PoolHint, mint: Pubkey) -> int | None:
    """Base units of `mint` the pool held when it was last read; None when it never was."""
    if len(hint.reserves) != len(hint.mints) or mint not in hint.mints:
        return None
    return hint.reserves[hint.mints.index(mint)]


def _values(hints: Sequence[PoolHint], mint: Pubkey) -> list[int | None]:
    measured = [value_in(hint, mint) for hint in hints]
    both = [(hint.tvl_usd, value) for hint, value in zip(hints, measured, strict=True) if hint.tvl_usd and value]
    if not both:
        return measured
    dollars, units = max(both)
    return [
        hint.tvl_usd * units // dollars if value is None and hint.tvl_usd else value
        for hint, value in zip(hints, measured, strict=True)
    ]
