"""Configuration files: dexroute's own TOML and the solana CLI's YAML."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dexroute.errors import ConfigError


def own_config_path(environment: Mapping[str, str]) -> Path:
    """DEXROUTE_CONFIG, else $XDG_CONFIG_HOME/dexroute/config.toml, else ~/.config/dexroute/config.toml."""
    if explicit := environment.get("DEXROUTE_CONFIG"):
        return Path(explicit).expanduser()
    base = environment.get("XDG_CONFIG_HOME")
    return (Path(base) if base else home(environment) / ".config") / "dexroute" / "config.toml"


def solana_config_path(environment: Mapping[str, str]) -> Path:
    """Where the solana CLI keeps its configuration."""
    return home(environment) / ".config" / "solana" / "cli" / "config.yml"


def default_data_dir(environment: Mapping[str, str]) -> Path:
    """The platform's place for an application's data."""
    if base := environment.get("XDG_DATA_HOME"):
        return Path(base) / "dexroute"
    if sys.platform == "darwin":
        return home(environment) / "Library" / "Application Support" / "dexroute"
    return home(environment) / ".local" / "share" / "dexroute"


def state_dir(environment: Mapping[str, str]) -> Path:
    """The user's place for what an application remembers and no backup of its data holds."""
    base = environment.get("XDG_STATE_HOME")
    return (Path(base) if base else home(environment) / ".local" / "state") / "dexroute"


def home(environment: Mapping[str, str]) -> Path:
    """The user's home directory, as the environment names it."""
    named = environment.get("HOME")
    return Path(named) if named else Path(os.path.expanduser("~"))  # noqa: PTH111  Path.home() raises where there is none


def read_own_config(path: Path, known: frozenset[str], *, must_exist: bool) -> dict[str, Any]:
    """The TOML file's values; empty when there is no file and none was named. Raises ConfigError naming file, line or key."""
    import tomllib

    text = _read(path, must_exist=must_exist)
    if text is None:
        return {}
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}", file=str(path)) from None
    for key in values:
        if key not in known:
            near = _nearest(key, known)
            raise ConfigError(f"{path}: unknown key {key!r}{near}; known keys: {', '.join(sorted(known))}", file=str(path), key=key)
    return values


def read_solana_config(path: Path) -> dict[str, str]:
    """The solana CLI's settings that are plain text (json_rpc_url, keypair_path, commitment, ...); empty without the file."""
    text = _read(path, must_exist=False)
    if text is None:
        return {}
    import yaml

    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: the solana CLI's config is not valid YAML: {first}", file=str(path)) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: the solana CLI's config is not a mapping of settings", file=str(path))
    return {str(key): value for key, value in values.items() if isinstance(value, str) and value}


def _read(path: Path, *, must_exist: bool) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if must_exist:
            raise ConfigError(f"{path}: no such config file (named by DEXROUTE_CONFIG)", file=str(path)) from None
        return None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text", file=str(path)) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", file=str(path)) from None


def _nearest(key: str, known: frozenset[str]) -> str:
    import difflib

    close = difflib.get_close_matches(key, sorted(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
