"""What reading pools taught, and when pools were last searched for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "learned_pools",
        sa.Column("genesis_hash", sa.String(), primary_key=True),
        sa.Column("address", sa.String(), primary_key=True),
        sa.Column("accounts", sa.String(), nullable=False),
        sa.Column("compute_units", sa.BigInteger()),
    )
    op.create_table(
        "pool_searches",
        sa.Column("genesis_hash", sa.String(), primary_key=True),
        sa.Column("scope", sa.String(), primary_key=True),
        sa.Column("searched_ms", sa.BigInteger(), nullable=False),
    )
