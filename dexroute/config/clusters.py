"""Cluster names and URLs, as the solana CLI understands them, and what of a URL may be shown."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from dexroute.errors import ConfigError

EMBEDDED: Final = "embedded"
CUSTOM: Final = "custom"
MONIKERS: Final = {
    "mainnet-beta": "https://api.mainnet-beta.solana.com",
    "devnet": "https://api.devnet.solana.com",
    "testnet": "https://api.testnet.solana.com",
    "localhost": "http://127.0.0.1:8899",
}
_SHORT: Final = {"m": "mainnet-beta", "d": "devnet", "t": "testnet", "l": "localhost", "mainnet": "mainnet-beta"}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  recognised, never bound


def resolve_cluster(url_or_moniker: str) -> tuple[str, str]:
    """(cluster name, URL) of a moniker or URL. The name of an unknown URL is "custom", of the embedded cluster both are "embedded".

    Raises ConfigError.
    """
    text = url_or_moniker.strip()
    name = _SHORT.get(text, text)
    if name == EMBEDDED:
        return EMBEDDED, EMBEDDED
    if name in MONIKERS:
        return name, MONIKERS[name]
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        known = ", ".join([*MONIKERS, EMBEDDED])
        raise ConfigError(f"cluster {redact_url(text)!r} is neither an http(s) URL nor one of: {known}")
    if is_loopback(text):
        return "localhost", text
    for moniker, url in MONIKERS.items():
        if parts.hostname == urlsplit(url).hostname:
            return moniker, text
    return CUSTOM, text


def websocket_url(rpc_url: str) -> str:
    """Where the node at `rpc_url` (http or https) has its WebSocket by the solana CLI's convention: the same place, on the next
    port where a port is named. https://github.com/anza-xyz/agave, cli-config/src/config.rs: compute_websocket_url.

    Raises ConfigError when the next port is none."""
    parts = urlsplit(rpc_url)
    scheme, usual = ("wss", 443) if parts.scheme == "https" else ("ws", 80)
    place = parts.netloc
    if parts.port is not None and parts.port != usual:
        if parts.port == 65_535:
            raise ConfigError(f"{redact_url(rpc_url)} leaves no next port for its WebSocket; name one with DEXROUTE_WS_URL")
        place = f"{place.rsplit(':', 1)[0]}:{parts.port + 1}"
    return parts._replace(scheme=scheme, netloc=place).geturl()


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine by its loopback address or as localhost."""
    parts = _split(url)
    return parts is not None and parts.hostname in _LOOPBACK


def redact_url(url: str) -> str:
    """The URL without whatever may be a credential: user and password, path, query and fragment. Providers put their tokens in
    each of these (QuickNode in the path, Helius in the query). Text that is no URL with a host is returned up to the first
    of `@/?`, since it may be one mistyped."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        if not any(mark in url for mark in "@/?"):
            return url
        return url.split("/", 1)[0].split("?", 1)[0].rsplit("@", 1)[-1] + "…"
    if "@" in parts.path and parts.username is None:  # a password with a slash in it: what looks like host and port is half of it
        return f"{parts.scheme}://…"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    user = "***@" if parts.username or parts.password else ""
    rest = "/…" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{user}{host}{port}{rest}"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises on a port that is no number
    except ValueError:
        return None
    return parts
