"""Monikers, URLs, and what of a URL may be shown."""

from __future__ import annotations

import pytest

from dexroute.config import MONIKERS, redact_url, resolve_cluster


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
        ("http://[::1]:8899/#frag", "http://[::1]:8899/…"),
        ("embedded", "embedded"),
        ("user:pass@host/path?x=y", "host…"),
        ("http://host:port/secret", "http:…"),
    ],
)
def test_redaction(url: str, shown: str) -> None:
    assert redact_url(url) == shown
