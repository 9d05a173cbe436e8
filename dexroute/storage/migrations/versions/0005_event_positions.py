"""Events of the whole journal by number, for those who follow it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("position", sa.BigInteger()))
    for name, columns, unique, where in (
        ("ix_events_unnumbered", ["order_id", "seq"], False, sa.text("position IS NULL")),
        ("uq_events_position", ["position"], True, sa.text("position IS NOT NULL")),
    ):
        op.create_index(name, "events", columns, unique=unique, sqlite_where=where, postgresql_where=where)
