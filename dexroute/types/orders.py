"""Orders: what was asked, every signed attempt at it, what the chain did, and the journal of how it went.

All values are frozen; a new fact is a new value (`dataclasses.replace`) that the order store commits. Times are the host's, in
milliseconds, and are records only: nothing on this page decides anything by the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.types.requests import QuoteRequest, SwapMode

Json = Mapping[str, Any]


class OrderState(StrEnum):
    PENDING = "PENDING"  # recorded, nothing done
    ROUTING = "ROUTING"  # a route is being looked for, within the order's limit
    BUILDING = "BUILDING"  # a message is being built, simulated and signed; nothing was sent
    SUBMITTED = "SUBMITTED"  # an attempt is signed and committed, so it may land at any moment
    CONFIRMED = "CONFIRMED"  # landed without error at `confirmed`
    FAILED = "FAILED"  # landed with an error, or will provably never land
    CANCELLED = "CANCELLED"  # given up by the caller, and provably never landed


LEGAL_MOVES: Final[Mapping[OrderState, frozenset[OrderState]]] = {
    OrderState.PENDING: frozenset({OrderState.ROUTING, OrderState.FAILED, OrderState.CANCELLED}),
    OrderState.ROUTING: frozenset({OrderState.BUILDING, OrderState.FAILED, OrderState.CANCELLED}),
    # back to ROUTING: the process died before anything was signed, or the message failed in simulation
    OrderState.BUILDING: frozenset({OrderState.ROUTING, OrderState.SUBMITTED, OrderState.FAILED, OrderState.CANCELLED}),
    # back to ROUTING: every attempt is proven dead and a replacement is allowed
    OrderState.SUBMITTED: frozenset({OrderState.ROUTING, OrderState.CONFIRMED, OrderState.FAILED, OrderState.CANCELLED}),
    # back to SUBMITTED: a fork dropped what had landed, before it was final; the same bytes are followed again
    OrderState.CONFIRMED: frozenset({OrderState.SUBMITTED}),
    OrderState.FAILED: frozenset({OrderState.SUBMITTED}),
    OrderState.CANCELLED: frozenset(),
}
"""The one table of legal moves. Code checks it before writing; the database refuses a move from any state but the one read."""

OPEN_STATES: Final = frozenset({OrderState.PENDING, OrderState.ROUTING, OrderState.BUILDING, OrderState.SUBMITTED})
"""States the executor still has work with."""


def is_legal_move(before: OrderState, after: OrderState) -> bool:
    """Whether an order may go from `before` to `after` in one step."""
    return after in LEGAL_MOVES[before]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapAmounts:
    """What leaves and what arrives in the user's accounts, base units."""

    amount_in: int
    amount_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """A token left over by a route: the wallet's balance of an intermediate mint changed by `amount` base units (signed)."""

    mint: Pubkey
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What landing cost beside the swap itself, lamports. Pool and transfer fees are inside the swap's amounts, not here.

    `rent_lamports` was locked in token accounts that stay open, `rent_refunded_lamports` came back from accounts that closed;
    an account opened and closed by the same transaction counts in neither. `other_lamports` are tips, and what left the wallet
    and is explained by none of these (signed; nothing but tips in every transaction dexroute builds).
    """

    network_fee_lamports: int = 0
    priority_fee_lamports: int = 0
    rent_lamports: int = 0
    rent_refunded_lamports: int = 0
    other_lamports: int = 0
    residuals: tuple[Residual, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an order failed, as the error tree said it: `code` names a class of errors.py."""

    code: str
    message: str
    context: Json = field(default_factory=dict)


class Priority(StrEnum):
    """Which waiting order is taken up first. A higher one has a head start, so that what waits long enough is always next."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Coins an open order may still take from its wallet: base units of `mint` (lamports of the native mint)."""

    mint: Pubkey
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One swap that was asked for.

    `key` is the caller's idempotency key and `body_hash` covers what the caller asked (not what the market answered), so that
    the same key finds the same order. `limit_amount` is the least output (exact in) or the most input (exact out) the chain
    will enforce; once fixed, by an accepted quote or by the first routing, no attempt may go beyond it. `fencing` rises with
    every claim: a writer holding an older number is refused. `event_seq` is the number of the last event.

    Past `deadline_ms` (host time) nothing new is signed. `promised` is held back from other orders while this one is open.
    `settled` is set when nothing on chain can change the order's end any more: what landed is finalized, or nothing ever landed.
    `regressed` is set once a fork dropped what had landed: then no other transaction is ever signed for the order.
    """

    id: str
    key: str
    body_hash: str
    genesis_hash: str
    wallet: Pubkey
    request: QuoteRequest
    slippage_bps: int
    created_ms: int
    updated_ms: int
    limit_amount: int | None = None
    options: Json = field(default_factory=dict)
    state: OrderState = OrderState.PENDING
    fencing: int = 1
    claimed_by: str = ""
    event_seq: int = 0
    route: Json | None = None
    quoted: SwapAmounts | None = None
    simulated: SwapAmounts | None = None
    executed: SwapAmounts | None = None
    costs: Costs | None = None
    failure: Failure | None = None
    cancel_requested_ms: int | None = None
    deadline_ms: int | None = None
    priority: Priority = Priority.NORMAL
    promised: tuple[Promise, ...] = ()
    settled: bool = False
    regressed: bool = False

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def min_amount_out(self) -> int | None:
        """Least output the chain enforces, base units; for exact out that is the amount asked for."""
        return self.limit_amount if self.request.mode is SwapMode.EXACT_IN else self.request.amount

    @property
    def max_amount_in(self) -> int | None:
        """Most input the chain lets go, base units; for exact in that is the amount asked for."""
        return self.request.amount if self.request.mode is SwapMode.EXACT_IN else self.limit_amount


class AttemptOutcome(StrEnum):
    """What became of an attempt. All but LANDED are proofs of death."""

    LANDED = "landed"
    LANDED_WITH_ERROR = "landed_with_error"
    NEVER_SIGNED = "never_signed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One transaction for an order: committed as an intent (no signature, no bytes), then signed, then landed or dead.

    `message` is what is signed (versioned message bytes), `wire` exactly what is sent and sent again. `dead_at` (ms) is set by
    proof only; an attempt that landed without error never dies, which is why no second one can ever be signed beside it.
    `blockhash_slot` is where its blockhash was read: no block up to it can hold the bytes. None in journals of older versions.
    """

    id: str
    order_id: str
    number: int
    fencing: int
    message: bytes
    blockhash: str
    last_valid_block_height: int
    created_ms: int
    blockhash_slot: int | None = None
    signature: str | None = None
    wire: bytes | None = None
    signed_ms: int | None = None
    simulated: SwapAmounts | None = None
    expected_costs: Costs | None = None
    tracked: tuple[Pubkey, ...] = ()
    outcome: AttemptOutcome | None = None
    slot: int | None = None
    error: Json | None = None
    dead_at: int | None = None

    @property
    def is_live(self) -> bool:
        return self.dead_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedAttempt:
    """The attempt that ended its order by landing, while a fork may still undo it: what must be known to tell whether it is final.
    `rank_ms` is the order's place among those that wait."""

    order_id: str
    rank_ms: int
    signature: str
    slot: int
    outcome: AttemptOutcome
    last_valid_block_height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A worker (or any other executor) and the open orders that are its alone: how many, since when it has had the first of them
    (Unix ms of its own host), and how much longer the first of its leases holds if nothing renews it (None: no leases here)."""

    owner: str
    orders: int
    since_ms: int
    lease_left_ms: int | None = None


class EventKind(StrEnum):
    """What one row of an order's journal records."""

    PLACED = "placed"
    CLAIMED = "claimed"
    ROUTING = "routing"
    ROUTED = "routed"
    INTENT = "intent"
    SIGNED = "signed"
    ATTEMPT_DEAD = "attempt_dead"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELLED = "cancelled"
    FINALIZED = "finalized"  # what landed can no longer be dropped by a fork
    REGRESSED = "regressed"  # a fork dropped what had landed; its fill is withdrawn and kept here


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One committed step of an order and its facts. `seq` counts from 1 without gaps; `before` is None for the first. `position` is
    its number among the events of the whole journal, also without gaps; None where it was not read as one of them."""

    order_id: str
    seq: int
    kind: EventKind
    before: OrderState | None
    after: OrderState
    fencing: int
    at_ms: int
    facts: Json = field(default_factory=dict)
    position: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What the chain did with a landed attempt, read from its balances. Amounts are zero when it landed with an error.

    `wallet_lamports_change` is the wallet account's own. `wrapped_lamports_change` is that of its token accounts less the rent of
    those that opened or closed: wrapped SOL that was there before or stayed. Together with the costs they add up to the swap's SOL.
    """

    attempt_id: str
    order_id: str
    signature: str
    slot: int
    block_time: int | None
    amounts: SwapAmounts
    costs: Costs
    units_consumed: int | None
    wallet_lamports_change: int
    wrapped_lamports_change: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHistory:
    """All a journal holds of one order. `attempts` by number, `events` by sequence, `fills` by slot."""

    order: Order
    attempts: tuple[Attempt, ...] = ()
    events: tuple[OrderEvent, ...] = ()
    fills: tuple[Fill, ...] = ()
