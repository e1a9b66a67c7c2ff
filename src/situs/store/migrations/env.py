"""Alembic's way in: applies migrations within the transaction that :mod:`situs.store.schema` has begun."""

from alembic import context

from situs.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
