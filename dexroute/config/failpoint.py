"""The one setting that is no setting: where a test wants this process to die. Not shown, not read from files."""

from __future__ import annotations

import os


def failpoint_wanted() -> str | None:
    """DEXROUTE_FAILPOINT: a name from dexroute.engine.execution.failpoints, optionally with `:n` for its n-th passing."""
    return os.environ.get("DEXROUTE_FAILPOINT") or None
