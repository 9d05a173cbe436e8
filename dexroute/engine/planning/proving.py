"""A message simulated while other transactions of the same wallet land: what it does, told from what they did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.planning.screening import OUTCOME_RULES, Evidence
from dexroute.errors import PolicyRefused, StaleData
from dexroute.ports import AccountReader
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot, Commitment, Simulation

_PROOFS: Final = 4  # simulations of the exact message while the wallet's balances change


async def prove(
    reader: AccountReader,
    simulate: Callable[[], Awaitable[Simulation]],
    hold: Callable[[Evidence], object],
    watched: Sequence[Pubkey],
    before: Mapping[Pubkey, AccountData | None],
    reached: int,
) -> tuple[Simulation, Evidence]:
    """`simulate` until `hold` finds nothing wrong with what it did to the `watched` accounts of ours (wallet first), which were
    `before` at slot `reached` or later.

    A refusal stands when nobody else can have moved the accounts: not between the reading and the simulation, and not in a block
    that is still to be confirmed, on which some nodes simulate whatever commitment they are asked for. Raises what `simulate` and
    `hold` do, and StaleData when the accounts change faster than they can be compared."""
    for _ in range(_PROOFS):
        proved = await simulate()
        evidence = Evidence(before=before, after=proved.post_accounts)
        try:
            hold(evidence)
        except PolicyRefused as refusal:
            if refusal.context["rule"] not in OUTCOME_RULES:
                raise
            read = await reader.get_accounts(watched, min_context_slot=max(reached, proved.slot))
            if _same(before, read):
                newest = await reader.get_accounts(watched, min_context_slot=read.slot, commitment=Commitment.PROCESSED)
                if _same(before, newest):
                    raise
                read = await reader.get_accounts(watched, min_context_slot=newest.slot)
            before = {**before, **read.accounts}
            continue
        return proved, evidence
    raise StaleData(f"the balances of {watched[0]} keep changing while its transaction is proved; try again")


def _same(before: Mapping[Pubkey, AccountData | None], read: AccountsAtSlot) -> bool:
    return all(before.get(key) == account for key, account in read.accounts.items())
