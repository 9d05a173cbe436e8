"""Pools indexed by what they swap, kept between searches: curves are worked out once per pool value."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache, cached_property
from math import inf
from typing import TYPE_CHECKING, Final

from solders.pubkey import Pubkey

from dexroute.engine.routing.one_thread import load_numpy
from dexroute.errors import QuoteError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool, quoted_units
from dexroute.fetchers.curve import NOTHING, Curve, Piece, curve_of
from dexroute.math.rounding import U64_MAX
from dexroute.types.network import DEFAULT_COMPUTE_UNITS
from dexroute.types.requests import QuoteRequest

if TYPE_CHECKING:
    from dexroute.engine.routing.at_rest import AtRest
    from dexroute.engine.routing.pieces import PieceTable
    from dexroute.engine.routing.prices import Floats, Ints, PriceTable

_ROUNDED_UP: Final = 1.0 + 1e-12
# What one swap may cost when its venue is not registered: the cluster's default budget of one instruction.
_UNKNOWN_VENUE_UNITS = DEFAULT_COMPUTE_UNITS
# Of a price, by which it may fall over pieces that count as one where flows are solved roughly.
_ROUGHLY = 0.01


class Steps:
    """A curve with the sums up to each of its pieces, for looking up many points of it."""

    __slots__ = ("_columns", "capacity_in", "capacity_out", "complete", "ends_in", "ends_out", "favour_in", "favour_out", "pieces")

    def __init__(self, curve: Curve) -> None:
        self.pieces: tuple[Piece, ...] = curve.pieces
        self.complete = curve.complete
        self.favour_in, self.favour_out = curve.favour_in, curve.favour_out
        self.ends_in: list[float] = []
        self.ends_out: list[float] = []
        through = arrived = 0.0
        for piece in curve.pieces:
            through += piece.amount_in
            arrived += piece.amount_out
            self.ends_in.append(through)
            self.ends_out.append(arrived)
        self.capacity_in, self.capacity_out = through, arrived
        self._columns: Floats | None = None

    @property
    def columns(self) -> Floats:
        """Amounts in, slopes and bends of the pieces, a row of each."""
        if self._columns is None:
            self._columns = _columns_of(self.pieces)
        return self._columns

    def amount_out(self, x: float) -> float:
        """What arrives for `x`; for more than the curve takes what arrives for that, which a pool may refuse."""
        place = bisect_left(self.ends_in, x)
        if place == len(self.pieces):
            return self.capacity_out
        piece = self.pieces[place]
        if place:
            x -= self.ends_in[place - 1]
            return self.ends_out[place - 1] + piece.slope * x / (1.0 + piece.bend * x)
        return piece.slope * x / (1.0 + piece.bend * x)

    def amount_in(self, y: float) -> float:
        """The least input for which `y` arrives; infinity where that is never."""
        place = bisect_left(self.ends_out, y)
        if place == len(self.pieces):
            # All there is, as a whole number, may be more than the sum of floats.
            return self.capacity_in if 0.0 < y <= self.capacity_out * _ROUNDED_UP else inf
        before = self.ends_in[place - 1] if place else 0.0
        return before + self.pieces[place].needed(y - (self.ends_out[place - 1] if place else 0.0))

    def marginal(self, x: float) -> float:
        """Output per input for the next unit after `x`; 0 where nothing more is taken."""
        place = bisect_left(self.ends_in, x)
        if place == len(self.pieces):
            return 0.0
        piece = self.pieces[place]
        growth = 1.0 + piece.bend * (x - (self.ends_in[place - 1] if place else 0.0))
        return piece.slope / (growth * growth)


class Market:
    """Every pool in each direction it swaps ("edge"), in the byte order of pool addresses, so that the order in which pools were
    handed over never shows in an answer. Of two states of one pool the later slot is kept.

    Hand the same market to several searches to work out its curves only once. `previous` lends the curves of pools that are still
    the same values. An edge is a number: `source[edge]` and `target[edge]` are numbers of `mints`.
    """

    parts: None = None
    """Every edge is the whole of its curve."""

    def __init__(self, pools: Iterable[Pool], previous: Market | None = None) -> None:
        latest: dict[Pubkey, Pool] = {}
        for pool in pools:
            known = latest.get(pool.address)
            if known is None or known.slot < pool.slot:
                latest[pool.address] = pool
        self.pools: dict[Pubkey, Pool] = {address: latest[address] for address in sorted(latest, key=bytes)}
        numbers: dict[Pubkey, int] = {}
        self.edge_pool: list[Pool] = []
        self.source: list[int] = []
        self.target: list[int] = []
        self.by_source: list[list[int]] = []
        for pool in self.pools.values():
            held = [numbers.setdefault(mint.address, len(numbers)) for mint in pool.mints]
            self.by_source += [[] for _ in range(len(numbers) - len(self.by_source))]
            for source in held:
                for target in held:
                    if source != target:
                        self.by_source[source].append(len(self.source))
                        self.edge_pool.append(pool)
                        self.source.append(source)
                        self.target.append(target)
        self.mints: list[Pubkey] = list(numbers)
        self.number_of = numbers
        self._curves: list[Steps | None] = [None] * len(self.source)
        if previous is not None:
            self._lend(previous)

    def __len__(self) -> int:
        return len(self.pools)

    def __iter__(self) -> Iterator[Pool]:
        return iter(self.pools.values())

    def holds(self, mint: Pubkey) -> bool:
        return mint in self.number_of

    def between(self, input_mint: Pubkey, output_mint: Pubkey) -> list[int]:
        """Edges from one mint to the other."""
        source, target = self.number_of.get(input_mint), self.number_of.get(output_mint)
        if source is None or target is None:
            return []
        return [edge for edge in self.by_source[source] if self.target[edge] == target]

    def curve(self, edge: int) -> Steps:
        """What the edge gives for any amount, as far as it is loaded; without pieces where the pool takes no swaps."""
        curve = self._curves[edge]
        if curve is None:
            curve = self._curves[edge] = self._worked_out(edge)
        return curve

    @cached_property
    def pieces(self) -> PieceTable:
        """The pieces of all curves, for flows."""
        load_numpy()
        from dexroute.engine.routing.pieces import PieceTable

        return PieceTable(len(self.source), lambda edge: self.curve(edge).columns)

    @cached_property
    def rough_pieces(self) -> PieceTable:
        """The same with those merged that are next to each other and hardly differ in price, for flows that only choose edges."""
        load_numpy()
        from dexroute.engine.routing.pieces import PieceTable, merged

        return PieceTable(len(self.source), lambda edge: merged(self.curve(edge).columns, _ROUGHLY))

    def piece_count(self, edges: Sequence[int]) -> int:
        """How many pieces these edges have."""
        import numpy as np  # loaded by whoever solves a flow

        return self.pieces.count(np.array(edges, dtype=np.int64))

    def pieces_until(
        self, edges: Sequence[int], inputs: Floats, *, rough: bool = False
    ) -> tuple[Ints, Floats, Floats, Floats, Ints]:
        """`PieceTable.until`."""
        import numpy as np  # loaded by whoever made the inputs

        return (self.rough_pieces if rough else self.pieces).until(np.array(edges, dtype=np.int64), inputs)

    @cached_property
    def prices(self) -> PriceTable:
        """The prices of all edges at no flow, for vectorized search. Works out every curve the first time."""
        load_numpy()
        from dexroute.engine.routing.prices import PriceTable

        return PriceTable.of(self)

    @cached_property
    def at_rest(self) -> AtRest | None:
        """Prices before any order and what arbitrage is worth at them; None where there is none."""
        load_numpy()
        from dexroute.engine.routing.at_rest import prices_at_rest

        return prices_at_rest(self)

    def _worked_out(self, edge: int) -> Steps:
        pool = self.edge_pool[edge]
        if not pool.tradable().ok:
            return _NO_STEPS
        return Steps(curve_of(pool, self.mints[self.source[edge]], self.mints[self.target[edge]], most_in=U64_MAX))

    def _lend(self, previous: Market) -> None:
        lent = {
            (pool.address, previous.mints[previous.source[edge]], previous.mints[previous.target[edge]]): edge
            for edge, pool in enumerate(previous.edge_pool)
            if self.pools.get(pool.address) is pool
        }
        for edge, pool in enumerate(self.edge_pool):
            before = lent.get((pool.address, self.mints[self.source[edge]], self.mints[self.target[edge]]))
            if before is not None:
                self._curves[edge] = previous._curves[before]


def _columns_of(pieces: Sequence[Piece]) -> Floats:
    import numpy as np  # loaded by whoever asks for them

    columns = np.array([(piece.amount_in, piece.slope, piece.bend) for piece in pieces], dtype=np.float64)
    return np.ascontiguousarray(columns.reshape(-1, 3).T)


_NO_STEPS = Steps(NOTHING)


def market_of(pools: Iterable[Pool]) -> Market:
    """The pools as a market; one that is a market already keeps what it has worked out."""
    return pools if isinstance(pools, Market) else Market(pools)


@cache
def swap_compute_units(venue_id: str) -> int:
    """The venue's first guess at one swap's compute units; 200,000 for a venue that is not registered."""
    for venue in VENUES:
        if venue.id == venue_id:
            return venue.capabilities.swap_compute_units
    return _UNKNOWN_VENUE_UNITS


def expected_units(pool: Pool, asked: QuoteRequest) -> int | None:
    """Compute units of one swap as its quote tells; None where quotes do not, or the swap is refused."""
    if swap_varies(pool.venue_id):
        with suppress(QuoteError):
            return quoted_units(pool.quote(asked))
    return None


@cache
def swap_varies(venue_id: str) -> bool:
    """Whether which accounts a swap names, and how long it computes, depends on its amount."""
    return any(venue.capabilities.swap_accounts_vary for venue in VENUES if venue.id == venue_id)


@cache
def swap_calls(venue_id: str) -> int:
    """The most instructions one swap makes programs execute beside itself; the most of any venue where it is not registered."""
    known = {venue.id: venue.capabilities.swap_calls for venue in VENUES}
    return known.get(venue_id, max(known.values()))


@cache
def offers_exact_out(venue_id: str) -> bool:
    """Whether the venue's program swaps exact out; a venue that is not registered is asked."""
    return all(venue.capabilities.exact_out for venue in VENUES if venue.id == venue_id)
