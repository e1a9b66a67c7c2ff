"""Workloads that are put back: they are as an earlier plan has them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no plan is ever removed, so nothing has to refer to one."""
    op.add_column("holds", sa.Column("plan", sa.Text))
