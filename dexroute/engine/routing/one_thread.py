"""numpy on one thread: the systems solved here are small, and a second thread of its linear algebra waits longer than it works."""

from __future__ import annotations

import os
import sys
from typing import Final

_VARIABLE: Final = "OPENBLAS_NUM_THREADS"


def load_numpy() -> None:
    """Imports numpy with one thread of OpenBLAS, where neither the process has it already nor the environment says otherwise. The
    environment stays as it was."""
    if "numpy" in sys.modules or _VARIABLE in os.environ:
        return
    os.environ[_VARIABLE] = "1"
    try:
        import numpy  # noqa: F401
    finally:
        del os.environ[_VARIABLE]
