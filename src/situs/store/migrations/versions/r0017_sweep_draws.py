"""Parameters that are drawn when members are handed in, from what others have reported, and patience with members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0017"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column."""
    op.add_column("sweeps", sa.Column("patience", sa.Integer))
    op.create_table(
        "sweep_draws",
        sa.Column("member", sa.Text, sa.ForeignKey("array_members.name"), primary_key=True),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("report", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    only_added("sweep_draws")
