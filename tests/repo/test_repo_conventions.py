"""House rules a machine can check."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "dexroute"

LONG_FOR_A_REASON = {
    "config/settings.py": "every setting once: its field, its parser, its default, where it came from",
    "errors.py": "the tree of errors, drawn once and declared once: in two files nobody would see it whole",
    "ports.py": "every way from the inside to the outside on one page, promises only; the architecture names this file",
    "sdk/dex.py": "the facade: one short method for each thing a user can ask, and nothing else",
}
LONGEST = 300
# architecture.md, section 10. `process` and `data` are avoided as names of modules, classes and functions; as parts of longer words
# of the field (AccountData, data_dir, `dexroute.engine.execution`) they have their own meaning.
FORBIDDEN = re.compile(r"connector|manager|helper|utils", re.IGNORECASE)
FORBIDDEN_WHOLE = {"process", "data", "trade"}


def _sources() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert len(found) > 100
    return found


def _tracked() -> list[str]:
    if shutil.which("git") is None:
        pytest.skip("no git here")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return listed.stdout.splitlines()


def test_files_hold_one_idea() -> None:
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines()) for path in _sources()}
    long = {name for name, lines in lengths.items() if lines > LONGEST}
    assert long <= set(LONG_FOR_A_REASON), f"past {LONGEST} lines: split, or give the reason in this test"
    assert sorted(lengths.values())[len(lengths) // 2] <= 110, "median"


def test_names_are_the_fields_words() -> None:
    looked_at = 0
    for path in _sources():
        names = [path.stem, *re.findall(r"^\s*(?:async )?(?:def|class) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)]
        for name in names:
            looked_at += 1
            assert not FORBIDDEN.search(name), f"{path}: {name}"
            assert name not in FORBIDDEN_WHOLE, f"{path}: {name}"
    assert looked_at > 500


def test_every_module_says_what_it_is() -> None:
    for path in _sources():
        text = path.read_text(encoding="utf-8")
        assert not text or text.startswith('"""'), path
        assert not text or "from __future__ import annotations" in text or path.name == "__init__.py", path


def test_what_a_reader_of_the_repository_expects_is_there() -> None:
    for name in (
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "LICENSE",
        "Makefile",
        ".ci/run",
        "dexroute/py.typed",
    ):
        assert (ROOT / name).exists(), name
    assert "Unreleased" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_nothing_foreign_is_committed() -> None:
    ours = {"dexroute/fetchers/pool/program/dexroute_pool.so", "tests/programs/data/wide_probe.so"}
    tracked = _tracked()
    assert "README.md" in tracked
    assert not [name for name in tracked if "mainnet-" in Path(name).name], "recordings of mainnet are not ours to ship"
    assert {name for name in tracked if name.endswith((".so", ".a", ".o", ".dll", ".exe"))} <= ours
    assert not [name for name in tracked if name.endswith(("id.json", ".key", ".pem", ".sqlite3", ".pyc"))]


def test_the_facade_is_sorted_and_complete() -> None:
    import dexroute

    assert dexroute.__all__ == sorted(dexroute.__all__, key=lambda name: (not name.isupper(), name))
    for name in dexroute.__all__:
        assert getattr(dexroute, name) is not None


def test_a_type_checker_sees_the_names_there_are_and_no_others() -> None:
    """A `__getattr__` that it can see makes it take any name, misspelled ones too, for an Any."""
    import dexroute
    import dexroute.types

    for package in (dexroute, dexroute.types):
        tree = ast.parse(Path(str(package.__file__)).read_text())
        typed = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
        assert len(typed) == 1
        seen = {name.name for line in typed[0].body if isinstance(line, ast.ImportFrom) for name in line.names}
        assert seen == set(package.__all__)
        assert "__getattr__" not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
