"""The committed programs come from the sources beside them. Fast, and without a compiler."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dexroute.errors import ConfigError
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID
from dexroute.fetchers.pool.program import manifest, program_bytes
from programs.toolchain import check
from programs.toolchain.failure import BuildError
from programs.toolchain.manifest import differences, source_digests
from programs.toolchain.programs import PROGRAMS, ROOT, Program, chosen
from programs.toolchain.rust import Rust, find_rust

POOL = PROGRAMS[0]
RUST = Rust(
    rustc=Path("rustc"),
    cargo=Path("cargo"),
    library=Path("library"),
    versions={"rustc": "rustc 9", "llvm": "9", "cargo": "cargo 9"},
)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_the_committed_program_comes_from_these_sources(program: Program) -> None:
    assert differences(program) == [], "run: make programs, and commit what it writes"


@pytest.fixture
def copied(tmp_path: Path) -> Program:
    """The pool program in a tree of its own."""
    for path in ("programs/pool", "programs/toolchain", "dexroute/fetchers/pool/program"):
        shutil.copytree(ROOT / path, tmp_path / path, ignore=shutil.ignore_patterns("target", "__pycache__"))
    return replace(POOL, root=tmp_path)


@pytest.mark.parametrize(
    "path",
    ["programs/pool/src/math/wide.rs", "programs/pool/Cargo.lock", "programs/toolchain/sbpf.json", "programs/toolchain/image.py"],
)
def test_a_changed_source_is_named(copied: Program, path: str) -> None:
    before = differences(copied)
    changed = copied.root / path
    changed.write_text(changed.read_text() + "\n")
    assert set(differences(copied)) - set(before) == {f"{path} changed"}


def test_added_and_removed_sources_are_named(copied: Program) -> None:
    (copied.crate_path / "src/extra.rs").write_text("// new\n")
    (copied.crate_path / "src/math/wide.rs").unlink()
    assert {"programs/pool/src/extra.rs was added", "programs/pool/src/math/wide.rs was removed"} <= set(differences(copied))


def test_another_program_or_an_edited_manifest_is_refused(copied: Program) -> None:
    copied.path.write_bytes(copied.path.read_bytes() + b"\0")
    assert "dexroute/fetchers/pool/program/dexroute_pool.so is not the file the manifest describes" in differences(copied)
    with pytest.raises(BuildError, match="make programs"):
        check.check_sources(copied)
    copied.path.write_bytes(copied.path.read_bytes()[:-1])
    edited = json.loads(copied.manifest_path.read_text()) | {"size": 1}
    # The digests as they are now, so that nothing but the size is wrong.
    edited["sources"] = source_digests(copied)
    copied.manifest_path.write_text(json.dumps(edited))
    assert differences(copied) == ["dexroute/fetchers/pool/program/manifest.json was edited: it disagrees with itself"]


def test_a_missing_program_says_how_to_make_it(copied: Program) -> None:
    copied.path.unlink()
    with pytest.raises(BuildError, match="run: make programs"):
        differences(copied)


def test_what_finds_and_checks_does_not_decide_the_bytes() -> None:
    deciding = {Path(path).name for path in source_digests(POOL) if path.startswith("programs/toolchain/")}
    assert {
        "linker.py",
        "image.py",
        "reach.py",
        "elf.py",
        "instructions.py",
        "crate.py",
        "sysroot.py",
        "sbpf.json",
        "memory.rs",
    } <= deciding
    assert not {"check.py", "manifest.py", "rust.py", "__main__.py"} & deciding


def test_equal_bytes_are_demanded_of_the_recorded_toolchain_only(
    copied: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The compiler is not at hand everywhere; what it returns is given here."""
    committed = copied.path.read_bytes()
    recorded = replace(RUST, versions=json.loads(copied.manifest_path.read_text())["toolchain"])
    monkeypatch.setattr(check, "build_crate", lambda *_: committed)
    assert "the recorded toolchain, equal to the last byte" in check.check_rebuild(copied, recorded, tmp_path)
    assert "another toolchain (rustc 9, llvm 9, cargo 9), equal to the last byte" in check.check_rebuild(copied, RUST, tmp_path)

    monkeypatch.setattr(check, "build_crate", lambda *_: committed + b"\0")
    with pytest.raises(BuildError, match="rebuilt with the recorded toolchain, but the bytes differ"):
        check.check_rebuild(copied, recorded, tmp_path)


def test_another_toolchains_program_has_to_pass_the_tests(copied: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    passing = tmp_path / "test_passing.py"
    passing.write_text(
        "import os, pathlib\n"
        f"def test(): pathlib.Path({str(seen)!r}).write_bytes(pathlib.Path(os.environ['DEXROUTE_POOL_PROGRAM']).read_bytes())\n"
    )
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test(): raise AssertionError\n")
    monkeypatch.setattr(check, "build_crate", lambda *_: b"rebuilt")
    said = check.check_rebuild(replace(copied, tests=(str(passing),)), RUST, tmp_path)
    assert "the bytes differ, as they may, and the rebuilt program passes the same tests" in said
    assert seen.read_bytes() == b"rebuilt"
    with pytest.raises(BuildError, match=r"rebuilt with another toolchain, and .* fails"):
        check.check_rebuild(replace(copied, tests=(str(failing),)), RUST, tmp_path)


def test_the_package_has_the_program_and_another_can_stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DEXROUTE_POOL_PROGRAM", raising=False)
    assert program_bytes() == POOL.path.read_bytes()
    assert manifest()["program_id"] == POOL.program_id == str(DEFAULT_PROGRAM_ID)
    other = tmp_path / "other.so"
    other.write_bytes(b"other")
    monkeypatch.setenv("DEXROUTE_POOL_PROGRAM", str(other))
    assert program_bytes() == b"other"
    other.unlink()
    with pytest.raises(ConfigError, match=r"DEXROUTE_POOL_PROGRAM names .*other\.so"):
        program_bytes()


def test_a_machine_without_rust_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTC", "/nowhere/rustc")
    with pytest.raises(BuildError, match=r"(?s)/nowhere/rustc.*apt-get install rustc-web cargo-web rust-web-src.*cargo build-sbf"):
        find_rust()


def test_unknown_program_names_are_refused() -> None:
    assert chosen([]) == PROGRAMS
    with pytest.raises(BuildError, match="no program is called pond; there are: pool, wide-probe"):
        chosen(["pond"])
