"""What dexroute runs with, and where each setting came from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from solders.pubkey import Pubkey

from dexroute.config import files
from dexroute.config.clusters import EMBEDDED, redact_url, resolve_cluster
from dexroute.config.known import DEFAULTS, PARSERS, SOLANA_KEYS
from dexroute.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingOrigin:
    """One setting as `dex config` shows it: `value` is safe to print, `source` is flag, environment, a file or default."""

    name: str
    value: str | int | bool | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Strings that may hold credentials (URLs) are left out of the repr; show them through `describe()`.

    `cluster` is a moniker, "embedded" or "custom"; `rpc_url` is "embedded" for the embedded cluster. `rpc_urls` are further nodes
    of the same cluster, read from and sent to like the first; `send_urls` only take transactions, as does Jito's block engine at
    `jito_url`, to which each swap then tips `jito_tip_lamports`; `rpc_rate_per_s` (0: unlimited) bounds the requests to each.
    `ws_url` None is derived from `rpc_url`; `redis_url` is where processes share accounts; `cache_slots` is how old accounts may be
    where a caller lets kept ones serve. `pool_program_id` None means the program id dexroute ships with. `amm_v4_swap_form` and
    `amm_v4_order_book` say which build of Raydium's AMM v4 the cluster runs, as `dex doctor` finds out. `keypair` pays and signs; a
    worker carries out the orders of the further wallets of `keypairs` as well. `http_discovery` allows asking Raydium's and
    Meteora's public APIs on mainnet-beta. `max_slot_age` None asks for no newest slot. `lookup_tables` are address lookup tables
    routes may use besides remembered ones. The `policy_` settings bound what is ever signed (see SigningPolicy). `state_dir`
    keeps what no backup of `data_dir` brings back.
    """

    cluster: str
    rpc_url: str = field(repr=False)
    witness_url: str | None = field(repr=False)
    rpc_urls: tuple[str, ...] = field(repr=False)
    send_urls: tuple[str, ...] = field(repr=False)
    jito_url: str | None = field(repr=False)
    jito_tip_lamports: int
    jito_dont_front: bool
    rpc_rate_per_s: int
    ws_url: str | None = field(repr=False)
    redis_url: str | None = field(repr=False)
    cache_slots: int
    keypair: str = field(repr=False)
    keypairs: tuple[str, ...] = field(repr=False)
    commitment: str
    data_dir: Path
    state_dir: Path
    database_url: str = field(repr=False)
    slippage_bps: int
    max_impact_bps: int
    max_deviation_bps: int
    max_slot_age: int | None
    max_pools: int
    oracle_max_age_s: int
    oracle_max_confidence_bps: int
    priority_fee_cap_lamports: int
    policy_max_tip_lamports: int
    policy_max_fee_lamports: int
    policy_mints: tuple[Pubkey, ...]
    policy_programs: tuple[Pubkey, ...]
    policy_order_limits: Mapping[Pubkey, int]
    policy_day_limits: Mapping[Pubkey, int]
    policy_day_lamports: int | None
    rpc_timeout_ms: int
    confirm_timeout_ms: int
    http_discovery: bool
    pool_program_id: Pubkey | None
    amm_v4_swap_form: str
    amm_v4_order_book: str
    lookup_tables: tuple[Pubkey, ...] = ()
    sources: Mapping[str, str] = field(repr=False)

    @property
    def is_embedded(self) -> bool:
        return self.cluster == EMBEDDED

    @property
    def node_urls(self) -> tuple[str, ...]:
        """Every node of the cluster, each once, the preferred one first. The embedded cluster is alone."""
        named = (self.rpc_url,) if self.is_embedded else (self.rpc_url, *self.rpc_urls, *filter(None, (self.witness_url,)))
        return tuple(dict.fromkeys(named))

    @property
    def keypair_path(self) -> Path:
        """Where the keypair file is, if it is one."""
        return Path(self.keypair)

    @property
    def is_mainnet(self) -> bool:
        """Whether this is mainnet-beta by name or public endpoint. A "custom" URL may be as well: only its genesis hash tells."""
        return self.cluster == "mainnet-beta"

    def describe(self) -> tuple[SettingOrigin, ...]:
        """Every setting with its source, credentials redacted, in a fixed order."""
        shown: dict[str, str | int | bool | None] = {
            "url": redact_url(self.rpc_url),
            "witness_url": redact_url(self.witness_url) if self.witness_url else None,
            "rpc_urls": ", ".join(map(redact_url, self.rpc_urls)) or None,
            "send_urls": ", ".join(map(redact_url, self.send_urls)) or None,
            "jito_url": redact_url(self.jito_url) if self.jito_url else None,
            "jito_tip_lamports": self.jito_tip_lamports,
            "jito_dont_front": self.jito_dont_front,
            "rpc_rate_per_s": self.rpc_rate_per_s,
            "ws_url": redact_url(self.ws_url) if self.ws_url else None,
            "redis_url": redact_url(self.redis_url) if self.redis_url else None,
            "cache_slots": self.cache_slots,
            "keypair": _signer_text(self.keypair),
            "keypairs": ", ".join(map(_signer_text, self.keypairs)) or None,
            "commitment": self.commitment,
            "data_dir": str(self.data_dir),
            "database_url": self.database_url if self.database_url.startswith("sqlite") else redact_url(self.database_url),
            "slippage_bps": self.slippage_bps,
            "max_impact_bps": self.max_impact_bps,
            "max_deviation_bps": self.max_deviation_bps,
            "max_slot_age": self.max_slot_age,
            "max_pools": self.max_pools,
            "oracle_max_age_s": self.oracle_max_age_s,
            "oracle_max_confidence_bps": self.oracle_max_confidence_bps,
            "priority_fee_cap_lamports": self.priority_fee_cap_lamports,
            "policy_max_tip_lamports": self.policy_max_tip_lamports,
            "policy_max_fee_lamports": self.policy_max_fee_lamports,
            "policy_mints": ", ".join(map(str, self.policy_mints)) or None,
            "policy_programs": ", ".join(map(str, self.policy_programs)) or None,
            "policy_order_limits": _limits_text(self.policy_order_limits),
            "policy_day_limits": _limits_text(self.policy_day_limits),
            "policy_day_lamports": self.policy_day_lamports,
            "rpc_timeout_ms": self.rpc_timeout_ms,
            "confirm_timeout_ms": self.confirm_timeout_ms,
            "http_discovery": self.http_discovery,
            "pool_program_id": str(self.pool_program_id) if self.pool_program_id else None,
            "amm_v4_swap_form": self.amm_v4_swap_form,
            "amm_v4_order_book": self.amm_v4_order_book,
            "lookup_tables": ",".join(map(str, self.lookup_tables)) or None,
        }
        return tuple(SettingOrigin(name=name, value=value, source=self.sources[name]) for name, value in shown.items())


def _signer_text(named: str) -> str:
    return f"remote:{redact_url(named[7:])}" if named.startswith("remote:http") else named


def _limits_text(limits: Mapping[Pubkey, int]) -> str | None:
    return ", ".join(f"{mint}={amount}" for mint, amount in limits.items()) or None


def load_settings(overrides: Mapping[str, Any] | None = None, *, environment: Mapping[str, str] | None = None) -> Settings:
    """Flags (`overrides`) over environment over dexroute's TOML file over the solana CLI's config over defaults.

    `overrides` has the names of `PARSERS`; a value of None counts as not given. A file is read only when a setting falls
    through to it. Raises ConfigError.
    """
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    if unknown := sorted(set(given) - set(PARSERS)):
        raise ConfigError(f"unknown setting {unknown[0]!r}; known settings: {', '.join(PARSERS)}")
    lookup = _Lookup(given, os.environ if environment is None else environment)
    found = {name: lookup.find(name) for name in PARSERS}
    sources = {name: lookup.sources[name] for name in PARSERS}
    cluster, rpc_url = _cluster(found["url"], sources["url"])
    witness_url = _cluster(found["witness_url"], sources["witness_url"])[1] if found["witness_url"] else None
    data_dir: Path = found["data_dir"]
    return Settings(
        cluster=cluster,
        rpc_url=rpc_url,
        witness_url=witness_url,
        rpc_urls=tuple(_cluster(url, sources["rpc_urls"])[1] for url in found["rpc_urls"]),
        jito_url=_cluster(found["jito_url"], sources["jito_url"])[1] if found["jito_url"] else None,
        jito_tip_lamports=found["jito_tip_lamports"],
        jito_dont_front=found["jito_dont_front"],
        send_urls=tuple(_cluster(url, sources["send_urls"])[1] for url in found["send_urls"]),
        rpc_rate_per_s=found["rpc_rate_per_s"],
        ws_url=found["ws_url"],
        redis_url=found["redis_url"],
        cache_slots=found["cache_slots"],
        keypair=str(found["keypair"]),
        keypairs=found["keypairs"],
        commitment=found["commitment"],
        data_dir=data_dir,
        state_dir=files.state_dir(os.environ if environment is None else environment),
        database_url=found["database_url"] or f"sqlite+aiosqlite:///{data_dir / 'journal.sqlite3'}",
        slippage_bps=found["slippage_bps"],
        max_impact_bps=found["max_impact_bps"],
        max_deviation_bps=found["max_deviation_bps"],
        max_slot_age=found["max_slot_age"],
        max_pools=found["max_pools"],
        oracle_max_age_s=found["oracle_max_age_s"],
        oracle_max_confidence_bps=found["oracle_max_confidence_bps"],
        priority_fee_cap_lamports=found["priority_fee_cap_lamports"],
        **{name: found[name] for name in PARSERS if name.startswith("policy_")},
        rpc_timeout_ms=found["rpc_timeout_ms"],
        confirm_timeout_ms=found["confirm_timeout_ms"],
        http_discovery=found["http_discovery"],
        pool_program_id=found["pool_program_id"],
        amm_v4_swap_form=found["amm_v4_swap_form"],
        amm_v4_order_book=found["amm_v4_order_book"],
        lookup_tables=found["lookup_tables"],
        sources=MappingProxyType(sources),
    )


def _cluster(url_or_moniker: str, source: str) -> tuple[str, str]:
    try:
        return resolve_cluster(url_or_moniker)
    except ConfigError as error:
        raise ConfigError(f"{error.message} (from {source})", **error.context) from None


class _Lookup:
    """Finds a setting in the layers, from the nearest to the caller to the farthest, reading files as late as possible."""

    def __init__(self, flags: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._flags = flags
        self._environment = environment
        self._own: dict[str, Any] | None = None
        self._solana: dict[str, str] | None = None
        self.sources: dict[str, str] = {}

    def find(self, name: str) -> Any:
        raw, source, where = self._raw(name)
        self.sources[name] = source
        return PARSERS[name](raw, where) if where else raw

    def _raw(self, name: str) -> tuple[Any, str, str]:
        if name in self._flags:
            return self._flags[name], "flag", f"--{name.replace('_', '-')}"
        variable = f"DEXROUTE_{name.upper()}"
        if self._environment.get(variable):
            return self._environment[variable], f"environment {variable}", variable
        own_path = files.own_config_path(self._environment)
        if name in self._own_config(own_path):
            return self._own_config(own_path)[name], f"file {own_path}", f"{own_path}: {name}"
        if solana_key := SOLANA_KEYS.get(name):
            path = files.solana_config_path(self._environment)
            if solana_key in self._solana_config(path):
                return self._solana_config(path)[solana_key], f"file {path}", f"{path}: {solana_key}"
        return self._default(name), "default", ""

    def _own_config(self, path: Path) -> dict[str, Any]:
        if self._own is None:
            named = bool(self._environment.get("DEXROUTE_CONFIG"))
            self._own = files.read_own_config(path, frozenset(PARSERS), must_exist=named)
        return self._own

    def _solana_config(self, path: Path) -> dict[str, str]:
        if self._solana is None:
            self._solana = files.read_solana_config(path)
        return self._solana

    def _default(self, name: str) -> Any:
        if name == "keypair":
            return files.home(self._environment) / ".config" / "solana" / "id.json"
        if name == "data_dir":
            return files.default_data_dir(self._environment)
        return DEFAULTS.get(name)
