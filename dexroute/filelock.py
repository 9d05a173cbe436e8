"""One owner per directory: an advisory lock the operating system drops when the holder dies, however it dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dexroute.errors import ConfigError, DataDirBusy


@contextmanager
def hold(directory: Path, name: str) -> Iterator[None]:
    """Hold `directory`/`name`.lock until the block ends; the directory is created (0700) when it is missing.

    Raises DataDirBusy at once when another holder (of this or another process) has it, ConfigError when the directory is not
    usable. Locks of different names do not exclude each other. The file itself stays: removing it would let two holders in.
    """
    from filelock import FileLock, Timeout

    path = directory / f"{name}.lock"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
        lock.acquire()
    except Timeout:
        raise DataDirBusy(
            f"another dexroute is using {directory} (lock {path.name}): wait until it ends, or give this one its own --data-dir",
            directory=str(directory),
            lock=path.name,
        ) from None
    except OSError as error:
        raise ConfigError(
            f"the data directory {directory} cannot be used: {error.strerror or error}; choose another with --data-dir",
            directory=str(directory),
        ) from error
    try:
        yield
    finally:
        lock.release()
