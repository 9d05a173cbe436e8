"""What a pool gives for any amount, as one concave curve: the ground of routing, its certificate, and depth.

A quote is one point, exact to the base unit. A search over splits needs the whole shape, cheaply, and a bound on what no search
can beat: a real-number curve that never lies below a quote. Amounts that are signed always come from quotes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final, Protocol, runtime_checkable

from solders.pubkey import Pubkey

from dexroute.errors import PairNotInPool
from dexroute.fetchers.base import Pool
from dexroute.fetchers.sampled_curve import sampled_pieces
from dexroute.math.concave import Piece as Piece
from dexroute.math.concave import concave
from dexroute.math.rounding import U64_MAX

_ROUNDING: Final = 1e-12  # of sums of floats


@dataclass(frozen=True, slots=True)
class Curve:
    """Output for every input up to `capacity_in`, base units as real numbers: what arrives for what leaves, all fees included.

    An upper envelope: for every x the pool accepts, also when x goes through it in several swaps one after the other at the same
    clock, what arrives is at most `amount_out(x) * (1 + 1e-9)` plus the worth of two base units of either side (programs round in
    both directions, where they do). No piece starts steeper than the one before ends. Where the fee neither has a cap nor depends
    on earlier swaps, it is above a single quote by rounding only.

    `complete` is False when the pool may give more for more: beyond `most_in`, or in accounts that were not loaded.
    """

    pieces: tuple[Piece, ...]
    complete: bool

    @property
    def capacity_in(self) -> float:
        """The most input it takes."""
        return sum(piece.amount_in for piece in self.pieces)

    @property
    def capacity_out(self) -> float:
        """What arrives for that."""
        return sum(piece.amount_out for piece in self.pieces)

    def amount_out(self, x: float) -> float:
        """What arrives for `x`; for more than `capacity_in` no more than for that."""
        out = 0.0
        for piece in self.pieces:
            if x <= piece.amount_in:
                return out + piece.out(x)
            x -= piece.amount_in
            out += piece.amount_out
        return out

    def amount_in(self, y: float) -> float:
        """The least input for which `y` arrives; infinity where that is never."""
        needed, left = 0.0, y
        for piece in self.pieces:
            out = piece.amount_out
            if left <= out:
                return needed + piece.needed(left)
            left -= out
            needed += piece.amount_in
        return needed if left <= y * _ROUNDING else inf

    def marginal(self, x: float) -> float:
        """Output per input for the next unit after `x`; 0 from `capacity_in` on."""
        for piece in self.pieces:
            if x < piece.amount_in:
                growth = 1.0 + piece.bend * x
                return piece.slope / (growth * growth)
            x -= piece.amount_in
        return 0.0


NOTHING = Curve((), True)
"""The curve of a pool that takes no swaps."""


@runtime_checkable
class OffersCurve(Protocol):
    """Optional, for pools that know their curve. Others are sampled."""

    def liquidity_curve(self, index_in: int, most_in: int) -> Curve:
        """`curve_of` when mint `index_in` comes in, for a tradable pool and 0 < most_in <= 2^64 - 1."""
        ...


def curve_of(pool: Pool, input_mint: Pubkey, output_mint: Pubkey, *, most_in: int) -> Curve:
    """The pool's curve over inputs of 0 to `most_in` base units; without pieces for a pool that is not tradable.

    A pool that does not describe its curve is sampled with about a hundred quotes: a thousandth or so above them, and blind to what
    earlier swaps do to a later one's fee. Raises PairNotInPool for mints the pool does not hold.
    """
    index_in = _input_index(pool, input_mint, output_mint)
    if most_in <= 0 or not pool.tradable().ok:
        return NOTHING
    most_in = min(most_in, U64_MAX)
    if isinstance(pool, OffersCurve):
        return pool.liquidity_curve(index_in, most_in)
    pieces, complete = sampled_pieces(pool, input_mint, output_mint, most_in=most_in)
    return Curve(concave(pieces, float(most_in)), complete)


def _input_index(pool: Pool, input_mint: Pubkey, output_mint: Pubkey) -> int:
    held = [mint.address for mint in pool.mints]
    if input_mint == output_mint or input_mint not in held or output_mint not in held:
        raise PairNotInPool(
            f"{pool.venue_id} pool {pool.address} holds {' and '.join(map(str, held))}; ask for this pair or another pool",
            pool=str(pool.address),
            venue=pool.venue_id,
        )
    return held.index(input_mint)
