"""The journal in SQL, on SQLite or PostgreSQL: `store.open_store` opens it, `tables` says what is in it, `migrations` how it
became so.

Importing this package costs nothing; its modules import SQLAlchemy.
"""
