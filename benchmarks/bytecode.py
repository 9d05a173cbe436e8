"""What is measured starts as an installed dexroute does: pip compiles what it installs. A tree that nobody compiled and no process
may write to (PYTHONDONTWRITEBYTECODE, a read-only image) is compiled by each process anew, which takes longer than all else at its
start.
"""

from __future__ import annotations

import compileall
import sysconfig
from pathlib import Path

_TREE = Path(__file__).parents[1]


def compile_all() -> None:
    """Compile this tree and what is installed beside it, as far as that is not done."""
    for folder in ("dexroute", "benchmarks", "tests"):
        compileall.compile_dir(_TREE / folder, quiet=2)
    compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2)
