"""The cluster a `Dex` works on: in process, on this machine, or far away, always through the same RPC client."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from solders.hash import Hash

from dexroute.chain.jito import JitoRoute
from dexroute.chain.rpc.client import RpcClient
from dexroute.chain.rpc.common_genesis import common_genesis
from dexroute.chain.rpc.endpoint import JsonRpcEndpoint
from dexroute.chain.rpc.group import Endpoint, EndpointGroup
from dexroute.chain.signature_hints import SignatureHints
from dexroute.config import Settings, websocket_url
from dexroute.errors import ConfigError
from dexroute.ports import LandingHints, TransactionRoute
from dexroute.types.chain import Commitment

if TYPE_CHECKING:
    import httpx

    from dexroute.localnet.cluster import EmbeddedCluster

EMBEDDED_DIRECTORY = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`client` reads from whichever of the cluster's nodes is best. `senders` are those nodes one by one: all are sent to, and an
    attempt is dead by their word. `routes` only take transactions. `hints` is the first node's WebSocket, which may say that one
    was confirmed. `genesis_hash` tells clusters apart in journal and token list; `embedded` is set when the cluster runs in this
    process. `endpoints` are what all of them ask through, those of the senders first, in their order."""

    client: RpcClient
    senders: tuple[RpcClient, ...]
    routes: tuple[TransactionRoute, ...]
    hints: LandingHints | None
    embedded: EmbeddedCluster | None
    genesis_hash: str
    endpoints: tuple[JsonRpcEndpoint, ...]

    @property
    def requests(self) -> dict[str, int]:
        """How often each JSON-RPC method was asked of any node since this was opened."""
        return dict(sorted(sum((endpoint.asked for endpoint in self.endpoints), Counter()).items()))


@asynccontextmanager
async def connect(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Connection]:
    """The cluster of `settings`, open while the block lasts. `transport` stands for the first node; there are no others then.

    One node that answers is enough to begin with; the others are used once they prove to be of the same cluster. Raises
    UsageError for one that is of another, NetworkError when none answers, and for the embedded cluster DataDirBusy.
    """
    async with AsyncExitStack() as stack:
        embedded: EmbeddedCluster | None = None
        if settings.is_embedded and transport is None:
            from dexroute.localnet.cluster import EmbeddedCluster

            embedded = await stack.enter_async_context(EmbeddedCluster.open(settings.data_dir / EMBEDDED_DIRECTORY))
            transport = embedded.transport
        urls = settings.node_urls if transport is None else settings.node_urls[:1]
        endpoints = [_endpoint(settings, url, transport) for url in urls]
        routes = [_endpoint(settings, url, None) for url in settings.send_urls if transport is None and url not in urls]
        engines = [JitoRoute(settings.jito_url, timeout_ms=settings.rpc_timeout_ms)] if settings.jito_url and not transport else []
        for engine in engines:
            stack.push_async_callback(engine.aclose)
        for endpoint in (*endpoints, *routes):
            stack.push_async_callback(endpoint.aclose)
        senders = tuple(_client(settings, endpoint) for endpoint in endpoints)
        hints = None if transport else _hints(settings)
        if hints is not None:
            stack.push_async_callback(hints.aclose)
        genesis_hash = await common_genesis(senders, endpoints)
        client = _client(settings, EndpointGroup(endpoints), genesis_hash) if len(endpoints) > 1 else senders[0]
        yield Connection(
            client=client,
            senders=senders,
            routes=(*(_client(settings, endpoint) for endpoint in routes), *engines),
            hints=hints,
            embedded=embedded,
            genesis_hash=str(genesis_hash),
            endpoints=(*endpoints, *routes),
        )


def _hints(settings: Settings) -> SignatureHints | None:
    try:
        return SignatureHints(settings.ws_url or websocket_url(settings.rpc_url))
    except ConfigError:  # no next port: what polls needs none
        return None


def _endpoint(settings: Settings, url: str, transport: httpx.AsyncBaseTransport | None) -> JsonRpcEndpoint:
    return JsonRpcEndpoint(
        url, transport=transport, timeout_ms=settings.rpc_timeout_ms, rate_per_s=0 if transport else settings.rpc_rate_per_s
    )


def _client(settings: Settings, endpoint: Endpoint, genesis_hash: Hash | None = None) -> RpcClient:
    return RpcClient(endpoint=endpoint, commitment=Commitment(settings.commitment), genesis_hash=genesis_hash)
