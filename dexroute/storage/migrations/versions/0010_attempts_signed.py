"""Attempts by when they were signed: what a day's limit counts, however long before that their orders were placed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    signed = sa.text("signed_ms IS NOT NULL")
    op.create_index("ix_attempts_signed", "attempts", ["signed_ms"], sqlite_where=signed, postgresql_where=signed)
