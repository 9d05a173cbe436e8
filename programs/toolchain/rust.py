"""Which Rust builds the programs: upstream's compiler with the sources of `core`, from Debian's packages or from rustup."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from programs.toolchain.failure import BuildError

DEBIAN_PACKAGES = ("rustc-web", "cargo-web", "rust-web-src")
_OLDEST = (1, 89)  # what pinocchio asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Rust:
    rustc: Path
    cargo: Path
    library: Path
    """Sources of `core`."""
    versions: dict[str, str]
    """Of rustc, its LLVM and cargo: what decides the bytes of a program besides its sources."""


def find_rust() -> Rust:
    """$RUSTC, or the first of Debian's and PATH's compilers that can build programs; installs Debian's as root where there is none.

    Raises BuildError with what each lacked and what to install.
    """
    reasons: list[str] = []
    found = _first(reasons)
    if found is None and "RUSTC" not in os.environ and _install():
        found = _first(reasons := [])
    if found is not None:
        return found
    raise BuildError(
        "no Rust compiler here can build the programs"
        + "".join(f"\n  {reason}" for reason in reasons)
        + f"\nInstall Debian 12's packages: apt-get install {' '.join(DEBIAN_PACKAGES)}"
        + "\nor, with rustup, Rust 1.89 or newer and its sources: rustup component add rust-src"
        + "\nor Solana's tools, with which `cargo build-sbf` in programs/pool builds the program too."
    )


def environment() -> dict[str, str]:
    """For rustc and cargo: unstable options allowed, and nothing from outside that changes what they make."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"))
    }
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "MAKEFLAGS", "MFLAGS"):
        kept.pop(name, None)
    return kept | {"RUSTC_BOOTSTRAP": "1", "CARGO_INCREMENTAL": "0", "CARGO_TERM_COLOR": "never"}


def _first(reasons: list[str]) -> Rust | None:
    for rustc in _candidates():
        try:
            return _inspect(rustc)
        except BuildError as error:
            reasons.append(str(error))
    return None


def _candidates() -> Iterator[Path]:
    chosen = os.environ.get("RUSTC")
    if chosen:
        yield Path(chosen)
        return
    seen: set[Path] = set()
    for path in ("/usr/bin/rustc", shutil.which("rustc")):
        if path and Path(path).exists() and Path(path) not in seen:
            seen.add(Path(path))
            yield Path(path)


def _inspect(rustc: Path) -> Rust:
    facts = dict(line.split(": ", 1) for line in _ask(rustc, "-vV").splitlines() if ": " in line)
    release = facts.get("release", "0.0")
    if tuple(int(part) for part in release.split(".")[:2]) < _OLDEST:
        raise BuildError(f"{rustc} is Rust {release}, older than {'.'.join(map(str, _OLDEST))}")
    if "bpfel-unknown-none" not in _ask(rustc, "--print", "target-list").split():
        raise BuildError(f"{rustc} was built without the target bpfel-unknown-none")
    library = Path(_ask(rustc, "--print", "sysroot").strip()) / "lib/rustlib/src/rust/library"
    if not (library / "core/src/lib.rs").is_file():
        raise BuildError(f"{rustc} has no sources of core at {library} (Debian: {DEBIAN_PACKAGES[2]}; rustup: component rust-src)")
    cargo = rustc.with_name("cargo")
    if not cargo.exists():
        raise BuildError(f"{rustc} has no cargo beside it (Debian: {DEBIAN_PACKAGES[1]})")
    first_line = _ask(rustc, "-V").strip()
    versions = {"rustc": first_line, "llvm": facts.get("LLVM version", "unknown"), "cargo": _ask(cargo, "-V").strip()}
    return Rust(rustc=rustc, cargo=cargo, library=library.resolve(), versions=versions)


def _ask(program: Path, *arguments: str) -> str:
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True, env=environment())
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(f"{program} {' '.join(arguments)} failed: {error}") from error
    return done.stdout


def _install() -> bool:
    apt_get = shutil.which("apt-get")
    if os.geteuid() != 0 or apt_get is None:
        return False
    print(f"installing Debian's {', '.join(DEBIAN_PACKAGES)} (about 500 MB)", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *DEBIAN_PACKAGES]):
        done = subprocess.run([apt_get, *command], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"apt-get {' '.join(command)} failed:\n{done.stderr.strip()}", flush=True)
            return False
    return True
