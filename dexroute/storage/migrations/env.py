"""Alembic's entry: runs migrations on the connection (and in the transaction) that storage/schema.py hands over."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=False)  # the caller's transaction spans all of it
context.run_migrations()
