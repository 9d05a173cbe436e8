from __future__ import annotations


class BuildError(Exception):
    """A program could not be built or checked. The message says what to do."""
