"""Arrays: one job with many members, and what people did about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0010"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the three tables."""
    op.create_table(
        "arrays",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("work", sa.Text, sa.ForeignKey("contents.sha256"), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("at_once", sa.Integer),
        sa.Column("queue", sa.Text),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("sites", sa.JSON),
    )  # fmt: skip
    op.create_table(
        "array_members",
        sa.Column("array", sa.Text, sa.ForeignKey("arrays.name"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("parameters", sa.JSON, nullable=False),
    )  # fmt: skip
    op.create_table(
        "array_ends",
        sa.Column("array", sa.Text, sa.ForeignKey("arrays.name"), primary_key=True),
        sa.Column("act", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )  # fmt: skip
    for table in ("arrays", "array_members", "array_ends"):
        only_added(table)
