"""tokens.json in the data directory: the symbols a user or the demo gave to mints, by cluster."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.errors import ConfigError
from dexroute.host.files import write_private

FILE_NAME: Final = "tokens.json"
LONGEST_SYMBOL: Final = 16
_SYMBOL: Final = re.compile(rf"[A-Za-z0-9$][A-Za-z0-9$._-]{{0,{LONGEST_SYMBOL - 1}}}")
_VERSION: Final = 1
_ADVICE: Final = "correct it or move it away"

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
    return {str(name): checked_entries(entries, path, str(name)) for name, entries in document["clusters"].items()}


def write_tokens(data_dir: Path, clusters: Mapping[str, Sequence[Entry]]) -> None:
    """Replace the file, whole or not at all. Raises ConfigError for entries that could not be read back."""
    path = data_dir / FILE_NAME
    for name, entries in clusters.items():
        checked_entries(list(entries), path, name)
    replace_file(path, json.dumps({"version": _VERSION, "clusters": clusters}, indent=2, sort_keys=True) + "\n")


def replace_file(path: Path, content: str) -> None:
    """Replace a file of the data directory, whole or not at all. Raises ConfigError."""
    try:
        write_private(path, content.encode(), replace=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}", file=str(path)) from None


def is_symbol(text: str) -> bool:
    """Whether a symbol is of the characters that cannot be taken for others, and short enough to read."""
    return _SYMBOL.fullmatch(text) is not None


def checked_entries(entries: Any, path: Path, name: str, *, advice: str = _ADVICE) -> list[Entry]:
    """The list `name` of the file at `path`, if every entry of it is sound. Raises ConfigError saying which is not."""
    if not isinstance(entries, list):
        raise _damaged(path, f"{name} is not a list", advice)
    for index, entry in enumerate(entries):
        where = f"{name}[{index}]"
        if not isinstance(entry, dict) or set(entry) != {"symbol", "mint", "decimals"}:
            raise _damaged(path, f"{where} does not have exactly symbol, mint and decimals", advice)
        symbol, mint, decimals = entry["symbol"], entry["mint"], entry["decimals"]
        if not isinstance(symbol, str) or not is_symbol(symbol):
            raise _damaged(path, f"{where}: symbol {symbol!r} is not 1 to {LONGEST_SYMBOL} letters, digits or $ . _ -", advice)
        if type(decimals) is not int or not 0 <= decimals <= 255:
            raise _damaged(path, f"{where}: decimals {decimals!r} is not 0 to 255", advice)
        if not isinstance(mint, str) or not _is_address(mint):
            raise _damaged(path, f"{where}: mint {mint!r} is not a base58 address", advice)
    return entries


def _is_address(text: str) -> bool:
    try:
        Pubkey.from_string(text)
    except ValueError:
        return False
    return True


def _damaged(path: Path, what: str, advice: str = _ADVICE) -> ConfigError:
    return ConfigError(f"{path}: {what}; {advice}", file=str(path))
