"""Fills read from transactions a real cluster executed: tokens, wrapped SOL opened and closed on the way, rent, both fees."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from spl.token.instructions import create_idempotent_associated_token_account, get_associated_token_address

from dexroute.chain.rpc import RpcClient
from dexroute.engine.execution.fills import read_fill
from dexroute.engine.execution.intake import new_order
from dexroute.engine.execution.network_fee import split_fee
from dexroute.errors import RpcError
from dexroute.localnet import EmbeddedCluster
from dexroute.types.accounts import AccountData
from dexroute.types.chain import LandedTransaction
from dexroute.types.mints import NATIVE_MINT, TOKEN_PROGRAM_ID
from dexroute.types.orders import Attempt, Fill, Order, Residual, SwapAmounts
from dexroute.types.requests import QuoteRequest
from tests.engine.token_swap import MINT_A, MINT_B, USER_A, USER_B, VAULT, build_accounts, swap_instructions
from tests.localnet.conftest import ManualTime

RENT: Final = 2_039_280
UNIT_LIMIT: Final = 123_457
UNIT_PRICE: Final = 1_000_001  # micro-lamports: the bid is 123,457.123457 lamports, charged as 123,458
BID: Final = 123_458
NETWORK: Final = 5_000
SOL_VAULT: Final = Pubkey.from_string("So1Vau1t11111111111111111111111111111111111")


@dataclass(kw_only=True)
class Ground:
    """A cluster whose time stands still unless moved, and a user on it."""

    client: RpcClient
    time: ManualTime
    user: Keypair

    @property
    def wallet(self) -> Pubkey:
        return self.user.pubkey()

    async def land(self, instructions: Sequence[Instruction], *, bid: bool = True) -> tuple[Attempt, LandedTransaction]:
        budget = [set_compute_unit_limit(UNIT_LIMIT), set_compute_unit_price(UNIT_PRICE)] if bid else []
        lifetime = await self.client.latest_blockhash()
        message = MessageV0.try_compile(self.wallet, [*budget, *instructions], [], lifetime.blockhash)
        transaction = VersionedTransaction(message, [self.user])
        await self.client.send(bytes(transaction))
        self.time.pass_slots(3)
        landed = await self.client.transaction(transaction.signatures[0])
        assert landed is not None
        return an_attempt(message, transaction.signatures[0]), landed

    async def fill(self, input_mint: Pubkey, output_mint: Pubkey, instructions: Sequence[Instruction], *, bid: bool = True) -> Fill:
        attempt, landed = await self.land(instructions, bid=bid)
        assert landed.error is None, landed.logs
        return read_fill(self.order(input_mint, output_mint), attempt, landed)

    def order(self, input_mint: Pubkey, output_mint: Pubkey) -> Order:
        return new_order(
            request=QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=1_000),
            wallet=self.wallet,
            genesis_hash="g",
            slippage_bps=0,
            now_ms=0,
        )


def an_attempt(message: MessageV0, signature: Signature) -> Attempt:
    return Attempt(
        id="a",
        order_id="o",
        number=1,
        fencing=1,
        message=to_bytes_versioned(message),
        blockhash="b",
        last_valid_block_height=1,
        created_ms=1,
        signature=str(signature),
        wire=b"w",
    )


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    user = Keypair()
    time = ManualTime()
    async with EmbeddedCluster.open(clock=time) as cluster:
        cluster.set_accounts(build_accounts(user.pubkey()))
        native = (
            bytes(NATIVE_MINT) + bytes(VAULT) + struct.pack("<Q", 0) + bytes(36) + b"\x01" + struct.pack("<IQ", 1, RENT) + bytes(44)
        )
        cluster.set_account(SOL_VAULT, AccountData(owner=TOKEN_PROGRAM_ID, lamports=RENT, data=native))
        time.pass_slots(1)
        async with RpcClient("http://cluster", transport=cluster.transport) as client:
            yield Ground(client=client, time=time, user=user)


def token(kind: int, accounts: Sequence[Pubkey], signer: Pubkey | None, amount: int | None = None) -> Instruction:
    body = bytes([kind]) if amount is None else struct.pack("<BQ", kind, amount)
    metas = [AccountMeta(account, False, True) for account in accounts]
    return Instruction(TOKEN_PROGRAM_ID, body, [*metas, *([AccountMeta(signer, True, True)] if signer else [])])


def wrapped(wallet: Pubkey, lamports: int) -> tuple[Pubkey, list[Instruction]]:
    """Open the wallet's wrapped SOL account and put lamports into it (SyncNative is 17)."""
    account = get_associated_token_address(wallet, NATIVE_MINT)
    return account, [
        create_idempotent_associated_token_account(wallet, wallet, NATIVE_MINT),
        transfer(TransferParams(from_pubkey=wallet, to_pubkey=account, lamports=lamports)),
        token(17, [account], None),
    ]


def close(account: Pubkey, wallet: Pubkey) -> Instruction:
    return token(9, [account, wallet], wallet)


async def test_a_token_swap_with_both_fees_apart(ground: Ground) -> None:
    amounts = SwapAmounts(amount_in=1_001, amount_out=77)
    fill = await ground.fill(MINT_A, MINT_B, swap_instructions(ground.wallet, amounts))
    assert fill.amounts == amounts
    assert (fill.costs.network_fee_lamports, fill.costs.priority_fee_lamports) == (NETWORK, BID)
    assert (fill.costs.rent_lamports, fill.costs.rent_refunded_lamports, fill.costs.other_lamports) == (0, 0, 0)
    assert fill.wallet_lamports_change == -NETWORK - BID and fill.costs.residuals == () and fill.slot > 0


async def test_without_a_bid_there_is_no_priority_fee(ground: Ground) -> None:
    fill = await ground.fill(MINT_A, MINT_B, swap_instructions(ground.wallet, SwapAmounts(amount_in=1, amount_out=1)), bid=False)
    assert (fill.costs.network_fee_lamports, fill.costs.priority_fee_lamports) == (NETWORK, 0)


async def test_sol_wrapped_spent_and_closed_in_one_transaction(ground: Ground) -> None:
    account, opening = wrapped(ground.wallet, 5_000_000)
    instructions = [
        *opening,
        token(3, [account, SOL_VAULT], ground.wallet, 5_000_000),
        token(7, [MINT_B, USER_B], ground.wallet, 77),
        close(account, ground.wallet),
    ]
    fill = await ground.fill(NATIVE_MINT, MINT_B, instructions)
    assert fill.amounts == SwapAmounts(amount_in=5_000_000, amount_out=77)
    assert fill.costs.rent_lamports == fill.costs.rent_refunded_lamports == fill.costs.other_lamports == 0
    assert fill.wallet_lamports_change == -5_000_000 - NETWORK - BID


async def test_sol_wrapped_into_an_account_that_stays_open(ground: Ground) -> None:
    """More is wrapped than spent: the rest is still the user's SOL, the rent is locked and told apart."""
    account, opening = wrapped(ground.wallet, 9_000_000)
    spend = [token(3, [account, SOL_VAULT], ground.wallet, 5_000_000), token(7, [MINT_B, USER_B], ground.wallet, 77)]
    fill = await ground.fill(NATIVE_MINT, MINT_B, [*opening, *spend])
    assert fill.amounts == SwapAmounts(amount_in=5_000_000, amount_out=77)
    assert (fill.costs.rent_lamports, fill.costs.rent_refunded_lamports) == (RENT, 0)
    assert fill.wallet_lamports_change == -9_000_000 - RENT - NETWORK - BID

    again = await ground.fill(NATIVE_MINT, MINT_B, [token(3, [account, SOL_VAULT], ground.wallet, 1_000_000), spend[1]])
    assert again.amounts.amount_in == 1_000_000 and again.costs.rent_lamports == 0
    assert again.wallet_lamports_change == -NETWORK - BID

    last = [token(3, [account, SOL_VAULT], ground.wallet, 2_000_000), spend[1], close(account, ground.wallet)]
    closing = await ground.fill(NATIVE_MINT, MINT_B, last)
    assert closing.amounts.amount_in == 2_000_000
    assert (closing.costs.rent_lamports, closing.costs.rent_refunded_lamports) == (0, RENT)
    assert closing.wallet_lamports_change == 1_000_000 + RENT - NETWORK - BID


async def test_sol_received_and_unwrapped(ground: Ground) -> None:
    account, opening = wrapped(ground.wallet, 8_000_000)
    await ground.land([*opening, close(account, ground.wallet)])
    # the "pool" pays out by a transfer of the user's own earlier wrapped SOL kept in a second account of another owner
    payer = Keypair()
    funded = [transfer(TransferParams(from_pubkey=ground.wallet, to_pubkey=payer.pubkey(), lamports=50_000_000))]
    await ground.land(funded)
    lifetime = await ground.client.latest_blockhash()
    pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=account, lamports=3_000_000))
    instructions = [
        opening[0],
        pay,
        token(17, [account], None),
        token(3, [USER_A, VAULT], ground.wallet, 1_001),
        close(account, ground.wallet),
    ]
    message = MessageV0.try_compile(ground.wallet, instructions, [], lifetime.blockhash)
    transaction = VersionedTransaction(message, [ground.user, payer])
    await ground.client.send(bytes(transaction))
    ground.time.pass_slots(3)
    landed = await ground.client.transaction(transaction.signatures[0])
    assert landed is not None and landed.error is None, landed
    fill = read_fill(ground.order(MINT_A, NATIVE_MINT), an_attempt(message, transaction.signatures[0]), landed)
    assert fill.amounts == SwapAmounts(amount_in=1_001, amount_out=3_000_000)
    assert fill.costs.network_fee_lamports == 2 * NETWORK and fill.costs.rent_lamports == 0
    assert fill.wallet_lamports_change == 3_000_000 - 2 * NETWORK


async def test_rent_of_a_new_token_account_is_a_cost_and_no_part_of_the_swap(ground: Ground) -> None:
    account = get_associated_token_address(ground.wallet, MINT_B)
    opening = create_idempotent_associated_token_account(ground.wallet, ground.wallet, MINT_B)
    swap = [token(3, [USER_A, VAULT], ground.wallet, 10), token(7, [MINT_B, account], ground.wallet, 5)]
    fill = await ground.fill(MINT_A, MINT_B, [opening, *swap])
    assert fill.amounts == SwapAmounts(amount_in=10, amount_out=5)
    assert fill.costs.rent_lamports == RENT and fill.costs.other_lamports == 0


async def test_lamports_nothing_explains_are_shown_apart(ground: Ground) -> None:
    swap = swap_instructions(ground.wallet, SwapAmounts(amount_in=1, amount_out=1))
    tip = transfer(TransferParams(from_pubkey=ground.wallet, to_pubkey=Pubkey.new_unique(), lamports=1_500_000))
    fill = await ground.fill(MINT_A, MINT_B, [*swap, tip])
    assert fill.costs.other_lamports == 1_500_000


async def test_what_is_left_of_an_intermediate_token_is_a_residual(ground: Ground) -> None:
    """To the order's eyes A is an intermediate here: it swaps SOL for B."""
    account, opening = wrapped(ground.wallet, 1_000_000)
    instructions = [
        *opening,
        token(3, [account, SOL_VAULT], ground.wallet, 1_000_000),
        *swap_instructions(ground.wallet, SwapAmounts(amount_in=3, amount_out=9)),
        close(account, ground.wallet),
    ]
    fill = await ground.fill(NATIVE_MINT, MINT_B, instructions)
    assert fill.costs.residuals == (Residual(mint=MINT_A, amount=-3),)


async def test_what_is_left_of_sol_between_two_hops_is_a_residual_and_no_unexplained_cost(ground: Ground) -> None:
    """A to B through SOL: the second hop spent less than the first one paid, and the rest came back with the temporary account."""
    account, opening = wrapped(ground.wallet, 1_000_000)
    attempt, landed = await ground.land(
        [
            *opening,
            token(3, [account, SOL_VAULT], ground.wallet, 1_000_000),
            *swap_instructions(ground.wallet, SwapAmounts(amount_in=3, amount_out=9)),
            close(account, ground.wallet),
        ]
    )
    # The wallet gave a million lamports; that it got 1,000,700 from a first hop is told by adding them to what it has after.
    position = landed.account_keys.index(ground.wallet)
    after = list(landed.post_lamports)
    after[position] += 1_000_700
    landed = replace(landed, post_lamports=tuple(after))
    plain = ground.order(MINT_A, MINT_B)
    hops = [{"output_mint": str(NATIVE_MINT)}, {"output_mint": str(MINT_B)}]
    through_sol = replace(plain, route={"legs": [{"hops": hops}]})
    fill = read_fill(through_sol, attempt, landed)
    assert fill.costs.residuals == (Residual(mint=NATIVE_MINT, amount=700),)
    assert fill.costs.other_lamports == 0
    # Without SOL in its route nothing explains lamports that came in: they stay visible as such.
    assert read_fill(plain, attempt, landed).costs.other_lamports == -700


async def test_a_failed_transaction_costs_its_fee_and_moves_nothing(ground: Ground) -> None:
    swap = swap_instructions(ground.wallet, SwapAmounts(amount_in=10**18, amount_out=1))
    attempt, landed = await ground.land(swap)
    assert landed.error is not None
    fill = read_fill(ground.order(MINT_A, MINT_B), attempt, landed)
    assert fill.amounts == SwapAmounts(amount_in=0, amount_out=0)
    assert fill.costs.network_fee_lamports + fill.costs.priority_fee_lamports == landed.fee_lamports == NETWORK + BID
    assert fill.wallet_lamports_change == -NETWORK - BID


async def test_an_answer_that_is_not_this_orders_swap_is_refused(ground: Ground) -> None:
    swap = swap_instructions(ground.wallet, SwapAmounts(amount_in=1, amount_out=1))
    attempt, landed = await ground.land(swap)
    order = ground.order(MINT_A, MINT_B)
    backwards = replace(landed, pre_token_balances=landed.post_token_balances, post_token_balances=landed.pre_token_balances)
    lies = {
        "balances backwards": backwards,
        "nothing moved": replace(landed, post_token_balances=landed.pre_token_balances),
        "too few lamports": replace(landed, pre_lamports=landed.pre_lamports[:-1]),
        "another wallet's": replace(landed, account_keys=(Pubkey.new_unique(), *landed.account_keys[1:])),
        "unnamed accounts": replace(
            landed, account_keys=(*landed.account_keys[:1], *[Pubkey.new_unique()] * (len(landed.account_keys) - 1))
        ),
    }
    for name, lie in lies.items():
        with pytest.raises(RpcError):
            read_fill(order, attempt, lie)
            pytest.fail(name)
    nameless = tuple(replace(balance, owner=None) for balance in landed.pre_token_balances)
    unowned = replace(
        landed, pre_token_balances=nameless, post_token_balances=tuple(replace(b, owner=None) for b in landed.post_token_balances)
    )
    assert read_fill(order, replace(attempt, tracked=(USER_A, USER_B)), unowned).amounts == SwapAmounts(amount_in=1, amount_out=1)


def test_the_bid_never_exceeds_the_fee_and_defaults_to_the_default_limit() -> None:
    payer = Pubkey.new_unique()
    plain = transfer(TransferParams(from_pubkey=payer, to_pubkey=payer, lamports=1))

    def split(fee: int, *instructions: Instruction) -> tuple[int, int]:
        message = MessageV0.try_compile(payer, [*instructions, plain], [], Hash.new_unique())
        return split_fee(to_bytes_versioned(message), fee)

    assert split(5_000) == (5_000, 0)
    assert split(5_000 + 200, set_compute_unit_price(1_000)) == (5_000, 200)  # 200,000 units by default
    assert split(5_000 + 1, set_compute_unit_price(1), set_compute_unit_limit(1)) == (5_000, 1)  # rounded up
    assert split(5_000 + 1_400_000, set_compute_unit_price(10**6), set_compute_unit_limit(2**32 - 1)) == (5_000, 1_400_000)
    assert split(5_000, set_compute_unit_price(2**64 - 1)) == (0, 5_000)
