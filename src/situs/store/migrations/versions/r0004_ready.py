"""When a service was ready, and where it listens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns."""
    op.add_column("runs", sa.Column("ready_at", sa.DateTime(timezone=True)))
    op.add_column("runs", sa.Column("address", sa.Text))
