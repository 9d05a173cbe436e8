"""How each endpoint is, for `dex doctor`: what it answers, how far behind it is, and what it asks of those who ask."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from dexroute.chain.jito import JitoRoute
from dexroute.chain.rpc import RpcClient, is_unsupported
from dexroute.chain.rpc.endpoint import JsonRpcEndpoint
from dexroute.chain.rpc.group import MOST_LAG_SLOTS
from dexroute.config import Settings
from dexroute.errors import DexError, NetworkError, RpcError, RpcUnreachable
from dexroute.ports import TransactionRoute
from dexroute.sdk.connection import Connection
from dexroute.sdk.finding import Finding, failed
from dexroute.types.chain import Commitment


async def endpoint_findings(settings: Settings, connection: Connection) -> list[Finding]:
    """One finding for each node, the preferred one first, and one for each route that only takes transactions."""
    pairs = list(zip(connection.senders, connection.endpoints, strict=False))  # the routes' come last
    nodes = await asyncio.gather(*(_node(sender, endpoint) for sender, endpoint in pairs))
    newest = max((node.facts["slot"] for node in nodes if "slot" in node.facts), default=0)
    findings = [_placed(settings, connection, node, newest, alone=len(nodes) == 1) for node in nodes]
    if not all(finding.status == "failed" for finding in findings):  # one that answers is enough to work with
        findings = [replace(finding, status="warning") if finding.status == "failed" else finding for finding in findings]
    return [*findings, *await asyncio.gather(*map(_route, connection.routes))]


async def _node(sender: RpcClient, endpoint: JsonRpcEndpoint) -> Finding:
    """The finding as far as this node alone decides it."""
    try:
        lifetime = await sender.latest_blockhash()
        height, height_slot = await sender.block_height(Commitment.FINALIZED)
        try:
            version = await sender.version()
        except RpcError as error:
            if not is_unsupported(error):
                raise
            version = "unknown"
    except DexError as error:
        return replace(failed("rpc", error), facts={"endpoint": sender.endpoint, **_condition(endpoint)})
    facts = {
        "endpoint": sender.endpoint,
        "version": version,
        "slot": lifetime.slot,
        "finalized_slot": height_slot,
        "block_height": height,
        "latency_ms": sender.latency_ms,
        **_condition(endpoint),
    }
    return Finding(check="rpc", status="ok", detail="", facts=facts)


def _condition(endpoint: JsonRpcEndpoint) -> dict[str, int]:
    health = endpoint.health
    return {
        "failure_percent": health.failure_percent,
        "rate_limited": health.limited,
        "cooling_ms": health.cooling_ms,
        "requests_per_s": endpoint.bucket.rate,
        "bucket_wait_ms": round(endpoint.bucket.wait_ms()),
    }


def _placed(settings: Settings, connection: Connection, found: Finding, newest: int, *, alone: bool) -> Finding:
    """The finding beside those of the other nodes, in words."""
    facts = dict(found.facts)
    trouble = []
    if facts["rate_limited"]:
        trouble.append(f"refused {facts['rate_limited']} of these requests as too many (429)")
    if facts["cooling_ms"]:
        trouble.append(f"asks to be left alone for another {facts['cooling_ms'] / 1000:.1f} s")
    if facts["bucket_wait_ms"]:
        trouble.append(f"the next request waits {facts['bucket_wait_ms']} ms for its turn")
    if found.status == "failed":
        return replace(found, detail="; ".join([found.detail, *trouble]))
    behind = facts["behind_slots"] = newest - facts["slot"]
    parts = [facts["endpoint"], f"version {facts['version']}"]
    if facts["latency_ms"] is not None:
        parts.append(f"{facts['latency_ms']} ms")
    parts.append(f"slot {facts['slot']}" + ("" if alone else f" ({behind} behind the newest)"))
    parts.append(f"finalized slot {facts['finalized_slot']} at block height {facts['block_height']}")
    if settings.rpc_rate_per_s:
        parts.append(f"at most {settings.rpc_rate_per_s} requests/s")
    status = "warning" if behind > MOST_LAG_SLOTS or trouble else found.status
    return replace(found, status=status, detail=", ".join([*parts, *trouble, f"genesis {connection.genesis_hash}"]), facts=facts)


async def _route(route: TransactionRoute) -> Finding:
    """Whether anything is there. It is asked for its health, which not every route tells: any answer will do."""
    assert isinstance(route, RpcClient | JitoRoute)
    try:
        await route.call("getHealth")
    except RpcUnreachable as error:
        return replace(failed("send", error), status="warning", facts={"endpoint": route.endpoint})
    except NetworkError:
        pass
    detail = f"{route.endpoint}, takes transactions and is asked nothing"
    return Finding(check="send", status="ok", detail=detail, facts={"endpoint": route.endpoint})
