"""The repository's own conventions."""
