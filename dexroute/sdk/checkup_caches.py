"""`dex doctor` on what keeps accounts between quotes. Quotes do without either, so trouble is a warning."""

from __future__ import annotations

from dexroute.config import Settings, redact_url, websocket_url
from dexroute.errors import DexError
from dexroute.host.clock import HostClock
from dexroute.sdk.connection import Connection
from dexroute.sdk.finding import Finding
from dexroute.types.chain import Commitment


async def websocket_finding(settings: Settings) -> list[Finding]:
    """None for the embedded cluster, which has no WebSocket."""
    if settings.is_embedded and settings.ws_url is None:
        return []
    from dexroute.chain.stream.probe import first_slot_told

    try:
        url = settings.ws_url or websocket_url(settings.rpc_url)
        slot = await first_slot_told(url, Commitment(settings.commitment))
    except DexError as error:
        return [Finding(check="websocket", status="warning", detail=f"{error.message} (quotes read instead)", code=error.code)]
    return [Finding(check="websocket", status="ok", detail=f"{redact_url(url)} tells slots, {slot} now")]


async def redis_finding(settings: Settings, connection: Connection) -> list[Finding]:
    """None where no Redis is set."""
    if settings.redis_url is None:
        return []
    from dexroute.chain.cache.redis import open_redis

    place = (connection.genesis_hash, Commitment(settings.commitment))
    try:
        async with open_redis(settings.redis_url, HostClock(), genesis_hash=place[0], commitment=place[1]) as shared:
            version = await shared.version()
    except DexError as error:
        return [Finding(check="redis", status="warning", detail=error.message, code=error.code)]
    return [Finding(check="redis", status="ok", detail=f"{shared.endpoint}, version {version}, shares accounts between processes")]
