"""Sweeps: what they look for, what their members report, and what was decided about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0013"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the four tables."""
    op.create_table(
        "sweeps",
        sa.Column("array", sa.Text, sa.ForeignKey("arrays.name"), primary_key=True),
        sa.Column("objective", sa.Text, nullable=False),
        sa.Column("goal", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("first_step", sa.Integer, nullable=False),
        sa.Column("last_step", sa.Integer),
        sa.Column("reduction", sa.Integer, nullable=False),
        sa.Column("drawn", sa.JSON, nullable=False),
    )  # fmt: skip
    op.create_table(
        "sweep_reports",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("member", sa.Text, sa.ForeignKey("array_members.name"), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.BigInteger),
        sa.Column("value", sa.Float),
        sa.UniqueConstraint("member", "generation", "line", name="sweep_reports_once"),
    )  # fmt: skip
    op.create_table(
        "sweep_readings",
        sa.Column("member", sa.Text, sa.ForeignKey("array_members.name"), primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trouble", sa.Text),
    )  # fmt: skip
    op.create_table(
        "sweep_verdicts",
        sa.Column("member", sa.Text, sa.ForeignKey("array_members.name"), primary_key=True),
        sa.Column("step", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("report", sa.Integer, sa.ForeignKey("sweep_reports.seq"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )  # fmt: skip
    for table in ("sweeps", "sweep_reports", "sweep_readings", "sweep_verdicts"):
        only_added(table)
