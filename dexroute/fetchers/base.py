"""The venue contract: what every venue must answer, and nothing about how.

A `Venue` turns account bytes into `Pool` values; a `Pool` quotes and builds its swap instruction. Neither ever opens a
socket: bytes come in as an `AccountSnapshot`, and everything else is arithmetic. Shape after jupiter-amm-interface
(jup-ag/jupiter-amm-interface, src/lib.rs), with values in place of mutation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.types.accounts import AccountSnapshot
from dexroute.types.chain import AccountFilter
from dexroute.types.fees import Fee
from dexroute.types.mints import Mint
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradability:
    """Whether the pool's program would take a swap at the snapshot's clock; `reason` says why not, in words for a trader."""

    ok: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueCapabilities:
    """What a venue can do, for routing, planning and discovery.

    `swap_compute_units` is a generous first guess before simulation, where quotes tell their own (`quoted_units`) one at their
    shortest swap; `swap_calls` the most instructions that a swap makes programs
    execute beside itself: a transaction may execute no more than 64 in all. `pool_filters` find this venue's pool accounts with
    getProgramAccounts; `mint_offsets` are where a pool account holds its two mints, so that discovery can ask for a pair.
    `swap_accounts_vary`: which accounts a swap names depends on its amount and the price (tick or bin arrays), not only on its
    direction. `slippage_error_codes` are the custom program errors that mean "the swap's limit was not met".
    """

    exact_in: bool
    exact_out: bool
    token_2022: bool
    swap_compute_units: int
    swap_calls: int
    pool_filters: tuple[AccountFilter, ...]
    mint_offsets: tuple[int, int]
    slippage_error_codes: frozenset[int] = frozenset()
    swap_accounts_vary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRequest:
    """A quote to be carried out: `limit` is the least output (exact in) or the most input (exact out), enforced on chain.
    `source` and `destination` are `user`'s token accounts of the input and output mint."""

    quote: QuoteRequest
    limit: int
    user: Pubkey
    source: Pubkey
    destination: Pubkey


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapCall:
    """A swap instruction read back: `limit` as the program is told it, the least output (exact in) or the most input (exact out);
    `source` and `destination` are whatever token accounts it names. Whose they are, and of which mints, is not known here.
    `limit_slack` is by how much the program may deliver less than it is told. `arrays` are the accounts after those every such
    swap has: of the program, and at byte `arrays_name_pool_at` of each stands the pool."""

    pool: Pubkey
    user: Pubkey
    source: Pubkey
    destination: Pubkey
    mode: SwapMode
    amount: int
    limit: int
    limit_slack: int = 0
    arrays: tuple[Pubkey, ...] = ()
    arrays_name_pool_at: int = 0

    @property
    def most_in(self) -> int:
        """The most that can leave `source`."""
        return self.amount if self.mode is SwapMode.EXACT_IN else self.limit

    @property
    def least_out(self) -> int:
        """The least that must arrive in `destination`."""
        return max(self.limit - self.limit_slack, 0) if self.mode is SwapMode.EXACT_IN else self.amount


class Pool(Protocol):
    """One pool as it was at `slot`: an immutable value."""

    @property
    def venue_id(self) -> str: ...
    @property
    def address(self) -> Pubkey: ...
    @property
    def mints(self) -> tuple[Mint, ...]: ...
    @property
    def slot(self) -> int: ...

    def tradable(self) -> Tradability:
        """Whether swaps are open at the snapshot's clock."""
        ...

    def spot_price(self, input_mint: Pubkey, output_mint: Pubkey) -> Price:
        """Output base units per input base unit for a vanishing amount, before all fees. Raises QuoteError."""
        ...

    def quote(self, request: QuoteRequest) -> SwapQuote:
        """The swap exactly as the program would execute it on this state. Pure. Raises QuoteError only."""
        ...

    def swap_instruction(self, request: SwapRequest) -> Instruction:
        """The venue's swap instruction. Raises QuoteError when the pair or the amounts cannot be meant for this pool."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapQuote:
    """`amount_in` leaves the user's account, `amount_out` arrives in it; `next_pool` is the pool after the swap."""

    amount_in: int
    amount_out: int
    fees: tuple[Fee, ...]
    next_pool: Pool


class Venue(Protocol):
    """One program's pools."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def program_id(self) -> Pubkey: ...
    @property
    def capabilities(self) -> VenueCapabilities: ...

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        """Addresses still to be read, given what is known; empty when `decode_pool` has all it needs.
        Never asks again for an address that is a key of `known.accounts`, even when it maps to None."""
        ...

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> Pool:
        """The pool, from untrusted bytes. Raises DecodeError naming pool and field."""
        ...

    def decode_swap(self, instruction: Instruction) -> SwapCall:
        """What a swap instruction asks for: the inverse of `Pool.swap_instruction`, from untrusted bytes. Raises NotASwap for
        anything this dexroute would not build: another instruction of the program, a byte or an account too many or too few. Signer
        and writable flags are not looked at; a message keeps them for all its instructions together."""
        ...


@runtime_checkable
class HoldsReserves(Protocol):
    """Optional, for pools whose token accounts hold other pools' funds too, or are not read. Elsewhere the accounts tell."""

    def held_reserves(self) -> tuple[int, ...]:
        """What is the pool's own, base units in the order of its mints; zeros when it cannot be told. For ranking only."""
        ...


@runtime_checkable
class MustComeFirst(Protocol):
    """Optional, for pools whose program refuses some swaps after another swap of the pool in the same transaction."""

    def must_come_first(self, input_mint: Pubkey) -> bool:
        """Whether a swap from this mint is refused behind another one in its transaction."""
        ...


@runtime_checkable
class SharesAccounts(Protocol):
    """Optional, for pools whose tokens lie in accounts that other pools of the venue use too."""

    def beside(self, before: Pool, after: Pool) -> Pool:
        """This pool when a swap through another one has moved that from `before` to `after`; itself where they share nothing."""
        ...


def beside(pool: Pool, before: Pool, after: Pool) -> Pool:
    """`SharesAccounts.beside` of pools that have it; any other as it is."""
    moved = getattr(pool, "beside", None)
    return pool if moved is None else moved(before, after)


def limit_slack(pool: Pool) -> int:
    """By how many base units the pool's program can deliver less than the least output it is told: it compares before a last
    rounding. `swap_instruction` tells it as many more, so that a limit closer to the quote than that may be refused on chain."""
    slack: int = getattr(pool, "limit_slack", 0)
    return slack


def quoted_units(quote: SwapQuote) -> int | None:
    """About the most compute units of the swap, where it takes the more the more ticks or bins it passes; None where every swap
    of the pool takes about the same, and one that was simulated tells it."""
    units: int | None = getattr(quote, "compute_units", None)
    return units
