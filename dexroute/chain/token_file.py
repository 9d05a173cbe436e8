"""tokens.json in the data directory: the symbols a user or the demo gave to mints, by cluster."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.errors import ConfigError

FILE_NAME: Final = "tokens.json"
_SYMBOL: Final = re.compile(r"[A-Za-z0-9$][A-Za-z0-9$._-]{0,15}")
_VERSION: Final = 1

Entry = Mapping[str, str | int]


def read_tokens(data_dir: Path) -> dict[str, list[Entry]]:
    """{cluster: [{"symbol", "mint", "decimals"}]}; empty without the file. Raises ConfigError naming file and place."""
    path = data_dir / FILE_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        raise _damaged(path, "not JSON") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", file=str(path)) from None
    if not isinstance(document, dict) or document.get("version") != _VERSION or not isinstance(document.get("clusters"), dict):
        raise _damaged(path, f'not {{"version": {_VERSION}, "clusters": ...}}')
    return {str(name): _entries(entries, path, str(name)) for name, entries in document["clusters"].items()}


def write_tokens(data_dir: Path, clusters: Mapping[str, Sequence[Entry]]) -> None:
    """Replace the file, whole or not at all. Raises ConfigError for entries that could not be read back."""
    path = data_dir / FILE_NAME
    for name, entries in clusters.items():
        _entries(list(entries), path, name)
    content = json.dumps({"version": _VERSION, "clusters": clusters}, indent=2, sort_keys=True) + "\n"
    draft = path.with_name(f".{FILE_NAME}.{os.getpid()}.{os.urandom(6).hex()}.new")
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with draft.open("x", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written: {error.strerror}", file=str(path)) from None


def _entries(entries: Any, path: Path, cluster: str) -> list[Entry]:
    if not isinstance(entries, list):
        raise _damaged(path, f"{cluster} is not a list")
    for index, entry in enumerate(entries):
        where = f"{cluster}[{index}]"
        if not isinstance(entry, dict) or set(entry) != {"symbol", "mint", "decimals"}:
            raise _damaged(path, f"{where} does not have exactly symbol, mint and decimals")
        symbol, mint, decimals = entry["symbol"], entry["mint"], entry["decimals"]
        if not isinstance(symbol, str) or not _SYMBOL.fullmatch(symbol):
            raise _damaged(path, f"{where}: symbol {symbol!r} is not 1 to 16 letters, digits or $ . _ -")
        if type(decimals) is not int or not 0 <= decimals <= 255:
            raise _damaged(path, f"{where}: decimals {decimals!r} is not 0 to 255")
        if not isinstance(mint, str) or not _is_address(mint):
            raise _damaged(path, f"{where}: mint {mint!r} is not a base58 address")
    return entries


def _is_address(text: str) -> bool:
    try:
        Pubkey.from_string(text)
    except ValueError:
        return False
    return True


def _damaged(path: Path, what: str) -> ConfigError:
    return ConfigError(f"{path}: {what}; correct it or move it away", file=str(path))
