"""Tables that are only added to: the database itself refuses to change or remove what is in them."""

from __future__ import annotations

from alembic import op


def only_added(table: str) -> None:
    """Have it so from now on; PostgreSQL has the function since the first revision."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for change in ("UPDATE", "DELETE"):
        body = (
            f"BEGIN SELECT RAISE(ABORT, '{table} is history: it is only added to'); END"
            if sqlite
            else "EXECUTE FUNCTION situs_refuse()"
        )
        name = f"{table}_{change.lower()}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {change} ON {table} FOR EACH ROW {body}")
