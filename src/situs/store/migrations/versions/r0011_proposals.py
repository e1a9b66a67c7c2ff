"""Plans that people and programs hand in, and what became of them; and with which token a token was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, which is history, and the column."""
    op.add_column("tokens", sa.Column("made_with", sa.Text))
    op.create_table(
        "proposals",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.id"), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("identity", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("waits_for", sa.JSON, nullable=False),
        sa.Column("loosens", sa.JSON, nullable=False),
    )  # fmt: skip
    op.create_index("proposals_by_plan", "proposals", ["plan"])
    only_added("proposals")
