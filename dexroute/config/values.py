"""Turning what a flag, an environment variable or a file says into the value of a setting. Each raises ConfigError."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.config.clusters import redact_url
from dexroute.errors import ConfigError

COMMITMENTS: Final = ("processed", "confirmed", "finalized")
_DATABASES: Final = ("sqlite", "sqlite+aiosqlite", "postgresql", "postgresql+asyncpg", "postgres")


def as_text(raw: Any, where: str) -> str:
    if not isinstance(raw, str | Path) or not str(raw).strip():
        raise ConfigError(f"{where}: expected text, not {'nothing' if isinstance(raw, str) else type(raw).__name__}")
    return str(raw)


def as_list(raw: Any, where: str) -> tuple[str, ...]:
    """A list in TOML; in the environment, words between commas or blanks."""
    items = raw.replace(",", " ").split() if isinstance(raw, str) else raw
    if not isinstance(items, list | tuple):
        raise ConfigError(f"{where}: expected a list, not {type(raw).__name__}")
    return tuple(dict.fromkeys(as_text(item, where) for item in items))


def as_path(raw: Any, where: str) -> Path:
    return Path(as_text(raw, where)).expanduser()


def as_signer(raw: Any, where: str) -> str:
    """Where the key is: a file, `keychain:NAME` or `remote:URL`."""
    text = as_text(raw, where)
    return text if text.startswith(("keychain:", "remote:")) else str(Path(text).expanduser())


def as_signers(raw: Any, where: str) -> tuple[str, ...]:
    """Several of them: a list in TOML; in the environment, words between commas or blanks."""
    return tuple(dict.fromkeys(as_signer(item, where) for item in as_list(raw, where)))


def as_int(raw: Any, where: str, *, least: int, most: int) -> int:
    text = str(raw).strip() if isinstance(raw, str) else raw
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 20:
        text = int(text)
    if isinstance(text, bool) or not isinstance(text, int):
        raise ConfigError(f"{where}: expected an integer, not {raw!r}")
    if not least <= text <= most:
        raise ConfigError(f"{where}: {text} is out of range ({least} to {most})")
    return text


def as_bool(raw: Any, where: str) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ConfigError(f"{where}: expected true or false, not {raw!r}")


def as_word(raw: Any, where: str, *, words: Sequence[str]) -> str:
    word = as_text(raw, where)
    if word not in words:
        raise ConfigError(f"{where}: {word!r} is not one of: {', '.join(words)}")
    return word


def as_commitment(raw: Any, where: str) -> str:
    word = as_text(raw, where)
    if word not in COMMITMENTS:
        raise ConfigError(f"{where}: commitment {word!r} is not one of: {', '.join(COMMITMENTS)}")
    return word


def as_pubkey(raw: Any, where: str) -> Pubkey:
    text = as_text(raw, where)
    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise ConfigError(f"{where}: {text!r} is not a base58 address") from None


def as_pubkeys(raw: Any, where: str) -> tuple[Pubkey, ...]:
    """Addresses, as a list or as text with commas or blanks between them."""
    listed = raw if isinstance(raw, list | tuple) else as_list(raw, where)
    return tuple(dict.fromkeys(one if isinstance(one, Pubkey) else as_pubkey(one, where) for one in listed))


def as_limits(raw: Any, where: str) -> dict[Pubkey, int]:
    """Base units by mint: a table in TOML; in the environment, MINT=AMOUNT between commas or blanks."""
    if isinstance(raw, str):
        pairs = [item.partition("=")[::2] for item in as_list(raw, where)]
    elif isinstance(raw, dict):
        pairs = list(raw.items())
    else:
        raise ConfigError(f"{where}: expected a table of mints and base units, not {type(raw).__name__}")
    return {as_pubkey(mint, where): as_int(amount, f"{where}: {mint}", least=0, most=2**64 - 1) for mint, amount in pairs}


def as_database_url(raw: Any, where: str) -> str:
    text = as_text(raw, where)
    scheme = text.split("://", 1)[0] if "://" in text else ""
    if scheme not in _DATABASES:
        shown = redact_url(text)
        raise ConfigError(f"{where}: {shown!r} is no database URL dexroute knows; use sqlite:///PATH or postgresql://HOST/NAME")
    return text


def as_websocket_url(raw: Any, where: str) -> str:
    return _url(raw, where, ("ws", "wss"), "WebSocket URL; use ws://HOST:PORT or wss://HOST")


def as_redis_url(raw: Any, where: str) -> str:
    return _url(raw, where, ("redis", "rediss", "unix"), "Redis URL; use redis://HOST:PORT/NUMBER, rediss:// or unix:///SOCKET")


def _url(raw: Any, where: str, schemes: tuple[str, ...], wanted: str) -> str:
    text = as_text(raw, where)
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in schemes or not rest:
        raise ConfigError(f"{where}: {redact_url(text)!r} is no {wanted}")
    return text
