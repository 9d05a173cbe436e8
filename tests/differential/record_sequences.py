"""Records swaps that follow one another on one pool, executed by the venues' real programs, for tests/vectors/sequences.

    DEXROUTE_REAL_PROGRAMS=... python -m tests.differential.record_sequences [VENUE ...]

What the programs did is written down, never what we quote: quotes only choose amounts a pool is likely to take.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from solders.transaction_metadata import TransactionMetadata

from dexroute.errors import QuoteError
from dexroute.fetchers.base import Pool
from dexroute.fetchers.raydium.amm_v4.pool import AmmV4Pool
from dexroute.math.rounding import U64_MAX
from dexroute.types.accounts import ChainClock
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.differential.world import PROGRAMS, World, real_program, rounded_otherwise
from tests.vectors import RecordedState, load_states

FOLDER = Path(__file__).parents[1] / "vectors" / "sequences"
SEQUENCES_PER_STATE = 2
STEPS = 12
# Both sides of usual filter and decay periods, and mostly the same slot.
PAUSES_S = (0, 0, 0, 4, 12, 45, 150, 900)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for venue in sys.argv[1:] or PROGRAMS:
        program = real_program(venue)
        rng = random.Random(venue)
        sequences = [
            {"state": state.name, "steps": _sequence(World(state, program), state, rng)}
            for state in load_states(venue)
            if not state.name.startswith("mainnet-") and any(swap.succeeded for swap in state.swaps)
            for _ in range(SEQUENCES_PER_STATE)
        ]
        document = {"venue": venue, "program_sha256": PROGRAMS[venue][1], "sequences": sequences}
        content = json.dumps(document, indent=0, sort_keys=True).encode()
        (FOLDER / f"{venue}.json.gz").write_bytes(gzip.compress(content, mtime=0))
        print(venue, len(sequences), "sequences", sum(len(sequence["steps"]) for sequence in sequences), "swaps")


def _sequence(world: World, state: RecordedState, rng: random.Random) -> list[dict[str, Any]]:
    requests = [swap.request for swap in state.swaps if swap.succeeded]
    steps: list[dict[str, Any]] = []
    while len(steps) < STEPS:
        pause = rng.choice(PAUSES_S)
        clock = world.clock
        world.set_clock(
            ChainClock(slot=clock.slot + pause * 5 // 2, epoch=clock.epoch, unix_timestamp=clock.unix_timestamp + pause)
        )
        chosen = rng.choice(requests)
        request = replace(chosen, amount=max(1, chosen.amount * rng.randint(1, 1000) // rng.choice((300, 1000, 30_000))))
        if request.amount <= U64_MAX // 4 and not _rounded_otherwise(world, request):
            steps.append({"pause": str(pause)} | _step(world, world.decoded(), request))
    return steps


def _rounded_otherwise(world: World, request: QuoteRequest) -> bool:
    pool = world.decoded()
    try:
        return rounded_otherwise(pool, request, pool.quote(request))
    except QuoteError:
        return request.amount < 1_000 and isinstance(pool, AmmV4Pool)


def _step(world: World, pool: Pool, request: QuoteRequest) -> dict[str, Any]:
    before = world.balance(request.input_mint), world.balance(request.output_mint)
    result = world.swap(pool, request, 0 if request.mode is SwapMode.EXACT_IN else U64_MAX)
    step: dict[str, Any] = {
        "amount": str(request.amount),
        "input_mint": str(request.input_mint),
        "mode": str(request.mode),
        "output_mint": str(request.output_mint),
    }
    if isinstance(result, TransactionMetadata):
        amounts = before[0] - world.balance(request.input_mint), world.balance(request.output_mint) - before[1]
        return step | {"ok": {"amount_in": str(amounts[0]), "amount_out": str(amounts[1])}}
    custom = re.search(r"Custom\D*(\d+)", str(result.err()))
    return step | {"err": {"custom": int(custom[1]) if custom else None}}


if __name__ == "__main__":
    main()
