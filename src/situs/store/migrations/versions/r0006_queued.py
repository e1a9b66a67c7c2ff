"""Work that people hand in to queues."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, which is history."""
    op.create_table(
        "queued",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("work", sa.Text, sa.ForeignKey("contents.sha256"), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )  # fmt: skip
    op.create_index("queued_by_name", "queued", ["name", "act"], unique=True)
    only_added("queued")
