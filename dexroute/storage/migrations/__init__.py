"""How the journal's schema became what `storage.tables` says: Alembic's environment, and a file for each revision in `versions`."""
