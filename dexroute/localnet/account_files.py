"""Account files as `solana account --output json` writes them, and program files."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from dexroute.errors import ConfigError
from dexroute.localnet import base58
from dexroute.localnet.accounts import RENT_EXEMPT_EPOCH, StoredAccount
from dexroute.localnet.programs import program_account

_BASE58_LIMIT = 20_000  # characters: decoding is quadratic


def read_account_file(path: Path) -> tuple[Pubkey, StoredAccount]:
    """(address, account) of one file. Raises ConfigError naming file and field."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"account file {path} cannot be read: {error.strerror}", path=str(path)) from error
    except ValueError as error:
        raise ConfigError(f"account file {path} is not JSON: {error}", path=str(path)) from error
    try:
        account = document["account"]
        return Pubkey.from_string(document["pubkey"]), StoredAccount(
            owner=Pubkey.from_string(account["owner"]),
            lamports=_u64(account["lamports"]),
            data=_decoded(account["data"]),
            executable=bool(account.get("executable", False)),
            rent_epoch=_u64(account.get("rentEpoch", RENT_EXEMPT_EPOCH)),
        )
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise ConfigError(
            f"account file {path} is not what `solana account --output json` writes: {error!r}", path=str(path)
        ) from error


def read_account_dir(directory: Path) -> Iterator[tuple[Pubkey, StoredAccount]]:
    """Every .json file of a directory. Raises ConfigError."""
    if not directory.is_dir():
        raise ConfigError(f"--account-dir {directory} is no directory", path=str(directory))
    return (read_account_file(path) for path in sorted(directory.glob("*.json")))


def read_program_file(path: Path, rent_lamports: int = 1) -> StoredAccount:
    """A program account holding this ELF. Raises ConfigError."""
    try:
        elf = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"program file {path} cannot be read: {error.strerror}", path=str(path)) from error
    if elf[:4] != b"\x7fELF":
        raise ConfigError(f"program file {path} is no ELF file: build it with cargo build-sbf", path=str(path))
    return program_account(elf, rent_lamports=rent_lamports)


def _u64(value: Any) -> int:
    # rentEpoch of 2^64-1 comes back as a float from tools that read JSON numbers as doubles.
    number = min(int(value), RENT_EXEMPT_EPOCH)
    if number < 0:
        raise ValueError(f"{value} is negative")
    return number


def _decoded(data: Any) -> bytes:
    text, encoding = (data, "base58") if isinstance(data, str) else (data[0], data[1])
    if encoding == "base64":
        return base64.b64decode(text, validate=True)
    if encoding == "base58" and len(text) <= _BASE58_LIMIT:
        return base58.decode(text)
    raise ValueError(f"data encoding {encoding!r} is not read here; write the file with --output json")
