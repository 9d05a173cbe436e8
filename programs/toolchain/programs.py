"""The programs built here, and where each one's .so and manifest are committed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from programs.toolchain.failure import BuildError

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    name: str
    crate: str
    """Folder below the repository's root."""
    also: tuple[str, ...] = ()
    """Source files outside the crate that it includes."""
    library: str
    output: str
    """The .so below the repository's root; the manifest lies beside it."""
    program_id: str
    """Address on embedded and local clusters."""
    tests: tuple[str, ...]
    """What the program has to pass when a compiler other than the recorded one built it."""
    override: str
    """Environment variable that names another .so for the tests."""
    root: Path = ROOT

    @property
    def crate_path(self) -> Path:
        return self.root / self.crate

    @property
    def path(self) -> Path:
        return self.root / self.output

    @property
    def manifest_path(self) -> Path:
        return self.path.with_name("manifest.json" if self.name == "pool" else f"{self.path.stem}.manifest.json")


PROGRAMS = (
    Program(
        name="pool",
        crate="programs/pool",
        library="dexroute_pool",
        output="dexroute/fetchers/pool/program/dexroute_pool.so",
        program_id="dexF9oMdp9VqCYTe5k1EdprE8efsUr5y98pZXG1xMhL",
        tests=("tests/programs", "tests/differential"),
        override="DEXROUTE_POOL_PROGRAM",
    ),
    Program(
        name="wide-probe",
        crate="programs/wide_probe",
        also=("programs/pool/src/math/wide.rs",),
        library="wide_probe",
        output="tests/programs/data/wide_probe.so",
        program_id="wideProbe1111111111111111111111111111111111",
        tests=("tests/programs/test_build_wide.py",),
        override="DEXROUTE_WIDE_PROBE",
    ),
)


def chosen(names: list[str]) -> tuple[Program, ...]:
    """The programs of these names; all of them for none. Raises BuildError for an unknown name."""
    known = {program.name: program for program in PROGRAMS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BuildError(f"no program is called {', '.join(unknown)}; there are: {', '.join(known)}")
    return tuple(known[name] for name in names) or PROGRAMS
