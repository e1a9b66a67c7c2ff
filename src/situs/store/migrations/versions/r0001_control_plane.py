"""The first schema of the control plane."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from situs.store.migrations.history import only_added

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HISTORY = ("contents", "intents", "plans", "targets", "steps", "usage", "events")
REFUSE = """
CREATE FUNCTION situs_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is history: it is only added to', TG_TABLE_NAME; END $$
"""


def upgrade() -> None:
    """Make the tables, and have the database itself guard what is history."""
    op.create_table(
        "contents",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )  # fmt: skip
    op.create_table(
        "intents",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )  # fmt: skip
    op.create_table(
        "plans",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("parent", sa.Text),
        sa.Column("intent", sa.Text, sa.ForeignKey("intents.hash"), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("files", sa.JSON, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("recorded", INSTANT, nullable=False),
    )  # fmt: skip
    op.create_table(
        "targets",
        sa.Column("generation", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )  # fmt: skip
    op.create_table(
        "runs",
        sa.Column("workload", sa.Text, primary_key=True),
        sa.Column("unit", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("generation", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("shape", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.id")),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("outcome", sa.Text),
        sa.Column("exit_code", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("losses", sa.Integer, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("next_step", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("retry_at", INSTANT),
        sa.Column("metered_s", sa.Float, nullable=False),
        sa.Column("metered_at", INSTANT),
    )  # fmt: skip
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("token", NUMBER, nullable=False),
        sa.Column("expires", INSTANT, nullable=False),
    )  # fmt: skip
    op.create_table(
        "steps",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("token", NUMBER, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("workload", sa.Text, nullable=False),
        sa.Column("unit", NUMBER, nullable=False),
        sa.Column("generation", NUMBER, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
    )  # fmt: skip
    op.create_table(
        "observations",
        sa.Column("site", sa.Text, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("ok", sa.Boolean, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("next_step", sa.Text),
        sa.Column("clock_ahead_s", sa.Float, nullable=False),
        sa.Column("inventory", sa.JSON),
        sa.Column("runs", sa.JSON, nullable=False),
    )  # fmt: skip
    op.create_table(
        "usage",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("workload", sa.Text),
        sa.Column("unit", NUMBER),
        sa.Column("generation", NUMBER),
        sa.Column("use_case", sa.Text),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("unit_s", sa.Float, nullable=False),
        sa.Column("cpu_s", sa.Float),
        sa.Column("amount", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
    )  # fmt: skip
    op.create_table(
        "events",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("workload", sa.Text),
        sa.Column("unit", NUMBER),
        sa.Column("generation", NUMBER),
        sa.Column("site", sa.Text),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )  # fmt: skip
    op.create_table(
        "holds",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )  # fmt: skip
    op.create_index("runs_by_phase", "runs", ["phase"])
    op.create_index("steps_by_step", "steps", ["step"])
    op.create_index("steps_by_workload", "steps", ["workload", "seq"])
    op.create_index("usage_by_workload", "usage", ["workload", "seq"])
    op.create_index("events_by_workload", "events", ["workload", "seq"])
    if op.get_bind().dialect.name != "sqlite":
        op.execute(REFUSE)
    for table in HISTORY:
        only_added(table)
