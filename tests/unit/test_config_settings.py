"""Where each setting comes from, and what wrong ones get."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dexroute.config import load_settings
from dexroute.config.known import PARSERS
from dexroute.errors import ConfigError

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A user with an empty home."""
    return {"HOME": str(tmp_path)}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def own_config(environment: dict[str, str], text: str) -> Path:
    return write(Path(environment["HOME"], ".config/dexroute/config.toml"), text)


def solana_config(environment: dict[str, str], text: str) -> Path:
    return write(Path(environment["HOME"], ".config/solana/cli/config.yml"), text)


def test_defaults_of_a_bare_machine(environment: dict[str, str], tmp_path: Path) -> None:
    settings = load_settings(environment=environment)
    assert settings.cluster == "mainnet-beta"
    assert settings.is_mainnet
    assert settings.rpc_url == "https://api.mainnet-beta.solana.com"
    assert settings.keypair_path == tmp_path / ".config/solana/id.json"
    assert settings.commitment == "confirmed"
    assert settings.database_url == f"sqlite+aiosqlite:///{settings.data_dir}/journal.sqlite3"
    assert settings.pool_program_id is None
    assert {origin.source for origin in settings.describe()} == {"default"}
    assert [origin.name for origin in settings.describe()] == list(PARSERS)
    assert not list(tmp_path.iterdir()), "reading settings creates nothing"


def test_each_layer_is_over_the_next(environment: dict[str, str]) -> None:
    solana = solana_config(environment, 'json_rpc_url: "https://solana.example"\nkeypair_path: /s/id.json\ncommitment: finalized\n')
    own = own_config(environment, 'keypair = "/own/id.json"\ncommitment = "processed"\nslippage_bps = 10\n')
    environment |= {"DEXROUTE_COMMITMENT": "confirmed", "DEXROUTE_SLIPPAGE_BPS": "20"}
    settings = load_settings({"slippage_bps": 30, "witness_url": None}, environment=environment)
    assert settings.rpc_url == "https://solana.example"
    assert settings.keypair_path == Path("/own/id.json")
    assert settings.commitment == "confirmed"
    assert settings.slippage_bps == 30
    sources = {origin.name: origin.source for origin in settings.describe()}
    assert sources["url"] == f"file {solana}"
    assert sources["keypair"] == f"file {own}"
    assert sources["commitment"] == "environment DEXROUTE_COMMITMENT"
    assert sources["slippage_bps"] == "flag"
    assert sources["data_dir"] == "default"


def test_every_setting_can_be_an_environment_variable(environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {
        "DEXROUTE_URL": "d",
        "DEXROUTE_WITNESS_URL": "https://second.example",
        "DEXROUTE_RPC_URLS": "https://third.example, d https://second.example",
        "DEXROUTE_SEND_URLS": "https://sender.example",
        "DEXROUTE_RPC_RATE_PER_S": "40",
        "DEXROUTE_JITO_URL": "https://engine.example",
        "DEXROUTE_JITO_TIP_LAMPORTS": "2000",
        "DEXROUTE_JITO_DONT_FRONT": "yes",
        "DEXROUTE_POLICY_MAX_TIP_LAMPORTS": "3000",
        "DEXROUTE_WS_URL": "wss://third.example",
        "DEXROUTE_REDIS_URL": "redis://fourth.example",
        "DEXROUTE_CACHE_SLOTS": "10",
        "DEXROUTE_KEYPAIR": "~/k.json",
        "DEXROUTE_KEYPAIRS": "~/k2.json, keychain:third remote:https://u:p@fourth.example/?key=secret",
        "DEXROUTE_COMMITMENT": "finalized",
        "DEXROUTE_DATA_DIR": str(tmp_path / "d"),
        "DEXROUTE_DATABASE_URL": "postgresql://u:p@db/journal",
        "DEXROUTE_SLIPPAGE_BPS": "1",
        "DEXROUTE_MAX_IMPACT_BPS": "5",
        "DEXROUTE_MAX_DEVIATION_BPS": "6",
        "DEXROUTE_MAX_SLOT_AGE": "7",
        "DEXROUTE_MAX_POOLS": "500",
        "DEXROUTE_ORACLE_MAX_AGE_S": "8",
        "DEXROUTE_ORACLE_MAX_CONFIDENCE_BPS": "9",
        "DEXROUTE_PRIORITY_FEE_CAP_LAMPORTS": "2",
        "DEXROUTE_POLICY_MAX_FEE_LAMPORTS": "9",
        "DEXROUTE_POLICY_MINTS": f"{SOL} {USDC}",
        "DEXROUTE_POLICY_PROGRAMS": USDC,
        "DEXROUTE_POLICY_ORDER_LIMITS": f"{SOL}=5000000000,{USDC}=1",
        "DEXROUTE_POLICY_DAY_LIMITS": f"{SOL}=6000000000",
        "DEXROUTE_POLICY_DAY_LAMPORTS": "7",
        "DEXROUTE_RPC_TIMEOUT_MS": "300",
        "DEXROUTE_CONFIRM_TIMEOUT_MS": "4000",
        "DEXROUTE_HTTP_DISCOVERY": "no",
        "DEXROUTE_POOL_PROGRAM_ID": "So11111111111111111111111111111111111111112",
        "DEXROUTE_AMM_V4_SWAP_FORM": "v2",
        "DEXROUTE_AMM_V4_ORDER_BOOK": "counted",
        "DEXROUTE_LOOKUP_TABLES": "So11111111111111111111111111111111111111112, 11111111111111111111111111111111",
    }
    assert {f"DEXROUTE_{name.upper()}" for name in PARSERS} == set(environment) - {"HOME"}
    settings = load_settings(environment=environment)
    assert all(origin.source.startswith("environment ") for origin in settings.describe())
    assert (settings.cluster, settings.witness_url) == ("devnet", "https://second.example")
    assert settings.node_urls == ("https://api.devnet.solana.com", "https://third.example", "https://second.example")
    assert (settings.send_urls, settings.rpc_rate_per_s) == (("https://sender.example",), 40)
    assert (settings.priority_fee_cap_lamports, settings.rpc_timeout_ms, settings.confirm_timeout_ms) == (2, 300, 4000)
    assert (settings.max_impact_bps, settings.max_deviation_bps, settings.max_slot_age, settings.max_pools) == (5, 6, 7, 500)
    assert (settings.oracle_max_age_s, settings.oracle_max_confidence_bps) == (8, 9)
    assert [str(mint) for mint in settings.policy_mints] == [SOL, USDC] and [str(p) for p in settings.policy_programs] == [USDC]
    assert {str(mint): limit for mint, limit in settings.policy_order_limits.items()} == {SOL: 5_000_000_000, USDC: 1}
    assert {str(mint): limit for mint, limit in settings.policy_day_limits.items()} == {SOL: 6_000_000_000}
    assert (settings.policy_max_fee_lamports, settings.policy_day_lamports) == (9, 7)
    assert (settings.jito_url, settings.jito_tip_lamports, settings.jito_dont_front) == ("https://engine.example", 2_000, True)
    assert settings.policy_max_tip_lamports == 3_000
    assert settings.http_discovery is False
    assert (settings.amm_v4_swap_form, settings.amm_v4_order_book) == ("v2", "counted")
    assert str(settings.pool_program_id) == "So11111111111111111111111111111111111111112"
    assert list(map(str, settings.lookup_tables)) == ["So11111111111111111111111111111111111111112", "1" * 32]


def test_secrets_stay_out_of_repr_and_description(environment: dict[str, str]) -> None:
    settings = load_settings(
        {
            "url": "https://rpc.example/v1/pathtoken?api-key=querytoken",
            "witness_url": "https://user:password@two.example",
            "rpc_urls": ["https://three.example/pathtoken"],
            "send_urls": ["https://four.example/?key=querytoken"],
            "database_url": "postgresql://user:password@db.example:5432/journal",
        },
        environment=environment,
    )
    shown = repr(settings) + repr(settings.describe())
    for secret in ("pathtoken", "querytoken", "password", "user:"):
        assert secret not in shown
    for host in ("rpc.example", "two.example", "three.example", "four.example", "db.example:5432"):
        assert host in shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slippage = 5", "unknown key 'slippage' .did you mean 'slippage_bps'"),
        ("[rpc]\nurl = 'x'", "unknown key 'rpc'"),
        ("slippage_bps = ", "not valid TOML"),
        ("slippage_bps = 10001", "out of range"),
        ("slippage_bps = -1", "out of range"),
        ("slippage_bps = 1.5", "expected an integer"),
        ("slippage_bps = true", "expected an integer"),
        ("slippage_bps = '１'", "expected an integer"),
        ("http_discovery = 'maybe'", "expected true or false"),
        ("amm_v4_swap_form = 'v3'", "'v3' is not one of: every-build, v2"),
        ("amm_v4_order_book = 'yes'", "'yes' is not one of: unknown, counted, ignored"),
        ("commitment = 'recent'", "processed, confirmed, finalized"),
        ("pool_program_id = 'abc'", "not a base58 address"),
        ("lookup_tables = ['11111111111111111111111111111111', 'abc']", "'abc' is not a base58 address"),
        ("database_url = 'mysql://u:secret@h/x'", "no database URL"),
        ("url = 5", "expected text, not int"),
        ("url = ''", "expected text, not nothing"),
        ("url = 'mainnet-betta'", "neither an http"),
        ("url = 'ftp://x'", "neither an http"),
        ("url = 'http://host:port'", "neither an http"),
        ("witness_url = 'wss://x'", "neither an http"),
        ("rpc_urls = ['http://a', 'ftp://x']", "neither an http"),
        ("rpc_urls = 5", "expected a list"),
        ("policy_order_limits = 5", "expected a table"),
        ("policy_order_limits = {abc = 5}", "not a base58 address"),
        ("[policy_order_limits]\nSo11111111111111111111111111111111111111112 = -1", "out of range"),
        ("send_urls = [5]", "expected text"),
    ],
)
def test_wrong_values_in_our_file_name_it(environment: dict[str, str], text: str, words: str) -> None:
    path = own_config(environment, text)
    with pytest.raises(ConfigError, match=words) as caught:
        load_settings(environment=environment)
    assert str(path) in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_config_file_named_but_missing_is_an_error(environment: dict[str, str]) -> None:
    environment["DEXROUTE_CONFIG"] = "/nowhere/dexroute.toml"
    with pytest.raises(ConfigError, match=r"/nowhere/dexroute\.toml"):
        load_settings(environment=environment)


def test_files_that_are_no_text(environment: dict[str, str]) -> None:
    path = Path(environment["HOME"], ".config/dexroute/config.toml")
    path.mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(environment=environment)
    path.rmdir()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(environment=environment)


@pytest.mark.parametrize("text", ["a: [", "- 1", "just text", "a: *b", "[" * 5_000])
def test_a_damaged_solana_config_is_named_and_only_matters_when_needed(environment: dict[str, str], text: str) -> None:
    path = solana_config(environment, text)
    with pytest.raises(ConfigError, match="solana CLI") as caught:
        load_settings(environment=environment)
    assert str(path) in str(caught.value)
    given = {"url": "embedded", "keypair": "k.json", "commitment": "processed"}
    assert load_settings(given, environment=environment).is_embedded


def test_odd_but_valid_solana_configs(environment: dict[str, str]) -> None:
    for text in ("", "---\n", "json_rpc_url: ''\nkeypair_path: 5\naddress_labels:\n  a: b\n"):
        solana_config(environment, text)
        assert load_settings(environment=environment).cluster == "mainnet-beta"


def test_unknown_overrides_are_a_mistake(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="unknown setting 'rpc'"):
        load_settings({"rpc": "x"}, environment=environment)


def test_reading_settings_loads_nothing_slow() -> None:
    code = (
        "import sys; from dexroute.config import load_settings; import dexroute.types.amounts; "
        "load_settings({'url': 'embedded', 'keypair': 'k', 'commitment': 'confirmed'}, environment={'HOME': '/nowhere'}); "
        "slow = {'httpx', 'solana', 'anchorpy', 'sqlmodel', 'yaml', 'asyncio', 'typer', 'rich'} & set(sys.modules); "
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("ws_url", "wss://node.example/secret-token", "https://node.example/secret-token"),
        ("redis_url", "redis://:secret-word@127.0.0.1:6379/0", "http://:secret-word@127.0.0.1:6379"),
        ("redis_url", "unix:///run/redis.sock?password=secret-word", "secret-word@"),
        ("cache_slots", "12", "0"),
    ],
)
def test_where_accounts_are_kept_current(environment: dict[str, str], name: str, good: str, bad: str) -> None:
    settings = load_settings({name: good}, environment=environment)
    assert str(getattr(settings, name)) == good
    shown = {origin.name: str(origin.value) for origin in settings.describe()}[name]
    assert "secret" not in shown + repr(settings)
    with pytest.raises(ConfigError, match=f"--{name.replace('_', '-')}") as refused:
        load_settings({name: bad}, environment=environment)
    assert "secret" not in refused.value.message
