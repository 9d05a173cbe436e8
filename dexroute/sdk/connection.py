"""The cluster a `Dex` works on: in process, on this machine, or far away, always through the same RPC client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dexroute.chain.rpc.client import RpcClient
from dexroute.config import Settings
from dexroute.errors import UsageError
from dexroute.types.chain import Commitment

if TYPE_CHECKING:
    import httpx

    from dexroute.localnet.cluster import EmbeddedCluster

EMBEDDED_DIRECTORY = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`client` reads and sends; `witness` is a second node that must agree before an attempt counts as expired.
    `genesis_hash` tells clusters apart in journal and token list; `embedded` is set when the cluster runs in this process."""

    client: RpcClient
    witness: RpcClient | None
    embedded: EmbeddedCluster | None
    genesis_hash: str

    @property
    def senders(self) -> tuple[RpcClient, ...]:
        return (self.client, self.witness) if self.witness else (self.client,)


@asynccontextmanager
async def connect(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Connection]:
    """The cluster of `settings`, open while the block lasts. Raises NetworkError, and for the embedded one DataDirBusy."""
    async with AsyncExitStack() as stack:
        embedded: EmbeddedCluster | None = None
        if settings.is_embedded and transport is None:
            from dexroute.localnet.cluster import EmbeddedCluster

            embedded = await stack.enter_async_context(EmbeddedCluster.open(settings.data_dir / EMBEDDED_DIRECTORY))
            transport = embedded.transport
        client = await stack.enter_async_context(_client(settings, settings.rpc_url, transport))
        witness = None
        if settings.witness_url is not None and not settings.is_embedded:  # one process agrees with itself
            witness = await stack.enter_async_context(_client(settings, settings.witness_url, None))
        genesis_hash = str(await client.genesis_hash())
        if witness is not None and str(await witness.genesis_hash()) != genesis_hash:
            raise UsageError(
                f"{client.endpoint} and the witness {witness.endpoint} are different clusters; a witness follows the same chain",
                rpc=client.endpoint,
                witness=witness.endpoint,
            )
        yield Connection(client=client, witness=witness, embedded=embedded, genesis_hash=genesis_hash)


def _client(settings: Settings, url: str, transport: httpx.AsyncBaseTransport | None) -> RpcClient:
    return RpcClient(
        url,
        transport=transport,
        timeout_ms=settings.rpc_timeout_ms,
        commitment=Commitment(settings.commitment),
    )
