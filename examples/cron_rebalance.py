"""Rebalancing fit for cron: keep a share of the wallet in USDC, the rest in SOL.

The idempotency key is the day, so a run that is started twice, or killed and started again, trades once. Exit codes are those
of `dex`: cron may retry on 5.

    0 6 * * *  python cron_rebalance.py --share 50

    python examples/cron_rebalance.py --dry-run
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime

from _playground import playground

from dexroute import Dex, DexError, OrderState, Quote

FEE_RESERVE_LAMPORTS = 50_000_000
"""Never traded away: what fees and rent of the next transactions take."""


async def wanted_trade(dex: Dex, share_percent: int, tolerance_percent: int) -> Quote | None:
    """The swap that brings USDC to `share_percent` of the wallet's value, or None when it is within the tolerance."""
    sol, usdc = await dex.token("SOL"), await dex.token("USDC")
    held = await dex.balances()
    lamports = max(0, held.lamports - FEE_RESERVE_LAMPORTS)
    probe = await dex.quote("SOL", "USDC", "0.1", swappable=True)
    # Value in base units of USDC, all in integers: price is probe.amount_out / probe.amount_in.
    sol_value = lamports * probe.amount_out // probe.amount_in
    total = sol_value + held.amount_of(usdc.mint)
    missing = total * share_percent // 100 - held.amount_of(usdc.mint)
    if abs(missing) * 100 <= total * tolerance_percent:
        return None
    if missing > 0:
        return await dex.quote(
            sol.mint, usdc.mint, missing * probe.amount_in // probe.amount_out, swappable=True, max_impact_bps=500
        )
    return await dex.quote(usdc.mint, sol.mint, -missing, swappable=True, max_impact_bps=500)


async def rebalance(dex: Dex, *, share_percent: int, tolerance_percent: int, key: str, dry_run: bool) -> str:
    """One run. What it says goes to the log."""
    if not dry_run:
        # What an earlier run left open comes first: the wallet is only known when those orders are settled.
        for recovered in await dex.resume():
            if recovered.error is not None:
                raise recovered.error
        earlier = [receipt for receipt in await dex.list_orders(limit=100) if receipt.order.key.startswith(key)]
        for receipt in earlier:
            if receipt.order.state is not OrderState.FAILED:
                return f"{key}: done already, order {receipt.order.id} is {receipt.order.state}"
        # A failed order moved nothing and keeps its key for good, so a new try of the same day gets the next one.
        key = f"{key}-{len(earlier) + 1}" if earlier else key
    quote = await wanted_trade(dex, share_percent, tolerance_percent)
    if quote is None:
        return f"{key}: balanced, nothing to do"
    plan = f"{quote.amount_in} base units of {quote.input_token.symbol} for {quote.amount_out} of {quote.output_token.symbol}"
    if dry_run:
        prepared = await dex.preview(quote)
        return f"{key}: would swap {plan}; simulated to bring {prepared.simulated.amount_out}"
    receipt = await dex.swap(quote, key=key)
    return f"{key}: swapped {plan}; order {receipt.order.id} is {receipt.order.state}"


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=40, help="percent of the value to hold in USDC")
    parser.add_argument("--tolerance", type=int, default=2, help="percent of the value not worth a trade")
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args()
    key = f"rebalance-{datetime.now(tz=UTC).date().isoformat()}"
    try:
        async with playground() as dex:
            runs = 1 if given.dry_run else 2  # the second shows that the same day trades once
            for _ in range(runs):
                print(
                    await rebalance(
                        dex, share_percent=given.share, tolerance_percent=given.tolerance, key=key, dry_run=given.dry_run
                    )
                )
    except DexError as error:
        print(f"[{error.code}] {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
