"""Each example is run as a reader would run it, and does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def _run(name: str, *arguments: str, home: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DEXROUTE_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        env={**environment, "HOME": str(home)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_bot_sells_once_the_price_is_there(tmp_path: Path) -> None:
    said = _run("price_bot.py", "--level", "149", "--sol", "2", "--pause", "0", home=tmp_path)
    sold = re.search(r"CONFIRMED: sold 2000000000 lamports for (\d+) base units of USDC", said)
    assert sold, said
    assert int(sold[1]) >= 2 * 149_000_000 * 9_970 // 10_000


def test_the_rebalancer_swaps_once_a_day(tmp_path: Path) -> None:
    said = _run("cron_rebalance.py", "--share", "40", home=tmp_path).splitlines()
    assert len(said) == 2
    assert "swapped" in said[0] and "CONFIRMED" in said[0]
    assert "done already" in said[1]


def test_the_rebalancer_only_looks_on_a_dry_run(tmp_path: Path) -> None:
    (said,) = _run("cron_rebalance.py", "--share", "40", "--dry-run", home=tmp_path).splitlines()
    assert "would swap" in said


def test_the_protocol_swaps_in_its_own_transaction(tmp_path: Path) -> None:
    said = _run("embed_instructions.py", home=tmp_path)
    assert "error: None" in said.splitlines()[-2]
    ended = re.search(r"user holds (\d+) base units of USDC, treasury (\d+) lamports", said)
    assert ended, said
    assert int(ended[1]) > 140_000_000
    assert ended[2] == "10000000"
