"""`make bench`: the same pools and amounts quoted here and by the venues' official SDKs, on one core, into docs/benchmarks.md.

Speed is compared over the swaps whose amounts the SDK quotes as the chain executed them; ours are all checked. Run as
`python -m benchmarks.quotes`.
"""

from __future__ import annotations

import os
import statistics
import sys
from dataclasses import dataclass
from typing import Final

from benchmarks import our_side, sdk_side
from benchmarks.page import write_page
from benchmarks.recordings import Chosen, chosen
from dexroute.fetchers import VENUES

# Venue and the SDK function it is held against.
COMPARED: Final = {
    "raydium-amm-v4": ("raydium-amm-v4", "Liquidity.computeAmountOut / In"),
    "raydium-cpmm": ("raydium-cpmm", "Cpmm.computeSwapAmount"),
    "raydium-cpmm (inner)": ("raydium-cpmm", "CurveCalculator.swapBaseInput / Output"),
    "raydium-clmm": ("raydium-clmm", "PoolUtils.computeAmountOut / In"),
    "meteora-damm-v1": ("meteora-damm-v1", "AmmImpl.getSwapQuote"),
    "meteora-damm-v2": ("meteora-damm-v2", "CpAmm.getQuote2"),
    "meteora-dlmm": ("meteora-dlmm", "DLMM.swapQuote / swapQuoteExactOut"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One venue against one SDK function. Times in nanoseconds per warm quote, medians over the swaps both sides quote right;
    `ours_ns` is a quote with its fees, as the SDKs tell them; `amounts_ns` is without, `settled_ns` with the pool after the swap:
    both are made when they are asked for."""

    venue: str
    function: str
    states: int
    swaps: int
    agreeing: int
    amounts_ns: float
    ours_ns: float
    settled_ns: float
    sdk_ns: float
    unloadable: tuple[str, ...]

    @property
    def ratio(self) -> float:
        return self.sdk_ns / self.ours_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes of one venue's loaded pools against their raw account bytes, medians over the states; `worst` is the largest share of
    what the aim allows (2 x raw + 4 KiB)."""

    venue: str
    raw_bytes: float
    kept_bytes: float
    worst: float


def main() -> int:
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    node = sdk_side.prepare()
    comparisons: list[Comparison] = []
    memory: list[Memory] = []
    for name, (venue, function) in COMPARED.items():
        if venue not in {known.id for known in VENUES}:
            print(f"{name}: not a venue of this dexroute", file=sys.stderr)
            continue
        states = chosen(venue)
        comparisons.append(_compare(name, function, node, states))
        print(_line(comparisons[-1]), flush=True)
        if name == venue:
            memory.append(_memory(venue, states))
    write_page(comparisons, memory, node)
    return 0


def _compare(name: str, function: str, node: list[str], states: list[Chosen]) -> Comparison:
    amounts_ns: list[float] = []
    ours_ns: list[float] = []
    settled_ns: list[float] = []
    sdk_ns: list[float] = []
    swaps = 0
    unloadable = []
    for state, answer in zip(states, sdk_side.quote_all(node, name, states), strict=True):
        ours = our_side.quote_all(state)
        executed = tuple((swap.amount_in, swap.amount_out) for swap in state.swaps)
        assert ours.amounts == executed, f"{state.state}: we do not quote what the chain did; see dex selftest"
        swaps += len(executed)
        if answer.error is not None:
            unloadable.append(state.state.name)
            continue
        for number, (wanted, quoted, sdk_time) in enumerate(zip(executed, answer.quotes, answer.ns, strict=True)):
            if quoted == wanted and sdk_time is not None:
                amounts_ns.append(ours.amounts_ns[number])
                ours_ns.append(ours.ns[number])
                settled_ns.append(ours.settled_ns[number])
                sdk_ns.append(sdk_time)
    return Comparison(
        venue=name,
        function=function,
        states=len(states),
        swaps=swaps,
        agreeing=len(sdk_ns),
        amounts_ns=statistics.median(amounts_ns),
        ours_ns=statistics.median(ours_ns),
        settled_ns=statistics.median(settled_ns),
        sdk_ns=statistics.median(sdk_ns),
        unloadable=tuple(unloadable),
    )


def _memory(venue: str, states: list[Chosen]) -> Memory:
    kept = [(state.raw_bytes, our_side.memory_of_a_pool(state)) for state in states]
    return Memory(
        venue=venue,
        raw_bytes=statistics.median(raw for raw, _ in kept),
        kept_bytes=statistics.median(bytes_ for _, bytes_ in kept),
        worst=max(bytes_ / (2 * raw + 4096) for raw, bytes_ in kept),
    )


def _line(found: Comparison) -> str:
    times = f"{found.ours_ns / 1000:7.1f} us here, {found.sdk_ns / 1000:7.1f} us {found.function}"
    return f"{found.venue:24} {times}: ratio {found.ratio:.2f} over {found.agreeing} of {found.swaps} swaps"


if __name__ == "__main__":
    sys.exit(main())
