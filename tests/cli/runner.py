"""Runs `dex` the way a shell does: in this process where only words, files and exit codes matter, else as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dexroute.cli.entry import run
from tests.playground import WALLET

DEX = (sys.executable, "-m", "dexroute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error object of `--format json`; the only thing on stderr, with nothing on stdout."""
        assert self.out == ""
        return json.loads(self.err)["error"]


class Cli:
    """`cli("quote", ...)` runs one command in this process. `market` is a playground of the test's own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], market: Path) -> None:
        self._capsys = capsys
        self.market = market

    @property
    def wallet(self) -> Path:
        return self.market / WALLET

    @property
    def here(self) -> tuple[str, ...]:
        """The options that name the playground."""
        return ("-u", "embedded", "--data-dir", str(self.market), "-k", str(self.wallet))

    def bare(self, *arguments: str, code: int = 0) -> Outcome:
        """Run exactly these arguments; fails unless it exits with `code`."""
        self._capsys.readouterr()
        left_with = run(arguments)
        out, err = self._capsys.readouterr()
        assert left_with == code, f"dex {' '.join(arguments)} left with {left_with}, not {code}\n{out}\n{err}"
        assert "Traceback" not in out + err
        if code:
            assert (err or out).strip(), "a failure says why"
        return Outcome(code=left_with, out=out, err=err)

    def __call__(self, *arguments: str, code: int = 0) -> Outcome:
        """Run on the playground."""
        return self.bare(*arguments, *self.here, code=code)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run on the playground; its JSON result, or its error object."""
        outcome = self(*arguments, "--format", "json", code=code)
        return outcome.error if code else outcome.json

    def balances(self) -> dict[str, int]:
        """Base units by mint, lamports under `lamports`: what the chain says now."""
        found = self.json("wallet", "balance")
        return {"lamports": int(found["lamports"])} | {token["mint"]: int(token["amount"]) for token in found["tokens"]}

    def facts(self) -> Any:
        """Addresses of the playground: `pools`, and `recorded` by venue."""
        return json.loads((self.market / "facts.json").read_text())


def clean_environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a fresh user's shell would have."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DEXROUTE_", "XDG_"))}
    return {**kept, "HOME": str(home), "COLUMNS": "100", "NO_COLOR": "1", **(more or {})}


def dex_process(*arguments: str, home: Path, environment: Mapping[str, str] | None = None, timeout_s: float = 120) -> Outcome:
    """A real process, started and waited for."""
    done = subprocess.run(
        [*DEX, *arguments],
        env=clean_environment(home, environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)
