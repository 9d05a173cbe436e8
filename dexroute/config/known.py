"""Every setting there is: how its value is read, and what it is when nobody says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from dexroute.config import values

Parser = Callable[[Any, str], Any]

# Name -> how its value is read. The name is the key in the TOML file and in `load_settings`; in the environment it is
# DEXROUTE_<NAME>; the flag is --<name>, where a command has one.
PARSERS: Final[Mapping[str, Parser]] = {
    "url": values.as_text,
    "witness_url": values.as_text,
    "rpc_urls": values.as_list,
    "send_urls": values.as_list,
    "jito_url": values.as_text,
    "jito_tip_lamports": partial(values.as_int, least=1_000, most=10_000_000_000),
    "jito_dont_front": values.as_bool,
    "rpc_rate_per_s": partial(values.as_int, least=0, most=100_000),
    "ws_url": values.as_websocket_url,
    "redis_url": values.as_redis_url,
    "cache_slots": partial(values.as_int, least=1, most=1_000),
    "keypair": values.as_signer,
    "keypairs": values.as_signers,
    "commitment": values.as_commitment,
    "data_dir": values.as_path,
    "database_url": values.as_database_url,
    "slippage_bps": partial(values.as_int, least=0, most=9_999),
    "max_impact_bps": partial(values.as_int, least=0, most=10_000),
    "max_deviation_bps": partial(values.as_int, least=0, most=10_000),
    "max_slot_age": partial(values.as_int, least=0, most=1_000_000),
    "max_pools": partial(values.as_int, least=1, most=10_000),
    "oracle_max_age_s": partial(values.as_int, least=0, most=86_400),
    "oracle_max_confidence_bps": partial(values.as_int, least=0, most=10_000),
    "priority_fee_cap_lamports": partial(values.as_int, least=0, most=10_000_000_000),
    "policy_max_tip_lamports": partial(values.as_int, least=0, most=10_000_000_000),
    "policy_max_fee_lamports": partial(values.as_int, least=0, most=10_000_000_000),
    "policy_mints": values.as_pubkeys,
    "policy_programs": values.as_pubkeys,
    "policy_order_limits": values.as_limits,
    "policy_day_limits": values.as_limits,
    "policy_day_lamports": partial(values.as_int, least=0, most=2**64 - 1),
    "rpc_timeout_ms": partial(values.as_int, least=100, most=600_000),
    "confirm_timeout_ms": partial(values.as_int, least=1_000, most=3_600_000),
    "http_discovery": values.as_bool,
    "pool_program_id": values.as_pubkey,
    "amm_v4_swap_form": partial(values.as_word, words=("every-build", "v2")),
    "amm_v4_order_book": partial(values.as_word, words=("unknown", "counted", "ignored")),
    "lookup_tables": values.as_pubkeys,
}
SOLANA_KEYS: Final = {"url": "json_rpc_url", "keypair": "keypair_path", "commitment": "commitment"}
DEFAULTS: Final[Mapping[str, Any]] = {
    "url": "mainnet-beta",
    "witness_url": None,
    "rpc_urls": (),
    "send_urls": (),
    "jito_url": None,
    "jito_tip_lamports": 10_000,
    "jito_dont_front": False,
    "rpc_rate_per_s": 0,
    "ws_url": None,
    "redis_url": None,
    "cache_slots": 8,
    "keypairs": (),
    "commitment": "confirmed",
    "slippage_bps": 50,
    "max_impact_bps": 10_000,  # of this and the next, the largest refuses nothing
    "max_deviation_bps": 10_000,
    "max_slot_age": None,
    "max_pools": 48,  # about 100 accounts: what one getMultipleAccounts call carries
    "oracle_max_age_s": 60,
    "oracle_max_confidence_bps": 100,
    "priority_fee_cap_lamports": 1_000_000,
    "policy_max_tip_lamports": 1_000_000,
    "policy_max_fee_lamports": 50_000_000,
    "policy_mints": (),
    "policy_programs": (),
    "policy_order_limits": MappingProxyType({}),
    "policy_day_limits": MappingProxyType({}),
    "policy_day_lamports": None,
    "rpc_timeout_ms": 10_000,
    "confirm_timeout_ms": 120_000,
    "http_discovery": True,
    "pool_program_id": None,
    "amm_v4_swap_form": "every-build",
    "amm_v4_order_book": "unknown",
    "lookup_tables": (),
}
