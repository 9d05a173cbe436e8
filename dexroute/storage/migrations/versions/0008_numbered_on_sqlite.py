"""On SQLite every event gets its position with its step: those that nobody had read yet are numbered here."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    # an order's unnumbered events are its last ones: numbered by (order, seq) they stay in its own order
    op.execute(
        """
        UPDATE events SET position = numbered.position FROM (
            SELECT order_id, seq, row_number() OVER (ORDER BY order_id, seq)
                + (SELECT coalesce(max(position), 0) FROM events) AS position
            FROM events WHERE position IS NULL
        ) AS numbered
        WHERE events.order_id = numbered.order_id AND events.seq = numbered.seq
        """
    )
