"""A bot that swaps when the price crosses a level.

It asks for a quote every few seconds and buys USDC with SOL as soon as one SOL brings at least the level. The key names the
level, so however often the bot is restarted, this level is sold at most once.

    python examples/price_bot.py --level 149 --sol 2
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal

from _playground import playground

from dexroute import Dex, DexError, Quote, Receipt


def usdc_per_sol(quote: Quote) -> Decimal:
    """What one whole SOL brings at this quote. For the decision and the log only: amounts stay integers."""
    got = Decimal(quote.amount_out).scaleb(-quote.output_token.decimals)
    return got / Decimal(quote.amount_in).scaleb(-quote.input_token.decimals)


async def wait_and_sell(dex: Dex, sol: str, level: Decimal, *, polls: int, pause_s: float) -> Receipt | None:
    """Swap once when the price reaches `level`; None when it has not after `polls` quotes."""
    for _ in range(polls):
        try:
            quote = await dex.quote("SOL", "USDC", sol, swappable=True, slippage_bps=30, max_impact_bps=200)
        except DexError as error:
            if not error.retryable:
                raise
            print(f"no quote this time: {error}")
        else:
            price = usdc_per_sol(quote)
            print(f"slot {quote.clock.slot}: 1 SOL = {price:.6f} USDC (level {level})")
            if price >= level:
                return await dex.swap(quote, key=f"sell-{sol}-SOL-at-{level}")
        await asyncio.sleep(pause_s)
    return None


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", type=Decimal, default=Decimal("149"), help="USDC for one SOL")
    parser.add_argument("--sol", default="2", help="how much to sell")
    parser.add_argument("--polls", type=int, default=20)
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between quotes")
    given = parser.parse_args()
    async with playground() as dex:
        # Somebody else buys SOL, so that there is a price to cross.
        await dex.swap(await dex.quote("USDC", "SOL", "1500", slippage_bps=200))
        receipt = await wait_and_sell(dex, given.sol, given.level, polls=given.polls, pause_s=given.pause)
    if receipt is None:
        print("the price never got there; nothing was sold")
    elif receipt.order.executed:
        executed = receipt.order.executed
        print(f"{receipt.order.state}: sold {executed.amount_in} lamports for {executed.amount_out} base units of USDC")


if __name__ == "__main__":
    asyncio.run(main())
