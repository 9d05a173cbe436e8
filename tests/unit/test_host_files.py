"""dexroute.host: locks between processes, and files that are whole and their owner's."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from dexroute.errors import ConfigError, DataDirBusy
from dexroute.host.files import write_private
from dexroute.host.lock import DirectoryLock, hold


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "data" / "file"
    write_private(path, b"one", replace=False)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(FileExistsError):
        write_private(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    path.chmod(0o644)
    write_private(path, b"two", replace=True)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"two", 0o600)
    assert [entry.name for entry in path.parent.iterdir()] == ["file"], "no drafts are left"


@pytest.mark.usefixtures("open_umask")
def test_a_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path / "data", "cluster", what="the embedded cluster")
    assert stat.S_IMODE((tmp_path / "data" / "cluster.lock").stat().st_mode) == 0o600
    with pytest.raises(DataDirBusy, match=f"the embedded cluster in .* process {os.getpid()}; wait"), _held(tmp_path, "cluster"):
        pass
    lock.describe("http://127.0.0.1:8899")
    with pytest.raises(DataDirBusy, match=r"use -u http://127\.0\.0\.1:8899"), _held(tmp_path, "cluster"):
        pass
    with _held(tmp_path, "journal"):
        lock.release()
        lock.release()
    with _held(tmp_path, "cluster"):
        pass


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="choose another"):
        DirectoryLock(tmp_path / "file" / "inside", "cluster", what="the embedded cluster")


def _held(directory: Path, name: str) -> AbstractContextManager[None]:
    return hold(directory / "data", name, what="the embedded cluster")
