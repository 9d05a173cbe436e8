"""Monikers, URLs, and what of a URL may be shown."""

from __future__ import annotations

import pytest

from dexroute.config import MONIKERS, redact_url, resolve_cluster, websocket_url
from dexroute.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "name", "url"),
    [
        ("m", "mainnet-beta", MONIKERS["mainnet-beta"]),
        ("mainnet-beta", "mainnet-beta", MONIKERS["mainnet-beta"]),
        ("d", "devnet", MONIKERS["devnet"]),
        ("testnet", "testnet", MONIKERS["testnet"]),
        ("l", "localhost", "http://127.0.0.1:8899"),
        ("embedded", "embedded", "embedded"),
        ("http://localhost:9000", "localhost", "http://localhost:9000"),
        ("http://[::1]:9000", "localhost", "http://[::1]:9000"),
        ("https://api.mainnet-beta.solana.com/", "mainnet-beta", "https://api.mainnet-beta.solana.com/"),
        ("https://mainnet.helius-rpc.com/?api-key=1", "custom", "https://mainnet.helius-rpc.com/?api-key=1"),
    ],
)
def test_clusters(given: str, name: str, url: str) -> None:
    assert resolve_cluster(given) == (name, url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.devnet.solana.com", "https://api.devnet.solana.com"),
        ("https://api.devnet.solana.com/", "https://api.devnet.solana.com"),
        ("https://x.quiknode.pro/0123456789abcdef/", "https://x.quiknode.pro/…"),
        ("https://mainnet.helius-rpc.com/?api-key=k", "https://mainnet.helius-rpc.com/…"),
        ("https://user:pass@rpc.example:8899", "https://***@rpc.example:8899"),
        ("https://user:1234/word@rpc.example/v1", "https://…"),
        ("https://user:pa/ss@rpc.example/v1", "https:…"),
        ("http://[::1]:8899/#frag", "http://[::1]:8899/…"),
        ("embedded", "embedded"),
        ("user:pass@host/path?x=y", "host…"),
        ("http://host:port/secret", "http:…"),
    ],
)
def test_redaction(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    ("rpc_url", "expected"),
    [
        ("http://127.0.0.1:8899", "ws://127.0.0.1:8900"),
        ("http://[::1]:8899/", "ws://[::1]:8900/"),
        ("https://api.mainnet-beta.solana.com", "wss://api.mainnet-beta.solana.com"),
        ("https://node.example:443/v2/token?api-key=x", "wss://node.example:443/v2/token?api-key=x"),
        ("https://me:pass@node.example:8443/", "wss://me:pass@node.example:8444/"),
    ],
)
def test_the_websocket_is_on_the_next_port_where_one_is_named(rpc_url: str, expected: str) -> None:
    assert websocket_url(rpc_url) == expected
    with pytest.raises(ConfigError, match="DEXROUTE_WS_URL") as refused:
        websocket_url("http://node.example:65535/secret-token")
    assert "secret" not in refused.value.message
