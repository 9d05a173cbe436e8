"""What every method works on, and the context it answers from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.bank import Bank
from dexroute.localnet.cluster_clock import Moment
from dexroute.localnet.genesis import Genesis
from dexroute.localnet.rpc.failure import MIN_CONTEXT_SLOT_NOT_REACHED, RpcFailure
from dexroute.localnet.rpc.params import Config
from dexroute.types.chain import Commitment

API_VERSION: Final = "2.2.0"  # the Agave release whose runtime crates LiteSVM 0.6 is made of


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A bank and the identity of its cluster."""

    bank: Bank
    genesis: Genesis

    def moment(self, config: Config, *, commitment: str = "commitment", default: Commitment = Commitment.FINALIZED) -> Moment:
        """The block a request is answered from. Raises RpcFailure -32016 when it is before `minContextSlot`."""
        moment = self.bank.clock.at(config.commitment(commitment, default))
        least = config.integer("minContextSlot")
        if least is not None and moment.slot < least:
            raise RpcFailure(
                MIN_CONTEXT_SLOT_NOT_REACHED, "Minimum context slot has not been reached", {"contextSlot": moment.slot}
            )
        return moment

    def reader(self, moment: Moment) -> Callable[[Pubkey], StoredAccount | None]:
        """Accounts as that block left them."""
        return lambda address: self.bank.account(address, moment.slot)

    def with_context(self, moment: Moment, value: Any) -> dict[str, Any]:
        return {"context": {"apiVersion": API_VERSION, "slot": moment.slot}, "value": value}
