"""Fixtures around `dex`: a home without settings, a playground, and a runner."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.runner import Cli
from tests.playground import copied, playground_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return playground_template(tmp_path_factory)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any configuration."""
    for name in [name for name in os.environ if name.startswith(("DEXROUTE_", "XDG_"))]:
        monkeypatch.delenv(name)
    directory = tmp_path / "home"
    directory.mkdir()
    monkeypatch.setenv("HOME", str(directory))
    return directory


@pytest.fixture
def cli(template: Path, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capsys, copied(template, tmp_path / "market"))
