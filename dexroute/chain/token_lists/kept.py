"""verified-tokens.json in the data directory: the verified list as it was last fetched, with its date, source and checksum."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dexroute.chain.token_file import Entry, checked_entries, replace_file
from dexroute.errors import ConfigError

FILE_NAME: Final = "verified-tokens.json"
_VERSION: Final = 1
_FACTS: Final = ("source", "fetched_at", "sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptList:
    """`sha256` is of the document as its source sent it; `fetched_at` is ISO 8601 in UTC, by the host's clock."""

    source: str
    fetched_at: str
    sha256: str
    entries: tuple[Entry, ...]


def read_kept(data_dir: Path) -> KeptList | None:
    """The list; None when none was ever fetched. Raises ConfigError naming file and place."""
    path = data_dir / FILE_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        raise _damaged(path, "not JSON") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", file=str(path)) from None
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise _damaged(path, f'not {{"version": {_VERSION}, ...}}')
    source, fetched_at, sha256 = (_text(document, name, path) for name in _FACTS)
    return KeptList(source=source, fetched_at=fetched_at, sha256=sha256, entries=tuple(_entries(document.get("tokens"), path)))


def write_kept(data_dir: Path, kept: KeptList) -> Path:
    """Replace the file, whole or not at all; returns its path. Raises ConfigError."""
    path = data_dir / FILE_NAME
    facts = {name: getattr(kept, name) for name in _FACTS}
    # A token a line: people compare two of these.
    lines = ",\n".join(json.dumps(dict(entry), sort_keys=True) for entry in kept.entries)
    head = json.dumps({"version": _VERSION, **facts}, indent=1)[:-2]
    replace_file(path, f'{head},\n "tokens": [\n{lines}\n]}}\n')
    return path


def _text(document: dict[str, Any], name: str, path: Path) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value.isprintable() or len(value) > 500:
        raise _damaged(path, f"{name} is not a short text")
    return value


def _entries(tokens: Any, path: Path) -> list[Entry]:
    return checked_entries(tokens, path, "tokens", advice=_ADVICE)


_ADVICE: Final = "fetch it again with `dex tokens refresh`, or move it away"


def _damaged(path: Path, what: str) -> ConfigError:
    return ConfigError(f"{path}: {what}; {_ADVICE}", file=str(path))
