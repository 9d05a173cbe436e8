"""`python -m programs.toolchain build|check|sources [program ...]`"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from programs.toolchain import check, manifest
from programs.toolchain.crate import build_crate
from programs.toolchain.failure import BuildError
from programs.toolchain.programs import ROOT, Program, chosen
from programs.toolchain.rust import Rust, find_rust

_WORK = ROOT / "target" / "programs"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m programs.toolchain", description=__doc__)
    parser.add_argument(
        "task",
        choices=("build", "check", "sources"),
        help="build: write .so and manifest; check: rebuild and compare; sources: compare sources and manifest only, without Rust",
    )
    parser.add_argument("programs", nargs="*", help="pool, wide-probe; all when none is named")
    parser.add_argument("--work", type=Path, default=_WORK, help="where intermediate files go (default: target/programs)")
    given = parser.parse_args()
    work = given.work.resolve()
    try:
        programs = chosen(given.programs)
        if given.task == "build":
            _build(programs, find_rust(), work)
        else:
            _check(programs, work, rebuild=given.task == "check")
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _build(programs: tuple[Program, ...], rust: Rust, work: Path) -> None:
    for program in programs:
        sources = manifest.source_digests(program)
        so = build_crate(rust, program.crate_path, program.library, work)
        if manifest.source_digests(program) != sources:
            raise BuildError(f"{program.name}: sources changed while it was built; build again")
        made = manifest.make_manifest(program, so, rust.versions, sources)
        manifest.write(program, so, made)
        print(f"{program.name}: {program.output}, {len(so):,} bytes, sha256 {made['sha256']}", flush=True)


def _check(programs: tuple[Program, ...], work: Path, *, rebuild: bool) -> None:
    for program in programs:
        check.check_sources(program)
        print(f"{program.name}: the committed program's manifest matches the sources", flush=True)
    if rebuild:
        rust = find_rust()
        for program in programs:
            print(check.check_rebuild(program, rust, work), flush=True)


if __name__ == "__main__":
    sys.exit(main())
