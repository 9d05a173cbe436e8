"""One program's crate, through cargo, to the bytes of its .so."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from programs.toolchain.failure import BuildError
from programs.toolchain.rust import Rust, environment
from programs.toolchain.sysroot import CODE_OPTIONS, TARGET, build_sysroot

ROOT = Path(__file__).resolve().parents[2]
# What cargo says when a crate is not in its cache.
_NO_CACHE = "offline"
_HINT = "see the end of programs/README.md for what the compiler cannot do for this machine"


def build_crate(rust: Rust, crate: Path, library: str, work: Path) -> bytes:
    """The program in `crate`, whose [lib] is named `library`, built under `work`.

    Crates come from cargo's cache, or from crates.io as Cargo.lock has them. Raises BuildError with the compiler's or the
    linker's words.
    """
    sysroot = build_sysroot(rust, work / "sysroot" / _key(rust))
    # Cargo's idea of what is fresh knows nothing of this linker, and goes by times that a checkout can set back.
    target_dir = work / "cargo"
    shutil.rmtree(target_dir, ignore_errors=True)
    linker = _linker(work)
    home = Path(environment().get("CARGO_HOME") or Path.home() / ".cargo")
    flags = [
        f"--sysroot={sysroot}",
        *CODE_OPTIONS,
        f"-Clinker={linker}",
        f"--remap-path-prefix={ROOT}=/dexroute",
        f"--remap-path-prefix={home}=/cargo",
    ]
    command: list[str | Path] = [
        rust.cargo, "rustc", "--quiet", "--release", "--lib", "--locked", "--crate-type=cdylib",
        f"--manifest-path={crate / 'Cargo.toml'}", f"--target={TARGET}", f"--target-dir={target_dir}",
    ]  # fmt: skip
    if "json-target-spec" in _output([rust.cargo, "-Z", "help"]):
        command.append("-Zjson-target-spec")
    own = environment() | {"RUSTC": str(rust.rustc), "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags)}
    # Without the network first: that a registry cannot be reached matters only when something is missing.
    done = subprocess.run([*command, "--offline"], env=own, cwd=crate, capture_output=True, text=True, check=False)
    if done.returncode != 0 and _NO_CACHE in done.stderr:
        done = subprocess.run(command, env=own, cwd=crate, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{crate.relative_to(ROOT)} does not build with {rust.versions['rustc']}:\n{done.stderr.strip()}\n{_HINT}")
    if done.stderr.strip():
        print(done.stderr.strip(), flush=True)
    return (target_dir / TARGET.stem / "release" / f"lib{library}.so").read_bytes()


def _key(rust: Rust) -> str:
    """Names a directory for what this compiler makes with these options."""
    parts = [*rust.versions.values(), *CODE_OPTIONS, TARGET.read_text()]
    parts += [path.read_text() for path in sorted((TARGET.parent / "runtime").glob("*.rs"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _linker(work: Path) -> Path:
    """The command that rustc calls to link: this Python with `link_command`."""
    path = work / "linker"
    path.parent.mkdir(parents=True, exist_ok=True)
    command = f"{shlex.quote(sys.executable)} -m programs.toolchain.link_command"
    script = f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {command} "$@"\n'
    if not path.exists() or path.read_text() != script:
        path.write_text(script)
        path.chmod(0o755)
    return path


def _output(command: list[str | Path]) -> str:
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False).stdout
