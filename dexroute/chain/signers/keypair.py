"""Keys in files, as the solana CLI writes them."""

from __future__ import annotations

import json
import os
import stat
from errno import ENOTDIR
from pathlib import Path
from typing import Final

from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.errors import KeypairError
from dexroute.host.files import write_private

_KEYPAIR_BYTES: Final = 64
_LARGEST_FILE: Final = 4096  # 64 numbers with any sane whitespace; /dev/zero must not be read to its end
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeypairSigner:
    """Signs with one ed25519 key held in memory. Its repr and its errors show the public key at most."""

    __slots__ = ("_keypair",)

    def __init__(self, keypair: Keypair) -> None:
        self._keypair = keypair

    def __repr__(self) -> str:
        return f"KeypairSigner({self.pubkey})"

    @property
    def pubkey(self) -> Pubkey:
        return self._keypair.pubkey()

    async def sign(self, message: MessageV0) -> Signature:
        """The signature over the message as it goes over the wire, version byte 0x80 included."""
        return self._keypair.sign_message(to_bytes_versioned(message))

    @classmethod
    def load(cls, path: Path) -> KeypairSigner:
        """The key in a solana id.json file. Raises KeypairError: missing, readable by others, or not 64 bytes of one key."""
        return cls(_parse(read_private(path), path))

    @classmethod
    def create(cls, path: Path) -> KeypairSigner:
        """A new random key in a new file only its owner can read (0600). Never overwrites: raises KeypairError.

        The file appears complete or not at all: it is written under another name and linked to `path`.
        """
        return cls.keep(path, Keypair())

    @classmethod
    def keep(cls, path: Path, keypair: Keypair) -> KeypairSigner:
        """A key at hand into a new file, like `create`."""
        create_private(path, json.dumps(list(bytes(keypair))).encode() + b"\n")
        return cls(keypair)

    def keypair(self) -> Keypair:
        """The key itself, for keeping it elsewhere."""
        return self._keypair


def create_private(path: Path, content: bytes) -> None:
    """A new keypair file that only its owner can read. Raises KeypairError, also when there is one already."""
    try:
        _check_directory(path.parent)
        write_private(path, content, replace=False)
    except FileExistsError:
        raise KeypairError(
            f"keypair {path} already exists and is never overwritten; name another file (-k PATH) or move it away",
            path=str(path),
        ) from None
    except OSError as error:
        raise KeypairError(f"keypair {path} cannot be written: {error.strerror}", path=str(path)) from None


def read_private(path: Path) -> bytes:
    """The content of a keypair file. Raises KeypairError: missing, no file, or accessible by others."""
    try:
        # Opened before it is examined, so that what was examined is what is read. Non-blocking: a FIFO must not hang.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeypairError(
            f"no keypair at {path}; create one with `dex wallet new -k {path}` or name yours with -k PATH", path=str(path)
        ) from None
    except OSError as error:
        raise KeypairError(f"keypair {path} cannot be opened: {error.strerror}", path=str(path)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeypairError(f"keypair {path} is not a regular file", path=str(path))
        if status.st_mode & _OTHERS:
            raise KeypairError(
                f"keypair {path} can be accessed by others (mode {stat.S_IMODE(status.st_mode):04o}); run: chmod 600 {path}",
                path=str(path),
                mode=f"{stat.S_IMODE(status.st_mode):04o}",
            )
        return os.read(descriptor, _LARGEST_FILE + 1)
    except OSError as error:
        raise KeypairError(f"keypair {path} cannot be read: {error.strerror}", path=str(path)) from None
    finally:
        os.close(descriptor)


def _parse(content: bytes, path: Path) -> Keypair:
    expected = f"a JSON list of {_KEYPAIR_BYTES} bytes, as solana-keygen writes it"
    # Nothing of the content enters a message: it may be the better part of a key.
    try:
        numbers = json.loads(content) if len(content) <= _LARGEST_FILE else None
    except (ValueError, RecursionError):
        numbers = None
    if not isinstance(numbers, list):
        raise KeypairError(f"keypair {path} is neither {expected}, nor a whole encrypted keypair", path=str(path))
    if len(numbers) != _KEYPAIR_BYTES or not all(type(n) is int and 0 <= n <= 255 for n in numbers):
        raise KeypairError(f"keypair {path} holds {len(numbers)} entries that are not {expected}", path=str(path))
    try:
        return Keypair.from_bytes(bytes(numbers))
    except ValueError:
        raise KeypairError(
            f"keypair {path}: its public half does not belong to its secret half; the file is damaged", path=str(path)
        ) from None


def _check_directory(directory: Path) -> None:
    """Raises NotADirectoryError when something else is there, which a keypair that exists already must not be taken for."""
    if directory.exists() and not directory.is_dir():
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(directory))
