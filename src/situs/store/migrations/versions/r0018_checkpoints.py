"""Checkpoints that are kept elsewhere than where they were written, and runs that went on from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the three tables."""
    op.create_table(
        "checkpoints",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workload", sa.Text, nullable=False),
        sa.Column("unit", NUMBER, nullable=False),
        sa.Column("generation", NUMBER, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("step", sa.BigInteger),
    )  # fmt: skip
    op.create_index("checkpoints_by_workload", "checkpoints", ["workload", "seq"])
    op.create_table(
        "checkpoint_states",
        sa.Column("copy", sa.Text, sa.ForeignKey("checkpoints.name"), primary_key=True),
        sa.Column("site", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("files", sa.JSON(none_as_null=True)),
    )  # fmt: skip
    op.create_table(
        "checkpoint_restores",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("workload", sa.Text, nullable=False),
        sa.Column("unit", NUMBER, nullable=False),
        sa.Column("generation", NUMBER, nullable=False),
        sa.Column("copy", sa.Text, sa.ForeignKey("checkpoints.name"), nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lost_s", sa.Float, nullable=False),
        sa.UniqueConstraint(
            "workload", "unit", "generation", "copy", "site", name="checkpoint_restores_once"
        ),
    )  # fmt: skip
    for table in ("checkpoints", "checkpoint_states", "checkpoint_restores"):
        only_added(table)
