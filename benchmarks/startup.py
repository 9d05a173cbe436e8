"""How fast `dex` starts, beside the least any program costs that needs the same packages (`make bench`).

The two of a row are started in turn, so that whatever else the machine does slows both; the ratio is the median over the turns.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bytecode import compile_all

ROUNDS = 15
_DEX = (sys.executable, "-m", "dexroute")


@dataclass(frozen=True, kw_only=True)
class Start:
    """`aim`: at most so many times what loading `packages` takes; None where nobody set one."""

    arguments: tuple[str, ...]
    packages: str
    aim: float | None = None

    def measured(self, market: tuple[str, ...]) -> str:
        least = (sys.executable, "-c", f"import {self.packages}")
        pairs = [(seconds((*_DEX, *self.arguments, *market)), seconds(least)) for _ in range(ROUNDS)]
        ours_s, least_s = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
        ratio = statistics.median(ours / least for ours, least in pairs)
        verdict = "" if self.aim is None else f", {'within' if ratio <= self.aim else 'above'} the aim {self.aim}"
        return (
            f"dex {' '.join(self.arguments)} {ours_s * 1000:.0f} ms, {self.packages} alone {least_s * 1000:.0f} ms: "
            f"ratio {ratio:.2f}{verdict}"
        )


HELP = Start(arguments=("--help",), packages="typer, rich", aim=2.0)
COMMANDS = (
    Start(arguments=("orders", "list"), packages="typer, rich, sqlmodel, sqlalchemy.ext.asyncio"),
    Start(arguments=("quote", "1", "SOL", "USDC"), packages="typer, rich, sqlmodel, sqlalchemy.ext.asyncio, httpx, numpy"),
)


def seconds(command: tuple[str, ...]) -> float:
    """Wall time of one run."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own interpreter
    return time.perf_counter() - started


def main() -> None:
    compile_all()
    print(HELP.measured(()))
    with TemporaryDirectory() as directory:
        playground = Path(directory) / "playground"
        seconds((*_DEX, "demo", "--quiet", "--data-dir", str(playground)))
        for command in COMMANDS:
            print(command.measured(("-u", "embedded", "--data-dir", str(playground))))


if __name__ == "__main__":
    main()
