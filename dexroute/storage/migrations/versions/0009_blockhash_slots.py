"""Where an attempt's blockhash was read: a node whose blocks begin later is no witness that it never landed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dexroute.storage.columns import Unsigned

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("blockhash_slot", Unsigned(), nullable=True))
