"""A swap real enough for a real cluster, with nothing but the token program: A goes to a vault, the user's own authority mints B.

What the executor and the fill reader see of it is what they see of any swap. `build_accounts` are what it needs to exist.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey

from dexroute.engine.execution.builder import BuiltAttempt, RoutedOrder
from dexroute.errors import RouteNotFound
from dexroute.types.accounts import AccountData
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.mints import TOKEN_PROGRAM_ID
from dexroute.types.orders import Costs, Order, SwapAmounts

MINT_A: Final = Pubkey.from_string("A1111111111111111111111111111111111111111111")
MINT_B: Final = Pubkey.from_string("B1111111111111111111111111111111111111111111")
VAULT: Final = Pubkey.from_string("Vau1t11111111111111111111111111111111111111")
USER_A: Final = Pubkey.from_string("UserA11111111111111111111111111111111111111")
USER_B: Final = Pubkey.from_string("UserB11111111111111111111111111111111111111")
START_A: Final = 10**12
START_LAMPORTS: Final = 10**10
RENT: Final = 10**7


def build_accounts(user: Pubkey) -> Mapping[Pubkey, AccountData]:
    """The user with SOL and token A, the vault, and both mints; the user may mint B."""

    def token_account(mint: Pubkey, owner: Pubkey, amount: int) -> AccountData:
        body = bytes(mint) + bytes(owner) + struct.pack("<Q", amount) + bytes(36) + b"\x01" + bytes(56)
        return AccountData(owner=TOKEN_PROGRAM_ID, lamports=RENT, data=body)

    def mint(authority: Pubkey) -> AccountData:
        body = struct.pack("<I32sQBBI32s", 1, bytes(authority), START_A, 6, 1, 0, bytes(32))
        return AccountData(owner=TOKEN_PROGRAM_ID, lamports=RENT, data=body)

    return {
        user: AccountData(owner=Pubkey.default(), lamports=START_LAMPORTS, data=b""),
        MINT_A: mint(user),
        MINT_B: mint(user),
        USER_A: token_account(MINT_A, user, START_A),
        USER_B: token_account(MINT_B, user, 0),
        VAULT: token_account(MINT_A, VAULT, 0),
    }


def swap_instructions(user: Pubkey, amounts: SwapAmounts) -> list[Instruction]:
    """Token Transfer (3) of A and MintTo (7) of B."""
    spend = struct.pack("<BQ", 3, amounts.amount_in)
    receive = struct.pack("<BQ", 7, amounts.amount_out)
    signer = AccountMeta(user, True, False)
    return [
        Instruction(TOKEN_PROGRAM_ID, spend, [AccountMeta(USER_A, False, True), AccountMeta(VAULT, False, True), signer]),
        Instruction(TOKEN_PROGRAM_ID, receive, [AccountMeta(MINT_B, False, True), AccountMeta(USER_B, False, True), signer]),
    ]


@dataclass(frozen=True, kw_only=True)
class TokenSwapBuilder:
    """dexroute.engine.execution.OrderBuilder: one B for two A. With `refuses` there is no route."""

    refuses: bool = False
    extra: Sequence[Instruction] = ()

    async def route(self, order: Order) -> RoutedOrder:
        if self.refuses:
            raise RouteNotFound("no pool holds both")
        amounts = SwapAmounts(amount_in=order.request.amount, amount_out=order.request.amount // 2)
        limit = order.limit_amount or amounts.amount_out
        return RoutedOrder(route={"legs": []}, quoted=amounts, limit_amount=limit)

    async def build(self, order: Order, routed: RoutedOrder, lifetime: BlockhashLifetime) -> BuiltAttempt:
        instructions = [*self.extra, *swap_instructions(order.wallet, routed.quoted)]
        message = MessageV0.try_compile(order.wallet, instructions, [], lifetime.blockhash)
        return BuiltAttempt(message=message, simulated=routed.quoted, costs=Costs(), tracked=(USER_A, USER_B))
