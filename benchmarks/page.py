"""docs/benchmarks.md, written from what was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import sdk_side
from dexroute import __version__

if TYPE_CHECKING:
    from benchmarks.quotes import Comparison, Memory

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
SPEED_AIM = 10

_TEXT = """# Benchmarks

Written by `make bench`; do not edit. dexroute {version} on Python {python}, node {node},
{machine}, everything on one core.

## Quotes, against the venues' official SDKs

The same recorded pools and amounts are quoted here and by {sdks}.

The SDKs load the recorded accounts through their own readers and decoders. Both sides are warm; the time of a swap is the best of
five batches, the table shows medians over the swaps. Every quote of ours must equal what the chain executed, or the run fails;
the SDKs are timed over the swaps where they agree with the chain ("agreeing"). `inner` is the SDK's bare calculator, without the
price, impact and slippage its quote function adds. Ours in the ratio is a quote with its fees by kind, since the SDKs tell a fee
too. Fees and the pool after the swap are made when they are asked for: `amounts` is what a search pays that compares many quotes,
`with the pool after` all there is to know, which these SDK functions do not return.

| venue | SDK function | agreeing | amounts | with fees | with the pool after | SDK | SDK / with fees | {aim}x |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
{speed}
{unloadable}
A ratio above 1 means dexroute is faster. Numbers move from run to run with what else the machine does; the two sides of a row are
measured one right after the other.

## Memory of loaded pools

Bytes a loaded pool keeps alive (tracemalloc, ten copies of every recorded state), beside its raw account bytes; medians. The aim is
at most 2 x raw + 4 KiB; `worst` is the largest share of that any state needs.

| venue | raw account bytes | kept here | kept / raw | worst share of the aim | met |
| --- | ---: | ---: | ---: | ---: | --- |
{memory}
"""


def write_page(comparisons: Sequence[Comparison], memory: Sequence[Memory], node: Sequence[str]) -> None:
    """Write the page anew."""
    unloadable = [f"{found.venue}: the SDK cannot load {', '.join(found.unloadable)}." for found in comparisons if found.unloadable]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(
        _TEXT.format(
            **surroundings(),
            node=_version(node),
            sdks=", ".join(f"{name} {version}" for name, version in sdk_side.versions().items()),
            aim=SPEED_AIM,
            speed="\n".join(map(_speed_row, comparisons)),
            unloadable="".join(f"\n{line}\n" for line in unloadable),
            memory="\n".join(map(_memory_row, memory)),
        )
    )
    print(f"written to {PAGE}")


def _speed_row(found: Comparison) -> str:
    times = " | ".join(f"{ns / 1000:.1f} µs" for ns in (found.amounts_ns, found.ours_ns, found.settled_ns, found.sdk_ns))
    aim = "met" if found.ratio >= SPEED_AIM else "missed"
    return f"| {found.venue} | `{found.function}` | {found.agreeing} of {found.swaps} | {times} | {found.ratio:.2f} | {aim} |"


def _memory_row(found: Memory) -> str:
    return (
        f"| {found.venue} | {found.raw_bytes:.0f} | {found.kept_bytes:.0f} | {found.kept_bytes / found.raw_bytes:.2f} "
        f"| {found.worst:.0%} | {'yes' if found.worst <= 1 else 'no'} |"
    )


def _version(node: Sequence[str]) -> str:
    asked = subprocess.run([*node, "--version"], check=True, capture_output=True, text=True)  # noqa: S603  found by ourselves
    return asked.stdout.strip()


def surroundings() -> dict[str, object]:
    """What every page says of where it was measured: `version`, `python`, `machine`, `cores`, `busy` (load average of five
    minutes)."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "machine": _processor(),
        "cores": os.cpu_count(),
        "busy": os.getloadavg()[1],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
