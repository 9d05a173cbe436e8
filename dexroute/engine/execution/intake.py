"""Making an order from what a caller asks: its id, its idempotency key, and the hash that tells one request from another."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.planning.limits import check_slippage
from dexroute.errors import DatabaseError, DeadlinePassed, InvalidAmount, UsageError
from dexroute.math.rounding import U64_MAX
from dexroute.types.orders import Json, Order, Priority, Promise
from dexroute.types.requests import QuoteRequest

_LONGEST_KEY: Final = 200


def new_order(
    *,
    request: QuoteRequest,
    wallet: Pubkey,
    genesis_hash: str,
    slippage_bps: int,
    now_ms: int,
    key: str | None = None,
    limit_amount: int | None = None,
    options: Json | None = None,
    deadline_ms: int | None = None,
    priority: Priority = Priority.NORMAL,
    promised: Sequence[Promise] = (),
) -> Order:
    """A PENDING order, not yet recorded. `limit_amount` is given when the caller accepted a quote.

    The body is everything the caller asked for (cluster, wallet, mints, amount, mode, slippage and `options`), so asking again
    under the same key finds the same order. `limit_amount` is not in it: it follows from the market of the moment. A limit the
    caller named himself belongs in `options` as well. `deadline_ms` (Unix time of this host) and `priority` say how hard to try,
    and `promised` what it may cost: they are not part of what is asked either. Raises InvalidAmount, UsageError, or DeadlinePassed
    when the deadline passed before the order was made, as while its quote was waited for.
    """
    if not 0 < request.amount <= U64_MAX:
        raise InvalidAmount(
            f"an order needs an amount from 1 to {U64_MAX} base units, not {request.amount}", amount=str(request.amount)
        )
    if limit_amount is not None and not 0 < limit_amount <= U64_MAX:
        raise InvalidAmount(
            f"the limit {limit_amount} protects nothing: it must be from 1 to {U64_MAX} base units; raise the amount",
            limit=str(limit_amount),
        )
    check_slippage(slippage_bps)
    if request.input_mint == request.output_mint:
        raise UsageError(f"input and output are the same token {request.input_mint}", mint=str(request.input_mint))
    if key is not None and not (0 < len(key) <= _LONGEST_KEY and key.isprintable()):
        raise UsageError(f"an idempotency key is 1 to {_LONGEST_KEY} printable characters", length=len(key))
    if deadline_ms is not None:
        _check_deadline(deadline_ms, now_ms)
    order_id = _new_id(now_ms)
    asked = dict(options or {})
    return Order(
        id=order_id,
        key=order_id if key is None else key,
        body_hash=body_hash(request, wallet=wallet, genesis_hash=genesis_hash, slippage_bps=slippage_bps, options=asked),
        genesis_hash=genesis_hash,
        wallet=wallet,
        request=request,
        slippage_bps=slippage_bps,
        created_ms=now_ms,
        updated_ms=now_ms,
        limit_amount=limit_amount,
        options=asked,
        deadline_ms=deadline_ms,
        priority=priority,
        promised=tuple(promised),
    )


def _check_deadline(deadline_ms: int, now_ms: int) -> None:
    if not 0 < deadline_ms < 1 << 63:
        raise UsageError(f"a deadline is a moment in Unix milliseconds, not {deadline_ms}", deadline_ms=deadline_ms)
    if deadline_ms <= now_ms:
        raise DeadlinePassed(
            f"the deadline passed {now_ms - deadline_ms} ms ago: nothing was placed. Allow more time",
            deadline_ms=deadline_ms,
            now_ms=now_ms,
        )


def body_hash(request: QuoteRequest, *, wallet: Pubkey, genesis_hash: str, slippage_bps: int, options: Json) -> str:
    """SHA-256 (hex) of all that was asked, in one spelling."""
    body = {
        "genesis_hash": genesis_hash,
        "wallet": str(wallet),
        "input_mint": str(request.input_mint),
        "output_mint": str(request.output_mint),
        "amount": str(request.amount),
        "mode": str(request.mode),
        "slippage_bps": slippage_bps,
        "options": dict(options),
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _new_id(now_ms: int) -> str:
    """A version 7 UUID (RFC 9562) as 32 hex digits: its first 48 bits are the time, so ids sort by age."""
    random = secrets.randbits(74)
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return f"{value:032x}"


def check_cluster(order: Order, genesis_hash: str) -> None:
    """Raises DatabaseError when the order was made for another cluster than the one at hand."""
    if order.genesis_hash != genesis_hash:
        raise DatabaseError(
            f"order {order.id} belongs to the cluster with genesis hash {order.genesis_hash}, this one has "
            f"{genesis_hash}: name its cluster with -u; nothing was sent",
            order=order.id,
            order_genesis_hash=order.genesis_hash,
            cluster_genesis_hash=genesis_hash,
        )
