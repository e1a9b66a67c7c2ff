"""Pipelines that are handed in, and the data that they have made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add both tables, which are only added to."""
    op.create_table(
        "pipelines",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", sa.Text, sa.ForeignKey("contents.sha256"), nullable=False),
        sa.Column("attempts", sa.JSON, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )  # fmt: skip
    op.create_index("pipelines_by_name", "pipelines", ["name", "seq"])
    op.create_table(
        "artefacts",
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("act", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("workload", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("size_gb", sa.Float, nullable=False),
        sa.Column("described", sa.JSON, nullable=False),
    )  # fmt: skip
    only_added("pipelines")
    only_added("artefacts")
