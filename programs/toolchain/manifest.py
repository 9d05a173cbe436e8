"""What ties a committed .so to its sources: digests of both, and the compiler that stands between them."""

from __future__ import annotations

import hashlib
import json

from programs.toolchain.failure import BuildError
from programs.toolchain.programs import Program

# These find, check or explain; they do not decide a single byte of a program.
_NOT_DECIDING = {"__init__.py", "__main__.py", "check.py", "failure.py", "manifest.py", "programs.py", "rust.py"}


def source_digests(program: Program) -> dict[str, str]:
    """SHA-256 of every file that decides the program's bytes, by path below the repository's root, sorted."""
    root, crate, toolchain = program.root, program.crate_path, program.root / "programs" / "toolchain"
    files = [crate / "Cargo.toml", crate / "Cargo.lock", *crate.glob("src/**/*.rs"), *crate.glob(".cargo/*")]
    files += [root / path for path in program.also]
    files += [*toolchain.glob("*.json"), *toolchain.glob("runtime/*.rs")]
    files += [path for path in toolchain.glob("*.py") if path.name not in _NOT_DECIDING]
    return {path.relative_to(root).as_posix(): _sha256(path.read_bytes()) for path in sorted(files)}


def make_manifest(program: Program, so: bytes, toolchain: dict[str, str], sources: dict[str, str]) -> dict[str, object]:
    return {
        "program": program.name,
        "program_id": program.program_id,
        "sha256": _sha256(so),
        "size": len(so),
        "toolchain": toolchain,
        "source_digest": _sha256("".join(f"{digest}  {path}\n" for path, digest in sources.items()).encode()),
        "sources": sources,
    }


def write(program: Program, so: bytes, manifest: dict[str, object]) -> None:
    program.path.parent.mkdir(parents=True, exist_ok=True)
    program.path.write_bytes(so)
    program.manifest_path.write_text(json.dumps(manifest, indent=2) + "\n")


def differences(program: Program) -> list[str]:
    """Why the committed program does not belong to the sources here; empty when it does. Raises BuildError when one is missing."""
    try:
        manifest = json.loads(program.manifest_path.read_text())
        so = program.path.read_bytes()
    except (OSError, ValueError) as error:
        raise BuildError(f"{program.name}: {error}; run: make programs") from error
    found: list[str] = []
    if manifest.get("sha256") != _sha256(so):
        found.append(f"{program.output} is not the file the manifest describes")
    recorded, present = manifest.get("sources", {}), source_digests(program)
    found += [f"{path} was added" for path in present.keys() - recorded.keys()]
    found += [f"{path} was removed" for path in recorded.keys() - present.keys()]
    found += [f"{path} changed" for path in present.keys() & recorded.keys() if present[path] != recorded[path]]
    expected = make_manifest(program, so, manifest.get("toolchain", {}), present)
    if not found and expected != manifest:
        found.append(f"{program.manifest_path.relative_to(program.root)} was edited: it disagrees with itself")
    return sorted(found)


def recorded_toolchain(program: Program) -> dict[str, str]:
    toolchain = json.loads(program.manifest_path.read_text())["toolchain"]
    return {str(name): str(version) for name, version in toolchain.items()}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
