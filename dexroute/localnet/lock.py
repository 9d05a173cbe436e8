"""One process per data directory.

The cluster's state is one process's memory backed by one file, so whoever opens it holds an advisory lock (flock) for as
long as it is open: a `dex` command for its run, `dex localnet` for as long as it serves. A second one is refused at once with
`DataDirBusy` naming the holder; where the holder serves the cluster, the message says at which URL to reach it instead. The
kernel drops the lock with the process, so a SIGKILL leaves nothing to clean up.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Final

from dexroute.errors import DatabaseError, DataDirBusy

_NAME: Final = "cluster.lock"


class DataDirLock:
    """Held from construction to `release`."""

    def __init__(self, data_dir: Path) -> None:
        """Raises DataDirBusy, or DatabaseError when the directory cannot be used."""
        self._path = data_dir / _NAME
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseError(
                f"cannot keep the embedded cluster in {data_dir}: {error.strerror}; choose another directory with --data-dir",
                path=str(data_dir),
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = self._holder()
            os.close(self._file)
            raise _busy(data_dir, holder) from None
        self.describe(None)

    def describe(self, url: str | None) -> None:
        """Tell others who holds the directory, and the URL at which it is served."""
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


def _busy(data_dir: Path, holder: dict[str, object]) -> DataDirBusy:
    pid, url = holder.get("pid"), holder.get("url")
    who = f"process {pid}" if pid else "another process"
    step = f"it serves the cluster: use -u {url}" if url else "wait for it to end, or use another --data-dir"
    return DataDirBusy(f"the embedded cluster in {data_dir} is in use by {who}; {step}", data_dir=str(data_dir), pid=pid, url=url)
