"""Which build of Raydium's AMM v4 a cluster runs: its program is asked with instructions only some builds know.

Every build reads an instruction before it looks at the accounts, and answers InvalidInstructionData to one it does not know. So
simulating two instructions without any accounts tells what nothing on the chain says: swap v2 (tag 16) came in 2025-09
(raydium-io/raydium-amm@3b087ad), market making (tag 2) and with it the counting of open orders went in 2026-07 (@27f461d).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.chain.rpc.client import RpcClient
from dexroute.config import Settings
from dexroute.fetchers.raydium.amm_v4.addresses import PROGRAM_ID
from dexroute.fetchers.raydium.amm_v4.instruction import SwapForm
from dexroute.fetchers.raydium.amm_v4.order_book import OrderBookRule

SWAP_V2: Final = Instruction(PROGRAM_ID, bytes([16]) + bytes(16), [])
MARKET_MAKING: Final = Instruction(PROGRAM_ID, bytes([2]) + bytes(6), [])
_UNKNOWN_INSTRUCTION: Final = "InvalidInstructionData"


@dataclass(frozen=True, slots=True, kw_only=True)
class AmmV4Build:
    """What a program was found to know. None: it could not be told."""

    swap_v2: bool | None
    market_making: bool | None

    @property
    def order_book(self) -> OrderBookRule:
        if self.market_making is None:
            return OrderBookRule.UNKNOWN
        return OrderBookRule.COUNTED if self.market_making else OrderBookRule.IGNORED

    def contradiction(self, settings: Settings) -> str | None:
        """What the settings say and the program does not do: swaps or quotes would go wrong."""
        if settings.amm_v4_swap_form == SwapForm.V2 and self.swap_v2 is False:
            return "amm_v4_swap_form is v2, which this program does not know; set every-build"
        said = settings.amm_v4_order_book
        if said != OrderBookRule.UNKNOWN and self.market_making is not None and said != self.order_book:
            return f"amm_v4_order_book is {said}, but this program's open orders are {self.order_book}; set that"
        return None

    def description(self) -> str:
        v2 = {True: "takes the short swap (amm_v4_swap_form may be v2)", False: "knows no short swap", None: "short swap unknown"}
        orders = {True: "counts open orders", False: "ignores open orders", None: "open orders unknown"}
        advice = "" if self.market_making is None else f" (amm_v4_order_book may be {self.order_book})"
        return f"its build {v2[self.swap_v2]} and {orders[self.market_making]}{advice}"


async def find_build(client: RpcClient, payer: Pubkey) -> AmmV4Build:
    """Two simulations, `payer` an account that exists. Raises NetworkError."""
    return AmmV4Build(swap_v2=await _knows(client, payer, SWAP_V2), market_making=await _knows(client, payer, MARKET_MAKING))


async def _knows(client: RpcClient, payer: Pubkey, instruction: Instruction) -> bool | None:
    lifetime = await client.latest_blockhash()
    message = MessageV0.try_compile(payer, [instruction], [], lifetime.blockhash)
    outcome = await client.simulate(bytes(VersionedTransaction.populate(message, [Signature.default()])))
    return knows_instruction(outcome.error.raw if outcome.error else None)


def knows_instruction(error: Any) -> bool | None:
    """Whether the program whose instruction failed like this knew it; None where it never came to be asked."""
    cause = error.get("InstructionError") if isinstance(error, dict) else None
    if not isinstance(cause, list) or len(cause) != 2 or cause[1] in ("UnsupportedProgramId", "InvalidAccountData"):
        return None
    return bool(cause[1] != _UNKNOWN_INSTRUCTION)
