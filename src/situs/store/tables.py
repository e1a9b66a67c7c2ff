"""The tables of the control plane, as the newest migration leaves them.

What is history (plans, targets, steps, usage, events) is only ever added to; the database itself refuses to
change or remove it.  Amounts of money are kept as text, because SQLite would make floats of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

HISTORY = (
    "contents",
    "intents",
    "plans",
    "targets",
    "steps",
    "usage",
    "events",
    "replans",
    "submissions",
    "queued",
    "proposals",
    "pipelines",
    "artefacts",
    "arrays",
    "array_members",
    "array_ends",
    "sweeps",
    "sweep_reports",
    "sweep_readings",
    "sweep_verdicts",
    "sweep_draws",
    "checkpoints",
    "checkpoint_states",
    "checkpoint_restores",
)
"""Tables that are only added to."""


class Instant(TypeDecorator[datetime]):
    """An instant in UTC; SQLite knows no time zones, so it is told the bare time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database. Raises ValueError for a time without zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Amount(TypeDecorator[Decimal]):
    """An exact amount of money."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """From the database."""
        return None if value is None else Decimal(value)


Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up by itself only what is called an integer."""

metadata = MetaData()

contents = Table(
    "contents", metadata,
    Column("sha256", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)  # fmt: skip
intents = Table(
    "intents", metadata,
    Column("hash", Text, primary_key=True),
    Column("content", Text, nullable=False),
)  # fmt: skip
plans = Table(
    "plans", metadata,
    Column("id", Text, primary_key=True),
    Column("parent", Text),
    Column("intent", Text, ForeignKey("intents.hash"), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("files", JSON, nullable=False),
    Column("content", Text, nullable=False),
    Column("recorded", Instant, nullable=False),
)  # fmt: skip
targets = Table(
    "targets", metadata,
    Column("generation", Number, primary_key=True, autoincrement=False),
    Column("plan", Text, ForeignKey("plans.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text),
)  # fmt: skip
runs = Table(
    "runs", metadata,
    Column("workload", Text, primary_key=True),
    Column("unit", Number, primary_key=True, autoincrement=False),
    Column("generation", Number, primary_key=True, autoincrement=False),
    Column("site", Text, nullable=False),
    Column("pool", Text, nullable=False),
    Column("shape", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("plan", Text, ForeignKey("plans.id")),
    Column("phase", Text, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("outcome", Text),
    Column("exit_code", Integer),
    Column("reason", Text),
    Column("failures", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("cause", Text),
    Column("next_step", Text),
    Column("tries", Integer, nullable=False),
    Column("retry_at", Instant),
    Column("metered_s", Float, nullable=False),
    Column("metered_at", Instant),
    Column("ready_at", Instant),
    Column("address", Text),
    Column("abandoned_at", Instant),
    Column("unhealthy_at", Instant),
    Index("runs_by_phase", "phase"),
)  # fmt: skip
leases = Table(
    "leases", metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("token", Number, nullable=False),
    Column("expires", Instant, nullable=False),
)  # fmt: skip
steps = Table(
    "steps", metadata,
    Column("seq", Number, primary_key=True),
    Column("step", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("token", Number, nullable=False),
    Column("kind", Text, nullable=False),
    Column("workload", Text, nullable=False),
    Column("unit", Number, nullable=False),
    Column("generation", Number, nullable=False),
    Column("site", Text, nullable=False),
    Column("cause", Text),
    Index("steps_by_step", "step"),
    Index("steps_by_workload", "workload", "seq"),
)  # fmt: skip
observations = Table(
    "observations", metadata,
    Column("site", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("cause", Text),
    Column("next_step", Text),
    Column("clock_ahead_s", Float, nullable=False),
    Column("inventory", JSON),
    Column("runs", JSON, nullable=False),
    Column("spell_s", Float, nullable=False, server_default="0"),
)  # fmt: skip
usage = Table(
    "usage", metadata,
    Column("seq", Number, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("workload", Text),
    Column("unit", Number),
    Column("generation", Number),
    Column("use_case", Text),
    Column("site", Text, nullable=False),
    Column("pool", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("unit_s", Float, nullable=False),
    Column("cpu_s", Float),
    Column("amount", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Index("usage_by_workload", "workload", "seq"),
)  # fmt: skip
events = Table(
    "events", metadata,
    Column("seq", Number, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("workload", Text),
    Column("unit", Number),
    Column("generation", Number),
    Column("site", Text),
    Column("by", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("events_by_workload", "workload", "seq"),
)  # fmt: skip
holds = Table(
    "holds", metadata,
    Column("seq", Number, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Column("by", Text, nullable=False),
    Column("reason", Text),
    Column("after_s", Float),
    Column("plan", Text),
    Column("spec", Text),
)  # fmt: skip
replans = Table(
    "replans", metadata,
    Column("seq", Number, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("question", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("plan", Text, ForeignKey("plans.id")),
    Column("waits_for", JSON, nullable=False),
    Column("trouble", Text),
)  # fmt: skip
submissions = Table(
    "submissions", metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("act", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("plan", Text, ForeignKey("plans.id"), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text),
    Index("submissions_by_name", "name", "act", unique=True),
)  # fmt: skip
queued = Table(
    "queued", metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("act", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("work", Text, ForeignKey("contents.sha256"), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text),
    Index("queued_by_name", "name", "act", unique=True),
)  # fmt: skip
pipelines = Table(
    "pipelines", metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("act", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("content", Text, ForeignKey("contents.sha256"), nullable=False),
    Column("attempts", JSON, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text),
    Index("pipelines_by_name", "name", "seq"),
)  # fmt: skip
artefacts = Table(
    "artefacts", metadata,
    Column("dataset", Text, primary_key=True),
    Column("act", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("workload", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("size_gb", Float, nullable=False),
    Column("described", JSON, nullable=False),
)  # fmt: skip
arrays = Table(
    "arrays", metadata,
    Column("name", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("work", Text, ForeignKey("contents.sha256"), nullable=False),
    Column("size", Integer, nullable=False),
    Column("at_once", Integer),
    Column("queue", Text),
    Column("priority", Integer, nullable=False),
    Column("sites", JSON),
)  # fmt: skip
array_members = Table(
    "array_members", metadata,
    Column("array", Text, ForeignKey("arrays.name"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("parameters", JSON, nullable=False),
)  # fmt: skip
array_ends = Table(
    "array_ends", metadata,
    Column("array", Text, ForeignKey("arrays.name"), primary_key=True),
    Column("act", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text),
)  # fmt: skip
sweeps = Table(
    "sweeps", metadata,
    Column("array", Text, ForeignKey("arrays.name"), primary_key=True),
    Column("objective", Text, nullable=False),
    Column("goal", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("first_step", Integer, nullable=False),
    Column("last_step", Integer),
    Column("reduction", Integer, nullable=False),
    Column("drawn", JSON, nullable=False),
    Column("patience", Integer),
)  # fmt: skip
sweep_reports = Table(
    "sweep_reports", metadata,
    Column("seq", Integer, primary_key=True),
    Column("member", Text, ForeignKey("array_members.name"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("step", BigInteger),
    Column("value", Float),
    UniqueConstraint("member", "generation", "line", name="sweep_reports_once"),
)  # fmt: skip
sweep_readings = Table(
    "sweep_readings", metadata,
    Column("member", Text, ForeignKey("array_members.name"), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("trouble", Text),
)  # fmt: skip
sweep_verdicts = Table(
    "sweep_verdicts", metadata,
    Column("member", Text, ForeignKey("array_members.name"), primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("verdict", Text, nullable=False),
    Column("report", Integer, ForeignKey("sweep_reports.seq"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
)  # fmt: skip
sweep_draws = Table(
    "sweep_draws", metadata,
    Column("member", Text, ForeignKey("array_members.name"), primary_key=True),
    Column("parameters", JSON, nullable=False),
    Column("report", Integer, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip
checkpoints = Table(
    "checkpoints", metadata,
    Column("seq", Number, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("workload", Text, nullable=False),
    Column("unit", Number, nullable=False),
    Column("generation", Number, nullable=False),
    Column("source", Text, nullable=False),
    Column("mark", Text, nullable=False),
    Column("step", BigInteger),
    Index("checkpoints_by_workload", "workload", "seq"),
)  # fmt: skip
checkpoint_states = Table(
    "checkpoint_states", metadata,
    Column("copy", Text, ForeignKey("checkpoints.name"), primary_key=True),
    Column("site", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("files", JSON(none_as_null=True)),
)  # fmt: skip
checkpoint_restores = Table(
    "checkpoint_restores", metadata,
    Column("seq", Number, primary_key=True),
    Column("workload", Text, nullable=False),
    Column("unit", Number, nullable=False),
    Column("generation", Number, nullable=False),
    Column("copy", Text, ForeignKey("checkpoints.name"), nullable=False),
    Column("site", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("lost_s", Float, nullable=False),
    UniqueConstraint("workload", "unit", "generation", "copy", "site", name="checkpoint_restores_once"),
)  # fmt: skip
tokens = Table(
    "tokens", metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("grants", JSON, nullable=False),
    Column("created", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("revoked", Instant),
    Column("revoked_by", Text),
    Column("made_with", Text),
)  # fmt: skip
answers = Table(
    "answers", metadata,
    Column("who", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("status", Integer),
    Column("body", JSON),
)  # fmt: skip
proposals = Table(
    "proposals", metadata,
    Column("seq", Number, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("act", Text, nullable=False),
    Column("plan", Text, ForeignKey("plans.id"), nullable=False),
    Column("by", Text, nullable=False),
    Column("identity", Text),
    Column("reason", Text),
    Column("waits_for", JSON, nullable=False),
    Column("loosens", JSON, nullable=False),
    Index("proposals_by_plan", "plan"),
)  # fmt: skip
