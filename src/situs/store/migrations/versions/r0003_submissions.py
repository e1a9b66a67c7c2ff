"""Work that people hand in beside the plan in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, which is history."""
    op.create_table(
        "submissions",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.id"), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )  # fmt: skip
    op.create_index("submissions_by_name", "submissions", ["name", "act"], unique=True)
    sqlite = op.get_bind().dialect.name == "sqlite"
    for change in ("UPDATE", "DELETE"):
        body = (
            "BEGIN SELECT RAISE(ABORT, 'submissions is history: it is only added to'); END"
            if sqlite
            else "EXECUTE FUNCTION situs_refuse()"
        )
        name = f"submissions_{change.lower()}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {change} ON submissions FOR EACH ROW {body}")
