"""The orders that wait, in the order they are taken up, without those that ended. It serves what the index of states did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_open = sa.text("state IN ('BUILDING', 'PENDING', 'ROUTING', 'SUBMITTED')")
    op.drop_index("ix_orders_state", "orders")
    op.create_index("ix_orders_open", "orders", ["rank_ms", "id"], sqlite_where=is_open, postgresql_where=is_open)
