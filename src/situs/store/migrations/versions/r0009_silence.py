"""How long sites were seen to answer or not, and sites that are lost without a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns."""
    op.add_column("observations", sa.Column("spell_s", sa.Float, nullable=False, server_default="0"))
    op.add_column("holds", sa.Column("after_s", sa.Float))
