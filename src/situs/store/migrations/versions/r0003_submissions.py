"""Work that people hand in beside the plan in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, which is history."""
    op.create_table(
        "submissions",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.id"), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )  # fmt: skip
    op.create_index("submissions_by_name", "submissions", ["name", "act"], unique=True)
    only_added("submissions")
