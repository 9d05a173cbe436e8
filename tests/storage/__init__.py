"""The journal, on SQLite and on a real PostgreSQL."""
