"""The checks behind `dex doctor`: each on its own, so that one trouble does not hide another."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

from dexroute.chain.signers import EncryptedSigner, KeypairSigner, open_signer
from dexroute.chain.signers.locating import KEYCHAIN
from dexroute.config import Settings
from dexroute.config.passphrase import environment_passphrase
from dexroute.engine.planning import swappable_venues
from dexroute.errors import DataDirBusy, DexError
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID, decode_clock
from dexroute.fetchers.raydium.amm_v4.venue import RaydiumAmmV4
from dexroute.ports import Signer
from dexroute.sdk.amm_v4_build import find_build
from dexroute.sdk.checkup_caches import redis_finding, websocket_finding
from dexroute.sdk.checkup_endpoints import endpoint_findings
from dexroute.sdk.connection import Connection, connect
from dexroute.sdk.finding import Finding, failed
from dexroute.sdk.venues import venues_for
from dexroute.types.counts import counted
from dexroute.types.orders import OPEN_STATES

_CLOCK_TOLERANCE_S = 30


async def run_checkup(settings: Settings) -> tuple[Finding, ...]:
    """Keypairs, cluster, clock, WebSocket, Redis (where one is set), programs, journal, in this order. Never raises DexError: what
    went wrong is a finding."""
    findings = [await asyncio.to_thread(_keypair, settings, named) for named in (settings.keypair, *settings.keypairs)]
    try:
        async with connect(settings) as connection:
            findings += await endpoint_findings(settings, connection)
            findings.append(await _clock(settings, connection))
            findings += await websocket_finding(settings)
            findings += await redis_finding(settings, connection)
            findings += await _programs(settings, connection)
    except DexError as error:
        findings.append(failed("rpc", error))
    findings.append(await _journal(settings))
    return tuple(findings)


def _keypair(settings: Settings, named: str) -> Finding:
    try:
        signer = open_signer(named, environment_passphrase, timeout_ms=settings.rpc_timeout_ms)
    except DexError as error:
        return failed("keypair", error)
    return Finding(check="keypair", status="ok", detail=_where_the_key_is(named, signer))


def _where_the_key_is(named: str, signer: Signer) -> str:
    if isinstance(signer, EncryptedSigner):
        return f"{signer.pubkey} in {named}, encrypted"
    if named.startswith(KEYCHAIN):
        return f"{signer.pubkey} in {named}"
    if isinstance(signer, KeypairSigner):
        return f"{signer.pubkey} in {named}, readable only by you"
    return repr(signer)


async def _clock(settings: Settings, connection: Connection) -> Finding:
    read = await connection.client.get_accounts([CLOCK_SYSVAR_ID])
    account = read.accounts[CLOCK_SYSVAR_ID]
    if account is None:
        return Finding(check="clock", status="warning", detail="the node does not show the clock sysvar; quotes need it")
    drift_s = int(time.time()) - decode_clock(account).unix_timestamp
    detail = f"this machine is {abs(drift_s)} s {'ahead of' if drift_s > 0 else 'behind'} the cluster" if drift_s else "in step"
    # Nothing is decided by the host's clock; but a node this far off is lagging, or the machine's time is wrong.
    status: Literal["ok", "warning"] = "warning" if abs(drift_s) > _CLOCK_TOLERANCE_S and not settings.is_embedded else "ok"
    return Finding(check="clock", status=status, detail=detail)


async def _programs(settings: Settings, connection: Connection) -> list[Finding]:
    venues = venues_for(settings)
    present = await swappable_venues(connection.client, venues)
    findings = [
        Finding(check=venue.id, status="ok", detail=f"program {venue.program_id} is there: quotes and swaps")
        if venue.id in present
        else Finding(check=venue.id, status="warning", detail=f"program {venue.program_id} is not on this cluster: quotes only")
        for venue in venues
    ]
    if RaydiumAmmV4.id in present:
        findings.append(await _amm_v4_build(settings, connection))
    return findings


async def _amm_v4_build(settings: Settings, connection: Connection) -> Finding:
    """What the accounts do not say: which build of AMM v4 this is, and whether the settings fit."""
    check = "raydium-amm-v4 build"
    try:
        payer = KeypairSigner.load(settings.keypair_path).pubkey
        build = await find_build(connection.client, payer)
    except DexError as error:
        return Finding(check=check, status="warning", detail=f"cannot be told: {error.message}", code=error.code)
    if wrong := build.contradiction(settings):
        return Finding(check=check, status="warning", detail=wrong)
    return Finding(check=check, status="ok", detail=build.description())


async def _journal(settings: Settings) -> Finding:
    from dexroute.storage.store import open_store

    try:
        async with open_store(settings.database_url) as store:
            still_open = len(await store.orders(states=OPEN_STATES))
            label = store.label
    except DataDirBusy as error:
        return Finding(check="journal", status="warning", detail=error.message, code=error.code)
    except DexError as error:
        return failed("journal", error)
    if still_open:
        return Finding(
            check="journal", status="warning", detail=f"{label}: {counted(still_open, 'open order')}; run `dex orders resume`"
        )
    return Finding(check="journal", status="ok", detail=f"{label}, no open orders")
