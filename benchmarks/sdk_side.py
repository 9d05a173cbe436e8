"""The other side of the comparison: the venues' official TypeScript SDKs, in node."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.recordings import Chosen
from tests.localnet.kit.run import install, node_commands

FOLDER = Path(__file__).parent / "sdk"


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkQuotes:
    """Of one state, in the order of its swaps: (amount in, amount out) and nanoseconds of a warm quote; None where the SDK refused.
    `error` when it could not load the pool at all."""

    quotes: tuple[tuple[int, int] | None, ...]
    ns: tuple[float | None, ...]
    error: str | None


def prepare() -> list[str]:
    """The node command, after the locked packages were installed."""
    node, npm = node_commands()
    environment = {**os.environ, "PATH": str(Path(node[0]).parent) + os.pathsep + os.environ.get("PATH", "")}
    install(npm, environment, FOLDER)
    return node


def versions() -> dict[str, str]:
    """The SDKs compared with."""
    found: dict[str, str] = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    return found


def quote_all(node: Sequence[str], adapter: str, states: Sequence[Chosen]) -> list[SdkQuotes]:
    """Every chosen swap of these states through one SDK. The process inherits the core this one is bound to."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([{**state.document, "venue": adapter} for state in states], file)
        file.flush()
        command = [*node, str(FOLDER / "quotes.mjs"), file.name]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)  # noqa: S603  our own script
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["name"] for answer in answers] == [state.state.name for state in states], done.stderr
    return [
        SdkQuotes(
            quotes=tuple(None if pair is None else (int(pair[0]), int(pair[1])) for pair in answer.get("quotes", ())),
            ns=tuple(answer.get("ns", ())),
            error=answer.get("error"),
        )
        for answer in answers
    ]
