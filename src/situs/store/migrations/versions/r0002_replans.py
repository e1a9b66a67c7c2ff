"""Plans that the control plane makes by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

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
    sqlite = op.get_bind().dialect.name == "sqlite"
    for change in ("UPDATE", "DELETE"):
        body = (
            "BEGIN SELECT RAISE(ABORT, 'replans is history: it is only added to'); END"
            if sqlite
            else "EXECUTE FUNCTION situs_refuse()"
        )
        op.execute(f"CREATE TRIGGER replans_{change.lower()} BEFORE {change} ON replans FOR EACH ROW {body}")
