"""Bad weather: what a cluster and its nodes do to a client, drawn from a seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

from tests.e2e.chain import Chain
from tests.e2e.node import Node, Sloppiness

BARE = frozenset({"getRecentPrioritizationFees", "getEpochInfo", "getVersion", "getHealth"})


def mood(chance: random.Random, node: Node) -> Sloppiness:
    """How a node answers for the next while."""
    unique = len(dict.fromkeys(node.sent))
    return chance.choice(
        [
            Sloppiness(),
            Sloppiness(limit_every=2),
            Sloppiness(limit_every=3, retry_after="1"),
            Sloppiness(lag_every=2, lag_slots=5),
            Sloppiness(lag_every=2, lag_slots=7, knows_min_context_slot=False),
            Sloppiness(lose=unique + 2),
            Sloppiness(lose=unique + 1, drop_sends=len(node.sent) + 2),
            Sloppiness(drop_sends=len(node.sent) + 3, duplicate_error=True),
            Sloppiness(hang_up=True, duplicate_error=True),
            Sloppiness(late=True),
            Sloppiness(batches=False),
            Sloppiness(missing=BARE, api_version=False),
            Sloppiness(missing=frozenset({"sendTransaction"})),
            Sloppiness(slots_as_heights=True),
            Sloppiness(silent=True),
            Sloppiness(fees=(0, 10**6, 10**12)),
        ]
    )


class Weather:
    """Changes for as long as `blow` runs; `clear` is a fine day. `forks` tells how many transactions lost their block."""

    def __init__(self, chance: random.Random, chain: Chain, nodes: Sequence[Node]) -> None:
        self.chance, self.chain, self.nodes = chance, chain, nodes
        self.forks = self.changes = 0

    async def blow(self) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(0.2, 1.5))
            self.changes += 1
            node = self.chance.choice(self.nodes)
            node.sloppy = mood(self.chance, node)
            if all(one.sloppy.silent for one in self.nodes):
                node.sloppy = Sloppiness()
            pace = self.chain.pace
            self.chain.pace = replace(pace, land_after=self.chance.choice([0, 0, 1, 4, 10]))
            if self.chance.random() < 0.3:
                self.forks += self.chain.fork(self.chance.randrange(1, pace.finalize_after), lambda _: self.chance.random() < 0.6)

    def clear(self) -> None:
        for node in self.nodes:
            node.sloppy = Sloppiness()
        self.chain.pace = replace(self.chain.pace, land_after=0)
