"""What a fork may still undo, deadlines, priorities, leases, and what open orders promise of a wallet's coins.

Orders that landed before this are taken for final: nobody watched them, and nodes may have forgotten them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

U128 = sa.String(39).with_variant(sa.Numeric(39, 0), "postgresql")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MS = sa.BigInteger()


def upgrade() -> None:
    op.add_column("orders", sa.Column("deadline_ms", MS))
    op.add_column("orders", sa.Column("priority", sa.String(), nullable=False, server_default="normal"))
    op.add_column("orders", sa.Column("rank_ms", MS, nullable=False, server_default="0"))
    op.add_column("orders", sa.Column("promised", JSON, nullable=False, server_default="{}"))
    op.add_column("orders", sa.Column("settled", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("orders", sa.Column("regressed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("orders", sa.Column("lease_until_ms", MS))
    op.execute("UPDATE orders SET rank_ms = created_ms - 60000")
    op.execute("UPDATE orders SET settled = true WHERE state IN ('CONFIRMED', 'FAILED', 'CANCELLED')")
    unsettled = sa.text("NOT settled")
    op.create_index("ix_orders_unsettled", "orders", ["rank_ms"], sqlite_where=unsettled, postgresql_where=unsettled)

    op.create_table(
        "promised",
        sa.Column("genesis_hash", sa.String(), primary_key=True),
        sa.Column("wallet", sa.String(), primary_key=True),
        sa.Column("mint", sa.String(), primary_key=True),
        sa.Column("amount", U128, nullable=False),
    )
