"""Does each committed program come from the sources here? Answered by building it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from programs.toolchain.crate import build_crate
from programs.toolchain.failure import BuildError
from programs.toolchain.manifest import differences, recorded_toolchain
from programs.toolchain.programs import ROOT, Program
from programs.toolchain.rust import Rust


def check_sources(program: Program) -> None:
    """Raises BuildError when the manifest does not describe the sources or the .so."""
    found = differences(program)
    if found:
        raise BuildError(
            f"{program.name}: the committed program does not match:\n  "
            + "\n  ".join(found)
            + "\nrun: make programs, and commit what it writes"
        )


def check_rebuild(program: Program, rust: Rust, work: Path) -> str:
    """Builds the program anew and says how it compares. With the recorded toolchain every byte has to be the same; with another
    one the new program has to pass the same tests. Raises BuildError otherwise.
    """
    rebuilt = build_crate(rust, program.crate_path, program.library, work)
    committed = program.path.read_bytes()
    recorded = recorded_toolchain(program)
    if rebuilt == committed:
        known = "the recorded toolchain" if rust.versions == recorded else f"another toolchain ({_named(rust.versions)})"
        return f"{program.name}: rebuilt with {known}, equal to the last byte ({len(rebuilt):,} bytes)"
    if rust.versions == recorded:
        raise BuildError(
            f"{program.name}: rebuilt with the recorded toolchain, but the bytes differ from {program.output}: "
            "it was built from other sources, or the build depends on something the manifest does not know"
        )
    other = work / program.path.name
    other.write_bytes(rebuilt)
    _run_tests(program, other)
    return (
        f"{program.name}: rebuilt with another toolchain ({_named(rust.versions)}; recorded: {_named(recorded)}); "
        "the bytes differ, as they may, and the rebuilt program passes the same tests"
    )


def _run_tests(program: Program, so: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", *program.tests]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {program.override: str(so)}, check=False)
    if done.returncode != 0:
        raise BuildError(
            f"{program.name}: rebuilt with another toolchain, and {' '.join(command[1:])} fails with {program.override}={so}"
        )


def _named(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version.removeprefix(name + ' ')}" for name, version in versions.items())
