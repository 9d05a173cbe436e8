"""The README is run, not believed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dexroute import errors

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DEXROUTE_", "XDG_"))}
    return {**kept, "HOME": str(home), "HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}


def test_console_lines_run_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from dexroute.cli.entry import run

    lines = [line[2:] for block in _blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(lines) >= 5
    for name in [name for name in os.environ if name.startswith(("DEXROUTE_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for line in lines:
        command, *arguments = shlex.split(line)
        assert command == "dex"
        code = run(arguments)
        said = capsys.readouterr()
        assert code == 0, f"{line}\n{said.out}\n{said.err}"
        assert said.out, line


def test_python_blocks_run_offline(tmp_path: Path) -> None:
    blocks = _blocks("python")
    assert blocks
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-"], input=block, cwd=tmp_path, env=_environment(tmp_path),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "CONFIRMED" in done.stdout


def test_the_two_commands_are_the_makefiles_and_the_cis() -> None:
    (block,) = [block for block in re.findall(r"^```\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if "make " in block]
    named = re.findall(r"^make ([a-z-]+)", block, re.MULTILINE)
    assert named == ["demo", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in named:
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
    assert re.search(r"^\s*@?\$\(BIN\)/dex demo$", makefile, re.MULTILINE)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "\nmake test\n" in ci
    for step in re.findall(r"^make ([a-z-]+)", ci, re.MULTILINE):
        assert re.search(rf"^{step}:", makefile, re.MULTILINE), step


def test_exit_codes_are_those_of_the_error_tree() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d) \|", README, re.MULTILINE)}
    tree = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.DexError)]
    assert told == {0} | {error.exit_code for error in tree}


def test_numbers_are_the_projects() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.11"' in pyproject
    assert "Python 3.11 or newer" in README


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) >= 6
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link
