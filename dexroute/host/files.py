"""Files that are there whole or not at all, and readable by their owner only."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """A file to write `path` through: there with all that was written, mode 0600 and durable, once the block ends; not there, or
    as it was before, when the block raises. Raises FileExistsError when the file is there and `replace` is false, OSError. What
    is no file is not replaced: a device or a link would be gone, and a file in its place."""
    if replace:
        _require_file(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(6).hex()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _require_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is a link" if stat.S_ISLNK(mode) else "It is no regular file", str(path))


def write_private(path: Path, content: bytes, *, replace: bool) -> None:
    """Write `path` with mode 0600, whatever the umask, in a directory made 0700 when missing; durable when it returns.

    The content is written under another name first: a reader, or a crash, never meets half of it. Raises FileExistsError when the
    file is there and `replace` is false, OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole_file(path, replace=replace) as file:
        file.write(content)
