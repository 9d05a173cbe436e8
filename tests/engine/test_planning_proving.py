"""What a message does, told from what the wallet's other transactions do: on nodes that simulate on what they read, and on nodes
that simulate on newer blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.engine.planning.proving import prove
from dexroute.engine.planning.screening import Evidence
from dexroute.engine.planning.screening.policy import refused
from dexroute.errors import PolicyRefused, StaleData
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot, Commitment, Simulation

WALLET = Pubkey.from_string("Wa11et1111111111111111111111111111111111111")
SPENT = 7


def holding(lamports: int) -> AccountData:
    return AccountData(owner=SYSTEM_PROGRAM_ID, lamports=lamports, data=b"")


@dataclass
class Node:
    """A wallet's balance by slot, the newest last; confirmed is `lag` slots behind. Before each simulation a slot passes, in which
    another transaction of the wallet may land."""

    others: list[int]
    lag: int
    simulates_newest: bool
    takes: int = SPENT
    balances: list[int] = field(default_factory=lambda: [100, 100])
    simulated: int = 0
    read: list[Commitment] = field(default_factory=list)

    def pass_slot(self, landed: int = 0) -> None:
        self.balances.append(self.balances[-1] - landed)

    async def simulate(self) -> Simulation:
        self.simulated += 1
        self.pass_slot(self.others.pop(0) if self.others else 0)
        confirmed = len(self.balances) - 1 - self.lag
        balance = self.balances[-1 if self.simulates_newest else confirmed] - self.takes
        return Simulation(slot=confirmed, error=None, logs=(), units_consumed=1, post_accounts={WALLET: holding(balance)})

    async def get_accounts(
        self, addresses: Sequence[Pubkey], *, min_context_slot: int | None = None, commitment: Commitment = Commitment.CONFIRMED
    ) -> AccountsAtSlot:
        assert list(addresses) == [WALLET]
        self.read.append(commitment)
        behind = 0 if commitment is Commitment.PROCESSED else self.lag
        while len(self.balances) - 1 - behind < (min_context_slot or 0):  # a client asks again until the node is there
            self.pass_slot()
        slot = len(self.balances) - 1 - behind
        return AccountsAtSlot(slot=slot, accounts={WALLET: holding(self.balances[slot])})


def hold(evidence: Evidence) -> None:
    before, after = evidence.before[WALLET], evidence.after[WALLET]
    assert before is not None and after is not None
    if before.lamports - after.lamports != SPENT:
        raise refused("balance", f"it would take {before.lamports - after.lamports}")


async def proved(node: Node) -> tuple[Simulation, Evidence]:
    return await prove(node, node.simulate, hold, [WALLET], {WALLET: holding(100)}, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("simulates_newest", [False, True])
async def test_a_sound_message_takes_one_simulation_and_no_reading(simulates_newest: bool) -> None:
    node = Node(others=[], lag=1, simulates_newest=simulates_newest)
    await proved(node)
    assert (node.simulated, node.read) == (1, [])


@pytest.mark.parametrize("lag", [0, 1, 5])
@pytest.mark.parametrize("simulates_newest", [False, True])
async def test_a_message_that_takes_too_much_is_refused(lag: int, simulates_newest: bool) -> None:
    node = Node(others=[], lag=lag, simulates_newest=simulates_newest, takes=SPENT + 1, balances=[100] * 6)
    with pytest.raises(PolicyRefused, match="would take 8"):
        await proved(node)
    assert node.simulated == 1


async def test_what_another_transaction_took_before_the_simulation_is_not_this_ones() -> None:
    node = Node(others=[], lag=0, simulates_newest=False, balances=[100, 60])
    _, evidence = await proved(node)
    assert evidence.before == {WALLET: holding(60)} and node.simulated == 2


@pytest.mark.parametrize("lag", [1, 2, 31])
async def test_nor_what_one_took_in_a_block_to_be_confirmed_that_the_node_simulates_on(lag: int) -> None:
    node = Node(others=[], lag=lag, simulates_newest=True, balances=[*[100] * 31, 60])
    _, evidence = await proved(node)
    assert evidence.before == {WALLET: holding(60)} and node.simulated == 2


async def test_a_message_that_takes_too_much_is_refused_beside_others_too() -> None:
    node = Node(others=[40], lag=1, simulates_newest=True, takes=SPENT + 1)
    with pytest.raises(PolicyRefused, match="would take 8"):
        await proved(node)
    assert node.simulated == 2


@pytest.mark.parametrize("simulates_newest", [False, True])
async def test_a_wallet_that_never_rests_is_no_reason_to_refuse(simulates_newest: bool) -> None:
    node = Node(others=[3] * 50, lag=1, simulates_newest=simulates_newest, balances=[100, 98, 95])
    with pytest.raises(StaleData, match=f"{WALLET} keep changing"):
        await proved(node)
    assert node.simulated == 4


async def test_a_rule_about_the_message_itself_is_not_asked_twice() -> None:
    node = Node(others=[], lag=1, simulates_newest=True)

    def refuse(_: Evidence) -> None:
        raise refused("recipient", "it pays a stranger")

    with pytest.raises(PolicyRefused, match="stranger"):
        await prove(node, node.simulate, refuse, [WALLET], {WALLET: holding(60)}, 0)  # type: ignore[arg-type]
    assert (node.simulated, node.read) == (1, [])
