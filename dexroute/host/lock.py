"""One process per directory: an advisory lock (flock) the kernel drops with its holder, however that dies.

The embedded cluster is one process's memory backed by one file, and a SQLite journal has one writer. A second process is refused
at once with `DataDirBusy` naming the holder; where the holder serves the cluster, the message says at which URL to reach it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dexroute.errors import ConfigError, DataDirBusy


class DirectoryLock:
    """`directory`/`name`.lock, held from construction to `release`; `what` names in messages what the lock is for.

    Locks of different names do not exclude each other. The file itself stays: removing it would let two holders in.
    """

    def __init__(self, directory: Path, name: str, *, what: str) -> None:
        """Creates a missing directory (0700). Raises DataDirBusy when this or another process holds the lock, ConfigError when
        the directory cannot be used."""
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(directory / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{what} cannot be kept in {directory}: {error.strerror}; choose another directory with --data-dir",
                directory=str(directory),
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = self._holder()
            os.close(self._file)
            raise _busy(directory, what, holder) from None
        self.describe(None)

    def describe(self, url: str | None) -> None:
        """Tell others who holds the lock, and the URL at which what it protects is served."""
        with suppress(OSError):  # a full disk: the lock holds without a name on it
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)

    def release(self) -> None:
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1

    def _holder(self) -> dict[str, object]:
        try:
            holder = json.loads(os.pread(self._file, 4096, 0))
        except ValueError:
            return {}  # the holder is between taking the lock and writing its name
        return holder if isinstance(holder, dict) else {}


def holder_process(directory: Path, name: str) -> int | None:
    """The process that holds the lock, as it says itself; None where nobody says so or that process is gone. Takes no lock, so
    nobody is in its way."""
    try:
        process = json.loads((directory / f"{name}.lock").read_bytes())["pid"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(process, int) or process <= 0:
        return None
    try:
        os.kill(process, 0)
    except PermissionError:  # it lives, and is another user's
        pass
    except (OSError, OverflowError):
        return None
    return process


@contextmanager
def hold(directory: Path, name: str, *, what: str) -> Iterator[None]:
    """Hold a `DirectoryLock` until the block ends."""
    lock = DirectoryLock(directory, name, what=what)
    try:
        yield
    finally:
        lock.release()


def _busy(directory: Path, what: str, holder: dict[str, object]) -> DataDirBusy:
    pid, url = holder.get("pid"), holder.get("url")
    who = f"process {pid}" if pid else "another process"
    step = f"it serves the cluster: use -u {url}" if url else "wait for it to end, or use another --data-dir"
    return DataDirBusy(f"{what} in {directory} is in use by {who}; {step}", directory=str(directory), pid=pid, url=url)
