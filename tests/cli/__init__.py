"""The `dex` command, as people and programs run it."""
