"""How fast `dex --help` starts, beside the least any Typer and Rich program costs (`make bench`).

Both are started in turn, so that whatever else the machine does slows both; the best of each is compared.
"""

from __future__ import annotations

import subprocess
import sys
import time

AIM = 2.0
ROUNDS = 15
OURS = (sys.executable, "-m", "dexroute", "--help")
LEAST = (sys.executable, "-c", "import typer, rich")


def seconds(command: tuple[str, ...]) -> float:
    """Wall time of one run."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own interpreter
    return time.perf_counter() - started


def main() -> None:
    pairs = [(seconds(OURS), seconds(LEAST)) for _ in range(ROUNDS)]
    ours, least = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    verdict = "within" if ours <= AIM * least else "above"
    print(f"dex --help {ours * 1000:.0f} ms, the least {least * 1000:.0f} ms: ratio {ours / least:.2f}, {verdict} the aim {AIM}")


if __name__ == "__main__":
    main()
