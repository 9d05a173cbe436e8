"""`python -m tests.simulation --seeds 10000` runs many seeds on all cores; `--seed N` runs one and tells what happened."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time

from tests.simulation.mutants import MUTANTS
from tests.simulation.report import Summary, explain
from tests.simulation.world import simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this seed and print its trace")
    parser.add_argument("--seeds", type=int, default=10_000, help="how many seeds to run (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one for each core)")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="with --seed: break this rule in the executor")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return _one(chosen.seed, chosen.mutant)
    return _many(chosen.first, chosen.seeds, chosen.jobs)


def _one(seed: int, mutant: str | None) -> int:
    run = simulate(seed, keep_trace=True, mutant=MUTANTS[mutant][0] if mutant else None)
    print("\n".join(run.lines))
    print(f"seed {seed}: {run.virtual_s:.1f} s of virtual time, digest {run.digest}")
    for violation in run.violations:
        print(f"  {violation}")
    print("violations found" if run.violations else "all rules kept")
    return 1 if run.violations else 0


def _many(first: int, count: int, jobs: int) -> int:
    summary, began, shown = Summary(), time.monotonic(), 0.0
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for run in pool.imap_unordered(simulate, range(first, first + count), chunksize=10):
            summary.add(run)
            if run.violations:
                print(f"\nseed {run.seed}: {'; '.join(map(str, run.violations))}", flush=True)
            if sys.stderr.isatty() or time.monotonic() - shown > 10:
                shown = time.monotonic()
                end = "\r" if sys.stderr.isatty() else "\n"
                print(f"{summary.seeds}/{count} seeds, {len(summary.broken)} broken", end=end, file=sys.stderr, flush=True)
    print(f"{summary}\n{time.monotonic() - began:.0f} s on {jobs} processes")
    if summary.broken:
        print(explain(min(summary.broken, key=lambda run: run.seed)))
        return 1
    if summary.missing and count >= 500:
        print(f"never happened: {', '.join(summary.missing)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
