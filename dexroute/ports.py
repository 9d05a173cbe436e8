"""How the inside reaches the outside: the Protocols that chain/, storage/ and tests implement.

Nothing below this line of the import graph opens a socket, a file or a database. Network methods raise NetworkError and
its subclasses; they never return a guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from solders.hash import Hash
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.types.accounts import AccountData
from dexroute.types.chain import (
    AccountFilter,
    AccountsAtSlot,
    BlockhashLifetime,
    Commitment,
    HistoryEntry,
    KeptAccounts,
    LandedTransaction,
    SignatureStatus,
    Simulation,
)
from dexroute.types.lookup_tables import RememberedTable
from dexroute.types.orders import (
    Attempt,
    EventKind,
    Fill,
    Holder,
    Json,
    LandedAttempt,
    Order,
    OrderEvent,
    OrderState,
    Priority,
)
from dexroute.types.pools import LearnedPool, RememberedPool
from dexroute.types.records import AttemptRecord
from dexroute.types.spendings import SpendingGuard


class AccountReader(Protocol):
    """Reads accounts from one cluster."""

    async def get_accounts(
        self,
        addresses: Sequence[Pubkey],
        *,
        min_context_slot: int | None = None,
        commitment: Commitment = Commitment.CONFIRMED,
    ) -> AccountsAtSlot:
        """At most 100 addresses, one call, one slot. Raises NetworkError (a node behind `min_context_slot` is StaleData)."""
        ...

    async def get_program_accounts(
        self, program_id: Pubkey, filters: Sequence[AccountFilter], *, data_slice: tuple[int, int] | None = None
    ) -> Mapping[Pubkey, AccountData]:
        """Accounts of a program; `data_slice` is (offset, length). Raises RpcError when the node does not offer it."""
        ...


class AccountCache(Protocol):
    """Accounts kept between quotes, by the pools they were read for. A set comes back as it was at one slot or not at all: sets of
    different slots are never mixed. Raises CacheUnavailable and CacheDamaged, which cost the cache and nothing else."""

    async def latest(self, pools: Collection[Pubkey]) -> KeptAccounts | None:
        """The newest set kept for exactly these pools, however old: its age says what it may be used for."""
        ...

    async def keep(self, pools: Collection[Pubkey], read: AccountsAtSlot) -> None:
        """Keep a set read together. An older one than what is kept is left out."""
        ...


class TransactionRoute(Protocol):
    """A way for signed bytes to the leaders of one cluster. It is asked nothing: not every route can tell."""

    async def send(self, wire: bytes) -> None:
        """Hand the bytes over. Neither returning nor raising says anything about landing. Raises NetworkError."""
        ...


class LandingHints(Protocol):
    """Hears from elsewhere that a signature may have been confirmed. A reason to look, never an answer."""

    def watch(self, signature: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set when there is reason to look, while the block lasts. Never raises and keeps nobody waiting."""
        ...


class TransactionSender(TransactionRoute, Protocol):
    """Lands transactions on one cluster and tells what became of them."""

    async def genesis_hash(self) -> Hash: ...

    async def latest_blockhash(self, *, min_context_slot: int | None = None) -> BlockhashLifetime:
        """The latest blockhash of a node that has reached `min_context_slot`."""
        ...

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        """(block height, context slot) at this commitment; the slot is one the node had reached before it answered.

        Raises RpcError with `implausible` in its context for a node whose heights contradict its own slots or blockhashes (some
        answer slots where block heights are asked): it can be no witness of an expiry."""
        ...

    async def is_blockhash_valid(self, blockhash: Hash) -> bool | None:
        """Whether this node's finalized chain still takes transactions on `blockhash`; None when it does not tell."""
        ...

    async def simulate(self, wire: bytes, *, accounts: Sequence[Pubkey] = (), min_context_slot: int | None = None) -> Simulation:
        """Simulate these exact bytes without checking signatures, by a node that has reached `min_context_slot`."""
        ...

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        """(context slot, a status or None for each signature)."""
        ...

    async def first_available_slot(self) -> int:
        """The oldest slot this node still has; 0 for one that does not tell."""
        ...

    async def has_blocks(self, since_slot: int, until_height: int) -> bool | None:
        """Whether this node has every finalized block from `since_slot` up to block height `until_height`, none missing in between
        as on one that was down meanwhile: only then is its silence about that time worth something. None where it does not tell."""
        ...

    async def signatures_of(self, address: Pubkey) -> tuple[HistoryEntry, ...]:
        """The newest finalized transactions that name `address`, at most 1,000, newest first. Raises RpcError where the node does
        not offer that."""
        ...

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        """The landed transaction at `confirmed`, or None while this node does not have it."""
        ...

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> tuple[int, ...]:
        """Micro-lamports per compute unit paid in recent slots for these accounts; empty when the node does not offer it."""
        ...

    async def rent_exemption(self, data_length: int) -> int:
        """Lamports an account of this many bytes must hold."""
        ...


class Signer(Protocol):
    """Signs messages with one key."""

    @property
    def pubkey(self) -> Pubkey: ...

    async def sign(self, message: MessageV0) -> Signature: ...


class Clock(Protocol):
    """Host time: for waiting and for records, never for deciding what happened on chain."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        ...

    def monotonic_ms(self) -> int: ...

    async def sleep_ms(self, duration_ms: int) -> None: ...


class Notes(Protocol):
    """Facts about the journal itself, by name."""

    async def note(self, name: str, value: str) -> None:
        """Keep a fact, replacing what was there; durable before it returns."""
        ...

    async def replace_note(self, name: str, before: str | None, value: str) -> bool:
        """Keep a fact where it still is `before` (None: where there is none); False, and nothing changed, where another writer came
        first. Of any number that try at once, one succeeds."""
        ...

    async def noted(self, name: str) -> str | None: ...


class OrderStore(Notes, Protocol):
    """The journal of orders. Every write is one transaction, durable before it returns; reads see only committed rows.

    A write names the order as its writer last read it and is refused when anything moved on since: IllegalTransition when the
    move is not legal or the state is another one, OrderTakenOver when another claim raised the fencing number. Every method
    raises DatabaseUnavailable when the database does not answer (whether the write happened is then unknown: read again) and
    DatabaseError when its content is damaged.
    """

    @property
    def leased(self) -> bool:
        """Whether claims are for a time: several processes share the database."""
        ...

    async def place(
        self,
        order: Order,
        *,
        owner: str = "",
        lease_ms: int | None = None,
        available: Mapping[Pubkey, int] | None = None,
    ) -> tuple[Order, bool]:
        """Record a PENDING order with its first event and what it promises. (order, True) when it is new; (the order already under
        its key, False) when the body hash is equal; raises IdempotencyConflict when it is not.

        Raises FundsPromised when open orders of the wallet already promise coins of the same mints, unless `available` (what the
        wallet holds, base units per mint) covers them and this one: looked up and added in one transaction. With `owner` the order
        is claimed by its placing."""
        ...

    async def claim(self, order_id: str, *, owner: str, at_ms: int, lease_ms: int | None = None, only_free: bool = False) -> Order:
        """Make `owner` the only writer: the fencing number rises and the writes of every earlier claim are refused.

        Where several processes share the database, the claim holds for `lease_ms` of the DATABASE's time, or until it is renewed
        (every step and `renew` do). `only_free` takes no order from another owner before that: OrderTakenOver.
        An order that has ended comes back as it is, unclaimed. Raises OrderNotFound."""
        ...

    async def take(
        self,
        *,
        owner: str,
        genesis_hash: str,
        at_ms: int,
        limit: int,
        lease_ms: int | None = None,
        busy: Collection[str] = (),
        busy_wallets: Collection[Pubkey] = (),
        wallets: Collection[Pubkey] | None = None,
    ) -> tuple[Order, ...]:
        """Claim up to `limit` open orders of a cluster that nobody else works on, the next in turn first: higher priority before
        lower, older before newer, and what has waited long before all. `busy` orders and wallets are passed over, and with
        `wallets` all orders of others. What `owner` itself holds and does not name `busy` is free for it."""
        ...

    async def renew(self, *, owner: str, lease_ms: int) -> None:
        """Prolong every lease of `owner` that has not ended."""
        ...

    async def let_go(self, order: Order) -> None:
        """End the lease of a claim that still holds: others need not wait for it."""
        ...

    async def alive_as(self, owner: str) -> str:
        """The name under which `owner` claims from now on; ask before every claim. Where the database can tell that a process has
        died, that is another name, and the answer waits until the database knows that this process lives; DatabaseUnavailable
        when it cannot be told."""
        ...

    async def free_dead(self) -> int:
        """End the leases of those who are provably dead: their orders are free for `take` and `claim`. How many orders that freed.
        A look at all others, worth asking for a few times a second at most."""
        ...

    async def advance(
        self,
        before: Order,
        after: Order,
        kind: EventKind,
        *,
        at_ms: int,
        facts: Json | None = None,
        attempt: Attempt | None = None,
        fill: Fill | None = None,
        withdrawn: Fill | None = None,
        lease_ms: int | None = None,
        guard: SpendingGuard | None = None,
    ) -> tuple[Order, OrderEvent]:
        """Commit one step: the order as `after`, its event row with the next number, and with them the attempt (inserted, or its
        new facts) and the fill. What an attempt signed never changes; at most one attempt of an order is alive. A `withdrawn` fill
        counts no more. What the order promised is released when it ends. A `guard` is asked in the same transaction, one step of a
        wallet after the other.

        Returns what was stored. Raises SignatureTaken where another attempt has the signature."""
        ...

    async def promised(self, genesis_hash: str, wallet: Pubkey) -> Mapping[Pubkey, int]:
        """What the open orders of a wallet promise together, base units per mint."""
        ...

    async def counts(self) -> tuple[tuple[OrderState, Priority, bool, int], ...]:
        """How many orders there are of each (state, priority, settled)."""
        ...

    async def oldest_open(self) -> Order | None: ...

    async def open_orders(self) -> Mapping[tuple[str, Pubkey], int]:
        """How many orders are open of each (genesis hash, wallet)."""
        ...

    async def holders(self) -> tuple[Holder, ...]:
        """Who works on open orders now, by worker, most orders first."""
        ...

    async def newest_steps(self, kinds: Collection[EventKind], *, limit: int) -> tuple[OrderEvent, ...]:
        """Steps of these kinds, at most `limit`, those of the orders placed last first."""
        ...

    async def landed(
        self, genesis_hash: str, *, limit: int, after: LandedAttempt | None = None, above_slot: int | None = None
    ) -> tuple[LandedAttempt, ...]:
        """Of orders of a cluster that ended by landing and may still be undone by a fork: the next `limit` after `after` in the
        order they were taken up in, only those that landed above `above_slot`."""
        ...

    async def finalize(self, landed: Sequence[LandedAttempt], *, at_ms: int) -> tuple[tuple[Order, OrderEvent], ...]:
        """Settle in one transaction those of these orders that still stand as given, each with its FINALIZED event. Returns what
        was stored; an order that somebody settled or took back meanwhile is left out."""
        ...

    async def order(self, order_id: str) -> Order:
        """Raises OrderNotFound."""
        ...

    async def order_by_key(self, key: str) -> Order | None: ...

    async def orders(
        self, *, states: Collection[OrderState] | None = None, limit: int | None = None, before_id: str | None = None
    ) -> tuple[Order, ...]:
        """Newest first; `before_id` continues a listing below the order with that id."""
        ...

    async def attempts(self, order_id: str) -> tuple[Attempt, ...]:
        """In the order they were made."""
        ...

    async def events(self, order_id: str, *, after_seq: int = 0) -> tuple[OrderEvent, ...]:
        """In the order they were committed, those numbered above `after_seq`."""
        ...

    async def known_signatures(self, signatures: Sequence[str]) -> frozenset[str]:
        """Those of these that belong to attempts of the journal."""
        ...

    async def accept_lost(self) -> None:
        """Take the journal as it is for whole, though it was restored from a backup and lacks signatures: a person has looked."""
        ...

    async def fills(self, order_id: str) -> tuple[Fill, ...]:
        """What the chain did with each landed attempt."""
        ...


class EventSource(Protocol):
    """The events of a journal as a subscriber reads them: from a number on, and with a hint when there are more."""

    def on_commit(self, hear: Callable[[OrderEvent], None]) -> None:
        """Call `hear` with every event this process commits, once it is durable. A hint: a commit whose answer was lost is not
        told."""
        ...

    async def order(self, order_id: str) -> Order:
        """Raises OrderNotFound."""
        ...

    async def events(self, order_id: str, *, after_seq: int = 0) -> tuple[OrderEvent, ...]:
        """In the order they were committed, those numbered above `after_seq`."""
        ...

    async def journal_events(self, *, after: int, limit: int) -> tuple[OrderEvent, ...]:
        """Events of all orders by `position`, the first `limit` above `after`. Positions have no gaps and never change, and no
        event ever comes below one that was read; an order's events stand in their own order. Raises DatabaseUnavailable."""
        ...


class PoolMemory(Protocol):
    """Pools seen before, kept between runs so that a quote need not search the cluster first."""

    async def remember_pools(self, pools: Iterable[RememberedPool]) -> None:
        """Add pools, or renew what is known of them (`first_seen_ms` stays)."""
        ...

    async def remembered_pools(self, genesis_hash: str, *, mints: Collection[Pubkey] = ()) -> tuple[RememberedPool, ...]:
        """Pools of this cluster that hold all of `mints` (all pools when empty), last seen first."""
        ...

    async def remember_search(self, genesis_hash: str, scope: str, searched_ms: int) -> None:
        """The sources were asked for pools of `scope` at this time of the host."""
        ...

    async def searched_ms(self, genesis_hash: str, scope: str) -> int | None:
        """When they were last, None when they never were."""
        ...


class LearnedMemory(Protocol):
    """What reading pools taught, kept between runs so that the first quote of a process reads everything at once."""

    async def remember_learned(self, genesis_hash: str, pools: Iterable[LearnedPool]) -> None:
        """Add what was learned of each pool, or replace it."""
        ...

    async def learned_pools(self, genesis_hash: str, addresses: Collection[Pubkey]) -> tuple[LearnedPool, ...]:
        """What is known of these pools, in no order."""
        ...


class PoolRecords(Protocol):
    """The journal as a witness of how reliable pools are."""

    async def attempt_records(self, genesis_hash: str, *, most_orders: int = 500) -> tuple[AttemptRecord, ...]:
        """How the attempts of the newest orders of this cluster ended, in the order they did; one read."""
        ...


class TableMemory(Protocol):
    """Lookup tables of each cluster, kept between runs."""

    async def remember_table(self, table: RememberedTable) -> None:
        """Add a table, or replace what is known of it."""
        ...

    async def remembered_tables(self, genesis_hash: str) -> tuple[RememberedTable, ...]:
        """Tables of this cluster, the latest first."""
        ...

    async def forget_table(self, genesis_hash: str, address: Pubkey) -> None: ...
