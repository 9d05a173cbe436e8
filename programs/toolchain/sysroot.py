"""`core` for the target, compiled from the compiler's own sources, and the function that compiled code calls unasked.

`core` is kept as bitcode: as machine code it does not exist, since parts of it that no program uses need instructions the
target lacks. The program's link-time optimization takes from it what is used.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from programs.toolchain.failure import BuildError
from programs.toolchain.rust import Rust, environment

HERE = Path(__file__).parent
TARGET = HERE / "sbpf.json"
_MEMORY = HERE / "runtime" / "memory.rs"

# `sbpf.json` is the compiler's own bpfel-unknown-none, but with objects instead of bitcode at the end, and with
# cpu v2: the newest instructions all of which SBPF version 0 has;
# allows-misaligned-mem-access: the virtual machine does, and 32 bytes of an account are then four loads;
# bpf-stack-size 4096: one frame of the virtual machine (Linux has 512 bytes).
CODE_OPTIONS = (
    "-Zunstable-options",  # a target of our own
    "-Zlocation-detail=none",  # no file names in the program: smaller, and the same wherever it is built
    "-Zfmt-debug=none",
)


def build_sysroot(rust: Rust, root: Path) -> Path:
    """A sysroot with `core` under `root`, made unless it is there. Raises BuildError when the compiler refuses."""
    libraries = root / "lib" / "rustlib" / TARGET.stem / "lib"
    finished = root / "finished"
    if finished.exists():
        return root
    libraries.mkdir(parents=True, exist_ok=True)
    print("compiling core for the target (half a minute, once)", flush=True)
    core: list[str | Path] = ["--crate-name=core", "-Clinker-plugin-lto", "--cap-lints=allow", rust.library / "core/src/lib.rs"]
    _compile(rust, root, [*core, "-o", libraries / "libcore.rlib"])
    memory: list[str | Path] = ["--crate-name=compiler_builtins", "--cap-lints=allow", _MEMORY]
    _compile(rust, root, [*memory, "-o", libraries / "libcompiler_builtins.rlib"])
    finished.touch()
    return root


def _compile(rust: Rust, sysroot: Path, arguments: list[str | Path]) -> None:
    command: list[str | Path] = [
        rust.rustc,
        "--edition=2024",
        "--crate-type=rlib",
        f"--target={TARGET}",
        f"--sysroot={sysroot}",
        *CODE_OPTIONS,
        "-Copt-level=3",
        "-Ccodegen-units=1",
        "-Cpanic=abort",
        "-Zforce-unstable-if-unmarked",
        f"--remap-path-prefix={rust.library}=/core",
        f"--remap-path-prefix={HERE}=/toolchain",
        *arguments,
    ]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{rust.versions['rustc']} could not compile {arguments[0]}:\n{done.stderr.strip()}")
