"""Standard input, output and error as the shell gave them: closed, on a full disk, or read by somebody who left. None of that is
a bug, and none of it ends what is under way."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import IO, Final

_READER_GONE: Final = 141  # as shells count: 128 and SIGPIPE
_NO_MORE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def open_closed_streams() -> None:
    """Open what was closed (`>&-`) on nothing: else the next file, a journal say, gets the number that prints and panics go to."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115


def say(line: str) -> None:
    """A line for people on stderr. Where it cannot be written, what is under way matters more."""
    try:
        print(line, file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        _forget(sys.stderr)


def reader_gone() -> int:
    """The exit code when whoever read our output has left (`| head`). What was done is done; only output is lost."""
    _forget(sys.stdout)
    return _READER_GONE


def is_output_lost(error: OSError) -> bool:
    """Whether the error is about stdout, which takes no more (a full disk). What it still held is given up then."""
    try:
        sys.stdout.flush()
    except OSError:
        _forget(sys.stdout)
        return True
    return error.filename is None and error.errno in _NO_MORE  # nothing held: Python runs unbuffered


def _forget(stream: IO[str]) -> None:
    """Lead a stream to nothing, or Python complains when it flushes at exit."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
