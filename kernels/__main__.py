"""`python -m kernels build|check`: makes the committed modules, or says whether they belong to the sources here.

A module is what `cargo build --release --target wasm32-unknown-unknown` makes of a crate without dependencies. Beside it lies a
manifest: its SHA-256, those of its sources, and the compiler. `check` builds again where this machine's Rust has that target: with
the recorded compiler every byte has to be the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from programs.toolchain.rust import environment

ROOT: Final = Path(__file__).resolve().parents[1]
CRATE: Final = ROOT / "kernels" / "flow"
MODULE: Final = ROOT / "dexroute" / "engine" / "routing" / "flow_kernel.wasm"
MANIFEST: Final = MODULE.with_suffix(".json")
TARGET: Final = "wasm32-unknown-unknown"
_WORK: Final = ROOT / "target" / "kernels"


class KernelError(Exception):
    """Why a module cannot be built, or does not belong to its sources."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m kernels", description=__doc__)
    parser.add_argument("task", choices=("build", "check"))
    task = parser.parse_args().task
    try:
        if task == "build":
            module = built()
            MODULE.write_bytes(module)
            MANIFEST.write_text(json.dumps(manifest_of(module, compiler()), indent=2) + "\n")
            print(f"{MODULE.relative_to(ROOT)}, {len(module):,} bytes")
        else:
            found = differences()
            if found:
                raise KernelError("\n  ".join(["the committed kernel does not match:", *found, "run: make kernels"]))
            print(_rebuilt())
    except KernelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def differences() -> list[str]:
    """Why the committed module does not belong to the sources here; empty when it does. Needs no Rust."""
    try:
        recorded = json.loads(MANIFEST.read_text())
        module = MODULE.read_bytes()
    except (OSError, ValueError) as error:
        return [str(error)]
    expected = manifest_of(module, recorded.get("compiler", ""))
    return [
        f"{name}: {recorded.get(name)} is recorded, {value} is here"
        for name, value in expected.items()
        if recorded.get(name) != value
    ]


def manifest_of(module: bytes, made_by: str) -> dict[str, object]:
    sources = [CRATE / "Cargo.toml", CRATE / "Cargo.lock", CRATE / ".cargo" / "config.toml", *CRATE.glob("src/**/*.rs")]
    return {
        "sha256": hashlib.sha256(module).hexdigest(),
        "compiler": made_by,
        "sources": {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(sources)},
    }


def compiler() -> str:
    """The compiler's name for itself. Raises KernelError where there is none for the target."""
    rustc = shutil.which("rustc")
    if rustc is None:
        raise KernelError("no rustc here; install Rust 1.89 or newer")
    directory = _asked(rustc, "--print", "target-libdir", "--target", TARGET)
    if not any(Path(directory).glob("libcore-*")):
        raise KernelError(f"{rustc} has no core for {TARGET}; with rustup: rustup target add {TARGET}")
    return _asked(rustc, "-V")


def built() -> bytes:
    """The module, made anew. Raises KernelError."""
    compiler()
    command = ["cargo", "build", "--release", "--locked", "--target", TARGET, "--target-dir", str(_WORK)]
    done = subprocess.run(command, cwd=CRATE, capture_output=True, text=True, check=False, env=environment())
    if done.returncode:
        raise KernelError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return (_WORK / TARGET / "release" / "dexroute_flow.wasm").read_bytes()


def _rebuilt() -> str:
    committed = "the committed kernel's manifest matches the sources"
    try:
        here = compiler()
    except KernelError as error:
        return f"{committed}; not built again: {error}"
    recorded = json.loads(MANIFEST.read_text())["compiler"]
    if built() == MODULE.read_bytes():
        return f"{committed}; built again with {here}, equal to the last byte"
    if here == recorded:
        raise KernelError(f"built again with the recorded compiler, the bytes differ from {MODULE.relative_to(ROOT)}")
    return f"{committed}; built again with {here} instead of {recorded}, the bytes differ, as they may"


def _asked(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KernelError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
