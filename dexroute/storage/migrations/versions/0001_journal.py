"""Orders, attempts, events, fills, remembered pools, and facts about the journal itself.

Types are spelled out here and not imported: a migration says what a database of its age holds, whatever the code became since.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

U64 = sa.String(20).with_variant(sa.Numeric(20, 0), "postgresql")
U128 = sa.String(39).with_variant(sa.Numeric(39, 0), "postgresql")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MS = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("body_hash", sa.String(), nullable=False),
        sa.Column("genesis_hash", sa.String(), nullable=False),
        sa.Column("wallet", sa.String(), nullable=False),
        sa.Column("input_mint", sa.String(), nullable=False),
        sa.Column("output_mint", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("amount", U64, nullable=False),
        sa.Column("slippage_bps", sa.Integer(), nullable=False),
        sa.Column("limit_amount", U64),
        sa.Column("options", JSON, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fencing", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("route", JSON),
        sa.Column("quoted_in", U64),
        sa.Column("quoted_out", U64),
        sa.Column("simulated_in", U64),
        sa.Column("simulated_out", U64),
        sa.Column("executed_in", U64),
        sa.Column("executed_out", U64),
        sa.Column("costs", JSON),
        sa.Column("failure", JSON),
        sa.Column("cancel_requested_ms", MS),
        sa.Column("created_ms", MS, nullable=False),
        sa.Column("updated_ms", MS, nullable=False),
    )
    op.create_index("ix_orders_state", "orders", ["state"])

    op.create_table(
        "attempts",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("order_id", sa.String(), sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fencing", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("blockhash", sa.String(), nullable=False),
        sa.Column("last_valid_block_height", U64, nullable=False),
        sa.Column("signature", sa.String(), unique=True),
        sa.Column("wire", sa.LargeBinary()),
        sa.Column("simulated_in", U64),
        sa.Column("simulated_out", U64),
        sa.Column("expected_costs", JSON),
        sa.Column("tracked", JSON, nullable=False),
        sa.Column("outcome", sa.String()),
        sa.Column("slot", U64),
        sa.Column("error", JSON),
        sa.Column("created_ms", MS, nullable=False),
        sa.Column("signed_ms", MS),
        sa.Column("dead_at", MS),
        sa.UniqueConstraint("order_id", "number", name="uq_attempts_number"),
        sa.CheckConstraint("(wire IS NULL) = (signature IS NULL)", name="ck_attempts_signed"),
    )
    live = sa.text("dead_at IS NULL")
    op.create_index("uq_attempts_live", "attempts", ["order_id"], unique=True, sqlite_where=live, postgresql_where=live)

    op.create_table(
        "events",
        sa.Column("order_id", sa.String(), sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("before", sa.String()),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("fencing", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", MS, nullable=False),
        sa.Column("facts", JSON, nullable=False),
    )

    op.create_table(
        "fills",
        sa.Column("attempt_id", sa.String(), sa.ForeignKey("attempts.id"), primary_key=True),
        sa.Column("order_id", sa.String(), sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("signature", sa.String(), nullable=False, unique=True),
        sa.Column("slot", U64, nullable=False),
        sa.Column("block_time", sa.BigInteger()),
        sa.Column("amount_in", U64, nullable=False),
        sa.Column("amount_out", U64, nullable=False),
        sa.Column("network_fee_lamports", U64, nullable=False),
        sa.Column("priority_fee_lamports", U64, nullable=False),
        sa.Column("rent_lamports", U64, nullable=False),
        sa.Column("rent_refunded_lamports", U64, nullable=False),
        sa.Column("units_consumed", U64),
        sa.Column("changes", JSON, nullable=False),
    )
    op.create_index("ix_fills_order_id", "fills", ["order_id"])

    op.create_table(
        "pools",
        sa.Column("genesis_hash", sa.String(), primary_key=True),
        sa.Column("address", sa.String(), primary_key=True),
        sa.Column("venue_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("seen_slot", U64),
        sa.Column("first_seen_ms", MS, nullable=False),
        sa.Column("last_seen_ms", MS, nullable=False),
    )
    op.create_table(
        "pool_mints",
        sa.Column("genesis_hash", sa.String(), primary_key=True),
        sa.Column("address", sa.String(), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("mint", sa.String(), nullable=False),
        sa.Column("reserve", U128),
        sa.ForeignKeyConstraint(["genesis_hash", "address"], ["pools.genesis_hash", "pools.address"], name="fk_pool_mints_pool"),
    )
    op.create_index("ix_pool_mints_mint", "pool_mints", ["mint"])

    op.create_table(
        "meta",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), nullable=False),
    )
