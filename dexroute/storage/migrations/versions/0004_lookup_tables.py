"""Lookup tables, own ones and added ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lookup_tables",
        sa.Column("genesis_hash", sa.String(), primary_key=True),
        sa.Column("address", sa.String(), primary_key=True),
        sa.Column("authority", sa.String()),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
    )
