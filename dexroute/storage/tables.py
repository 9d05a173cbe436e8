"""The tables. What must never be wrong is a constraint here, not only a code path:

- one order per idempotency key,
- at most one attempt alive per order (a partial unique index, also for attempts that landed: they never die),
- events numbered per order, each number once,
- an attempt has a signature exactly when it has bytes to send, and a signature belongs to one attempt,
- one fill per attempt.

A change here needs a migration in migrations/versions; a test compares the two.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, LargeBinary, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from dexroute.storage.columns import JsonColumn, Unsigned

OPEN_ORDERS: Final = "state IN ('BUILDING', 'PENDING', 'ROUTING', 'SUBMITTED')"
"""What waits or is worked on: few, however many orders the journal holds."""


class OrderRow(SQLModel, table=True):
    """One order. `fencing` rises with every claim, `event_seq` with every event. Waiting orders are taken up by `rank_ms`; until
    `lease_until_ms` (the database's time) the order is `claimed_by`'s alone."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("ix_orders_open", "rank_ms", "id", sqlite_where=text(OPEN_ORDERS), postgresql_where=text(OPEN_ORDERS)),
        Index("ix_orders_unsettled", "rank_ms", sqlite_where=text("NOT settled"), postgresql_where=text("NOT settled")),
    )

    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    body_hash: str
    genesis_hash: str
    wallet: str
    input_mint: str
    output_mint: str
    mode: str
    amount: int = Field(sa_type=Unsigned)
    slippage_bps: int
    limit_amount: int | None = Field(default=None, sa_type=Unsigned)
    options: dict[str, Any] = Field(sa_type=JsonColumn)
    state: str
    fencing: int = Field(sa_type=BigInteger)
    claimed_by: str
    event_seq: int
    route: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    quoted_in: int | None = Field(default=None, sa_type=Unsigned)
    quoted_out: int | None = Field(default=None, sa_type=Unsigned)
    simulated_in: int | None = Field(default=None, sa_type=Unsigned)
    simulated_out: int | None = Field(default=None, sa_type=Unsigned)
    executed_in: int | None = Field(default=None, sa_type=Unsigned)
    executed_out: int | None = Field(default=None, sa_type=Unsigned)
    costs: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    failure: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    cancel_requested_ms: int | None = Field(default=None, sa_type=BigInteger)
    created_ms: int = Field(sa_type=BigInteger)
    updated_ms: int = Field(sa_type=BigInteger)
    deadline_ms: int | None = Field(default=None, sa_type=BigInteger)
    priority: str
    rank_ms: int = Field(sa_type=BigInteger)
    promised: dict[str, Any] = Field(sa_type=JsonColumn)
    settled: bool
    regressed: bool
    lease_until_ms: int | None = Field(default=None, sa_type=BigInteger)


class PromisedRow(SQLModel, table=True):
    """What the open orders of one wallet promise of one mint together, base units."""

    __tablename__ = "promised"

    genesis_hash: str = Field(primary_key=True)
    wallet: str = Field(primary_key=True)
    mint: str = Field(primary_key=True)
    amount: int = Field(sa_column=Column(Unsigned(128), nullable=False))


class AttemptRow(SQLModel, table=True):
    """One signed (or about to be signed) transaction. `dead_at` is a time in ms, set by proof only."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("order_id", "number", name="uq_attempts_number"),
        Index(
            "uq_attempts_live",
            "order_id",
            unique=True,
            sqlite_where=text("dead_at IS NULL"),
            postgresql_where=text("dead_at IS NULL"),
        ),
        Index(
            "ix_attempts_signed",
            "signed_ms",
            sqlite_where=text("signed_ms IS NOT NULL"),
            postgresql_where=text("signed_ms IS NOT NULL"),
        ),
        CheckConstraint("(wire IS NULL) = (signature IS NULL)", name="ck_attempts_signed"),
    )

    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="orders.id")
    number: int
    fencing: int = Field(sa_type=BigInteger)
    message: bytes = Field(sa_type=LargeBinary)
    blockhash: str
    last_valid_block_height: int = Field(sa_type=Unsigned)
    blockhash_slot: int | None = Field(default=None, sa_type=Unsigned)
    signature: str | None = Field(default=None, unique=True)
    wire: bytes | None = Field(default=None, sa_type=LargeBinary)
    simulated_in: int | None = Field(default=None, sa_type=Unsigned)
    simulated_out: int | None = Field(default=None, sa_type=Unsigned)
    expected_costs: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    tracked: list[str] = Field(sa_type=JsonColumn)
    outcome: str | None = None
    slot: int | None = Field(default=None, sa_type=Unsigned)
    error: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    created_ms: int = Field(sa_type=BigInteger)
    signed_ms: int | None = Field(default=None, sa_type=BigInteger)
    dead_at: int | None = Field(default=None, sa_type=BigInteger)


class EventRow(SQLModel, table=True):
    """One committed step of an order. `position` numbers the events of the whole journal: given with the step on SQLite, after
    the commit by the first who reads them on PostgreSQL (storage/positions.py)."""

    __tablename__ = "events"
    __table_args__ = (
        Index(
            "ix_events_unnumbered",
            "order_id",
            "seq",
            sqlite_where=text("position IS NULL"),
            postgresql_where=text("position IS NULL"),
        ),
        Index(
            "uq_events_position",
            "position",
            unique=True,
            sqlite_where=text("position IS NOT NULL"),
            postgresql_where=text("position IS NOT NULL"),
        ),
    )

    order_id: str = Field(primary_key=True, foreign_key="orders.id")
    seq: int = Field(primary_key=True)
    kind: str
    before: str | None = None
    after: str
    fencing: int = Field(sa_type=BigInteger)
    at_ms: int = Field(sa_type=BigInteger)
    facts: dict[str, Any] = Field(sa_type=JsonColumn)
    position: int | None = Field(default=None, sa_type=BigInteger)


class FillRow(SQLModel, table=True):
    """What the chain did with a landed attempt. Signed lamports and residuals are strings in `changes`."""

    __tablename__ = "fills"

    attempt_id: str = Field(primary_key=True, foreign_key="attempts.id")
    order_id: str = Field(foreign_key="orders.id", index=True)
    signature: str = Field(unique=True)
    slot: int = Field(sa_type=Unsigned)
    block_time: int | None = Field(default=None, sa_type=BigInteger)
    amount_in: int = Field(sa_type=Unsigned)
    amount_out: int = Field(sa_type=Unsigned)
    network_fee_lamports: int = Field(sa_type=Unsigned)
    priority_fee_lamports: int = Field(sa_type=Unsigned)
    rent_lamports: int = Field(sa_type=Unsigned)
    rent_refunded_lamports: int = Field(sa_type=Unsigned)
    units_consumed: int | None = Field(default=None, sa_type=Unsigned)
    changes: dict[str, Any] = Field(sa_type=JsonColumn)


class PoolRow(SQLModel, table=True):
    """A pool some source named, on one cluster."""

    __tablename__ = "pools"

    genesis_hash: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    venue_id: str
    source: str
    seen_slot: int | None = Field(default=None, sa_type=Unsigned)
    first_seen_ms: int = Field(sa_type=BigInteger)
    last_seen_ms: int = Field(sa_type=BigInteger)


class PoolMintRow(SQLModel, table=True):
    """One mint a remembered pool holds, and how much of it when last seen (base units)."""

    __tablename__ = "pool_mints"
    __table_args__ = (
        ForeignKeyConstraint(["genesis_hash", "address"], ["pools.genesis_hash", "pools.address"], name="fk_pool_mints_pool"),
    )

    genesis_hash: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    mint: str = Field(index=True)
    reserve: int | None = Field(default=None, sa_column=Column(Unsigned(128)))


class LearnedPoolRow(SQLModel, table=True):
    """What reading a pool taught: the accounts it takes (addresses, a space between), and the compute units of its last swap."""

    __tablename__ = "learned_pools"

    genesis_hash: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    accounts: str
    compute_units: int | None = Field(default=None, sa_type=BigInteger)


class PoolSearchRow(SQLModel, table=True):
    """When the sources of pools were last asked for a pair, or for all there are (`scope`)."""

    __tablename__ = "pool_searches"

    genesis_hash: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)
    searched_ms: int = Field(sa_type=BigInteger)


class LookupTableRow(SQLModel, table=True):
    """A lookup table of one cluster. `authority` is the wallet that made it here, NULL for one that was only added."""

    __tablename__ = "lookup_tables"

    genesis_hash: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    authority: str | None = None
    added_ms: int = Field(sa_type=BigInteger)


class MetaRow(SQLModel, table=True):
    """Facts about the journal itself, by name (`SqlStore.note`). None is kept so far."""

    __tablename__ = "meta"

    name: str = Field(primary_key=True)
    value: str


def table_of(row: type[SQLModel]) -> Table:
    """The table itself, for statements that go past the ORM: they are what an order's every step costs."""
    return SQLModel.metadata.tables[str(row.__tablename__)]
