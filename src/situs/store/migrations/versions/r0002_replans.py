"""Plans that the control plane makes by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, which is history."""
    op.create_table(
        "replans",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.id")),
        sa.Column("waits_for", sa.JSON, nullable=False),
        sa.Column("trouble", sa.Text),
    )  # fmt: skip
    only_added("replans")
