"""What every instruction of the pool program costs. `python -m tests.programs.compute_units` prints it, `--update` writes it.

The checked-in file is programs/pool/compute_units.json: by case `total`, and `own` without what the token programs consumed.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

from solders.keypair import Keypair

from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID
from dexroute.types.mints import TransferFee
from dexroute.types.requests import SwapMode
from tests.programs.market import Market
from tests.programs.world import Outcome, World

FILE = Path(__file__).parents[2] / "programs" / "pool" / "compute_units.json"
AIM = 12_000
PLAIN_SWAP = "swap_exact_in, SPL Token"

_CONSUMED = re.compile(r"Program (\w+) consumed (\d+) of \d+ compute units")


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    total: int
    own: int

    @classmethod
    def of(cls, outcome: Outcome) -> Units:
        """From the logs of one call. Raises AssertionError when the call failed."""
        assert outcome.ok, (outcome.error, outcome.logs)
        consumed = [(match[1], int(match[2])) for line in outcome.logs if (match := _CONSUMED.fullmatch(line))]
        (total,) = (units for program, units in consumed if program == str(DEFAULT_PROGRAM_ID))
        return cls(total=total, own=total - sum(units for program, units in consumed if program != str(DEFAULT_PROGRAM_ID)))


def measure() -> dict[str, Units]:
    """Every case. The mints are the same each time: what deriving an address costs depends on them."""
    return {case: Units.of(outcome) for fees in (False, True) for case, outcome in _actions(_market(fees=fees), fees=fees).items()}


def _market(*, fees: bool) -> Market:
    world = World()
    fee = TransferFee(epoch=0, bps=100, maximum=2**64 - 1) if fees else None
    first, second = (world.new_mint(fee=fee, key=Keypair.from_seed(bytes([number] * 32))) for number in (1, 2))
    return Market.open(world, first, second)


def _actions(market: Market, *, fees: bool) -> dict[str, Outcome]:
    tokens = "Token-2022 with transfer fees" if fees else "SPL Token"
    found: dict[str, Outcome] = {}
    other = Market(market.world, market.accounts, 0, market.mints, market.trader, market.admin)
    found[f"initialize_pool, {tokens}"] = _opened_again(other)
    found[f"add_liquidity, first, {tokens}"] = market.add((4 * 10**9, 9 * 10**9))
    market.world.advance(15)
    found[f"add_liquidity, observation due, {tokens}"] = market.add((10**9, 10**9))
    market.world.advance(1)
    found[f"add_liquidity, {tokens}"] = market.add((10**9, 10**9))
    market.world.advance(1)
    found[f"remove_liquidity, {tokens}"] = market.remove(10**8)
    for mode in SwapMode:
        name = f"swap_{mode.value.replace('-', '_').lower()}"
        for index_in, suffix in ((0, ""), (1, ", b to a")):
            market.world.advance(1)
            found[f"{name}, {tokens}{suffix}"] = market.swap(index_in, 1_234_567, mode=mode)
        market.world.advance(15)
        found[f"{name}, observation due, {tokens}"] = market.swap(0, 1_234_567, mode=mode)
    found[f"collect_protocol_fees, {tokens}"] = market.collect()
    if not fees:
        found["set_pool_status"] = market.set_status(0)
    return found


def _opened_again(market: Market) -> Outcome:
    """A second pool of the same mints, so that the outcome is at hand; its index makes the bumps what they are."""
    from dexroute.fetchers.pool.pda import pool_accounts

    market.index = 1
    market.accounts = pool_accounts(*market.mints, 1)
    return market.world.send(market.initialize())


def recorded() -> dict[str, Units]:
    return {case: Units(**units) for case, units in json.loads(FILE.read_text()).items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.programs.compute_units", description=__doc__)
    parser.add_argument("--update", action="store_true", help=f"write {FILE.name}")
    update = parser.parse_args().update
    before = recorded() if FILE.exists() else {}
    units = measure()
    for case, now in units.items():
        was = before.get(case)
        change = "" if was is None or was == now else f"  (recorded: {was.total:,}, own {was.own:,})"
        print(f"{now.total:>8,} total {now.own:>8,} own  {case}{change}")
    plain = units[PLAIN_SWAP]
    print(
        f"A plain swap takes {plain.total:,} of the {AIM:,} aimed at, {AIM - plain.total:,} remain; "
        f"{plain.total - plain.own:,} of it are the token program's two transfers."
    )
    if update:
        FILE.write_text(json.dumps({case: {"total": now.total, "own": now.own} for case, now in units.items()}, indent=2) + "\n")
        print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
