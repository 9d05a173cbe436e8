"""What a pool gives for any amount, as one concave curve: the ground of routing, its certificate, and depth.

A quote is one point, exact to the base unit. A search over splits needs the whole shape, cheaply, and a bound on what no search
can beat: a real-number curve that never lies below a quote. Amounts that are signed always come from quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol, cast, runtime_checkable

from solders.pubkey import Pubkey

from dexroute.errors import LiquidityNotLoaded, PairNotInPool, QuoteError
from dexroute.fetchers.base import Pool
from dexroute.fetchers.sampled_curve import sampled_pieces
from dexroute.math.concave import Piece as Piece
from dexroute.math.concave import concave, less_input_fee, less_output_fee
from dexroute.math.rounding import BPS, U64_MAX
from dexroute.math.transfer_fee import amount_before_fee
from dexroute.types.mints import Mint

_ROUNDING: Final = 1e-12  # of sums of floats


@dataclass(frozen=True, slots=True)
class Curve:
    """Output for every input up to `capacity_in`, base units as real numbers: what arrives for what leaves, all fees included.

    An upper envelope: for every x the pool accepts, also when x goes through it in several swaps one after the other at the same
    clock, what arrives is at most `amount_out(x) * (1 + 1e-9)` plus the worth of two base units of either side (programs round in
    both directions, where they do). No piece starts steeper than the one before ends. Where the fee neither has a cap nor depends
    on earlier swaps, it is above a single quote by rounding only.

    `complete` is False when the pool may give more for more: beyond `most_in`, or in accounts that were not loaded. It ends where
    the pool's accounts are full.

    Where the program rounds for the trader, each swap may get more than the curve says: as if `favour_in` more had come in, and
    `favour_out` more of the output.
    """

    pieces: tuple[Piece, ...]
    complete: bool
    favour_in: float = 0.0
    favour_out: float = 0.0

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


@runtime_checkable
class HasRoom(Protocol):
    """Optional, for pools whose curve goes on where their accounts are full."""

    def room_in(self, index_in: int) -> int:
        """At least the most of mint `index_in` (base units, as they leave the user) that the pool's accounts still hold."""
        ...


def room_beside(held: int, mint: Mint) -> int:
    """The most that can be sent to an account that holds so many base units: no account holds more than 2^64 - 1."""
    return amount_before_fee(max(U64_MAX - held, 0), mint.transfer_fee)


def curve_along(pieces: Iterable[Piece], mints: Sequence[Mint], index_in: int, most_in: int) -> Curve:
    """A venue's pieces, all its fees included, less the mints' transfer fees and made concave, as far as `most_in`.

    `pieces` may end by raising a QuoteError, as a walk through liquidity does: LiquidityNotLoaded leaves the curve incomplete.
    """
    way = _Way(pieces)
    found: Iterable[Piece] = way
    rate, maximum = _transfer_fee(mints[index_in])
    if rate:
        found = less_input_fee(found, rate, maximum)
    rate, maximum = _transfer_fee(mints[1 - index_in])
    if rate:
        found = less_output_fee(found, rate, maximum)
    return Curve(concave(found, float(most_in)), way.complete)


def product_curve(
    reserves: tuple[int, int], mints: Sequence[Mint], index_in: int, most_in: int, *, keep_in: float = 1.0, keep_out: float = 1.0
) -> Curve:
    """The curve of a constant product of positive reserves; `keep_in` and `keep_out` are what the pool's fees leave of one.

    Fees that stay in the reserves are none of it: on the input side they only make what follows dearer.
    """
    reserve_in, reserve_out = reserves[index_in], reserves[1 - index_in]
    piece = Piece(float(most_in), keep_in * keep_out * reserve_out / reserve_in, keep_in / reserve_in)
    if mints[0].transfer_fee is None and mints[1].transfer_fee is None:
        return Curve((piece,), False) if piece.slope > 0.0 else NOTHING
    return curve_along((piece,), mints, index_in, most_in)


class _Way:
    """Pieces as they come, and whether their end was seen and is the end of all liquidity."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = pieces
        self.complete = False

    def __iter__(self) -> Iterator[Piece]:
        try:
            yield from self._pieces
        except LiquidityNotLoaded:
            return
        except QuoteError:
            pass
        self.complete = True


def _transfer_fee(mint: Mint) -> tuple[float, float]:
    """(rate, maximum); the fee a transfer rounds up is never less than this."""
    fee = mint.transfer_fee
    return (fee.bps / BPS, float(fee.maximum)) if fee is not None and fee.bps and fee.maximum else (0.0, 0.0)


def curve_of(pool: Pool, input_mint: Pubkey, output_mint: Pubkey, *, most_in: int) -> Curve:
    """The pool's curve over inputs of 0 to `most_in` base units; without pieces for a pool that is not tradable.

    A pool that does not describe its curve is sampled with about a hundred quotes: a thousandth or so above them, and blind to what
    earlier swaps do to a later one's fee. Raises PairNotInPool for mints the pool does not hold.
    """
    index_in = _input_index(pool, input_mint, output_mint)
    if most_in <= 0 or not pool.tradable().ok:
        return NOTHING
    most_in = min(most_in, U64_MAX)
    room = getattr(pool, "room_in", None)  # HasRoom
    if room is not None:
        most_in = min(most_in, room(index_in))
        if most_in <= 0:
            return NOTHING
    own = getattr(pool, "liquidity_curve", None)  # OffersCurve; isinstance would take longer than the curve
    if own is not None:
        try:
            return cast(OffersCurve, pool).liquidity_curve(index_in, most_in)
        except ArithmeticError:
            pass  # a state beyond floats, which only forged bytes have: its quotes say what it is worth
    pieces, complete = sampled_pieces(pool, input_mint, output_mint, most_in=most_in)
    return Curve(concave(pieces, float(most_in)), complete)


def _input_index(pool: Pool, input_mint: Pubkey, output_mint: Pubkey) -> int:
    held = [mint.address for mint in pool.mints]
    try:
        index_in, index_out = held.index(input_mint), held.index(output_mint)
    except ValueError:
        index_in = index_out = 0
    if index_in == index_out:
        raise PairNotInPool(
            f"{pool.venue_id} pool {pool.address} holds {' and '.join(map(str, held))}; ask for this pair or another pool",
            pool=str(pool.address),
            venue=pool.venue_id,
        )
    return index_in
