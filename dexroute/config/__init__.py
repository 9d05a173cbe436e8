"""Settings: the only place that reads the environment and configuration files.

`~/.config/dexroute/config.toml` (or DEXROUTE_CONFIG) holds the same names as `Settings.describe()` shows; DEXROUTE_<NAME> in the
environment is over it, a flag over both; cluster, keypair and commitment fall back to the solana CLI's own config.
"""

from __future__ import annotations

from dexroute.config.clusters import CUSTOM, EMBEDDED, MONIKERS, is_loopback, redact_url, resolve_cluster, websocket_url
from dexroute.config.settings import SettingOrigin, Settings, load_settings

__all__ = [
    "CUSTOM",
    "EMBEDDED",
    "MONIKERS",
    "SettingOrigin",
    "Settings",
    "is_loopback",
    "load_settings",
    "redact_url",
    "resolve_cluster",
    "websocket_url",
]
