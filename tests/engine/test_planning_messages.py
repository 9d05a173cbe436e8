"""What a message may hold, and what a simulation's answer is taken to mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from dexroute.engine.planning import PlanOptions, SwapPlan, build_message, plan_swap, unread_wallet, unsigned_wire
from dexroute.engine.planning.message import writable_accounts
from dexroute.engine.planning.moved import moved_amounts
from dexroute.engine.planning.simulation import require_success
from dexroute.engine.planning.swap_plan import Step
from dexroute.engine.routing import find_route
from dexroute.errors import (
    DexError,
    InsufficientFunds,
    RpcError,
    SimulationFailed,
    SlippageExceeded,
    StaleData,
    TransactionTooLarge,
)
from dexroute.fetchers import VENUES
from dexroute.types.chain import BlockhashLifetime, Simulation, TransactionError
from dexroute.types.mints import NATIVE_MINT
from tests.engine.small_market import exact_in, mint, named_key, pool

USER = named_key("user")
A, B, C = (mint(name) for name in "ABC")
SOL = replace(mint("SOL"), address=NATIVE_MINT, decimals=9)
DEEP = (10**12, 10**12)
LIFETIME = BlockhashLifetime(blockhash=Hash.default(), last_valid_block_height=1, slot=1)


def plan_of_two_hops(*, whole: bool = False) -> SwapPlan:
    pools = {one.address: one for one in (pool("there", (SOL, C), DEEP), pool("back", (C, B), DEEP))}
    request = exact_in(SOL, B, 10**6)
    quote = find_route(pools.values(), request)
    wallet = unread_wallet(USER, (C, B))
    options = PlanOptions(seed="seed")
    limit = quote.amount_out if whole else 1
    return plan_swap(quote, pools, request, wallet, limit=limit, temporary_rent_lamports=2_039_280, options=options)


def test_two_hops_with_everything_to_open_fit_one_transaction() -> None:
    plan = plan_of_two_hops()
    message = build_message(plan, LIFETIME, 200_000, 5)
    assert [step.label.split()[0] for step in plan.steps] == ["open", "open", "fund", "wrap", "swap", "swap", "unwrap"]
    assert len(unsigned_wire(message)) <= 1_232
    assert message.account_keys[0] == USER
    written = writable_accounts(message)
    assert USER in written
    assert set(plan.tracked) <= set(written)
    assert message.header.num_required_signatures == 1
    assert message.recent_blockhash == LIFETIME.blockhash


@pytest.mark.parametrize(
    ("accounts", "data", "units"),
    [
        (70, 0, 200_000),  # too many accounts, which is also too many bytes
        (0, 1_000, 200_000),
        (0, 0, 1_400_001),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_signed(accounts: int, data: int, units: int) -> None:
    plan = plan_of_two_hops()
    metas = [AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=False) for _ in range(accounts)]
    bulk = Instruction(Pubkey.new_unique(), bytes(data), metas)
    fat = replace(plan, steps=(*plan.steps, Step(label="bulk", instruction=bulk)))
    with pytest.raises(TransactionTooLarge) as caught:
        build_message(fat, LIFETIME, units, 0)
    facts = caught.value.context
    assert facts["bytes"] > 1_232 or facts["accounts"] > 64 or facts["compute_unit_limit"] > 1_400_000


def failed(raw: Any, index: int | None = None, code: int | None = None, logs: tuple[str, ...] = ()) -> Simulation:
    error = TransactionError(raw=raw, instruction_index=index, custom_code=code)
    return Simulation(slot=9, error=error, logs=logs, units_consumed=0, post_accounts={})


def custom(index: int, code: int) -> dict[str, Any]:
    return {"InstructionError": [index, {"Custom": code}]}


def failure_of(program: str) -> str:
    return f"Program {program} failed: custom program error: 0x1775"


CPMM = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
FIRST_SWAP, SECOND_SWAP = 6, 7  # after two budget instructions, two accounts opened and SOL wrapped in two steps


@pytest.mark.parametrize(
    ("simulation", "error", "program"),
    [
        (failed("BlockhashNotFound"), StaleData, None),
        (failed("AccountNotFound"), InsufficientFunds, None),
        (failed("InsufficientFundsForFee"), InsufficientFunds, None),
        (failed({"InsufficientFundsForRent": {"account_index": 0}}), InsufficientFunds, None),
        (failed("InsufficientFundsForRent"), InsufficientFunds, None),
        (failed({"InsufficientFundsForRent": {"account_index": 3}}), SimulationFailed, None),
        (failed(custom(FIRST_SWAP, 6005), FIRST_SWAP, 6005, (failure_of(CPMM),)), SlippageExceeded, CPMM),
        (failed(custom(SECOND_SWAP, 6005), SECOND_SWAP, 6005), SlippageExceeded, CPMM),
        # The same number from the token program below the venue is the token program's, not a limit.
        (failed(custom(FIRST_SWAP, 6005), FIRST_SWAP, 6005, (failure_of(TOKEN), failure_of(CPMM))), SimulationFailed, TOKEN),
        (failed(custom(FIRST_SWAP, 6000), FIRST_SWAP, 6000), SimulationFailed, CPMM),
        (failed(custom(2, 6005), 2, 6005), SimulationFailed, "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"),
        (failed({"InstructionError": [FIRST_SWAP, "ProgramFailedToComplete"]}, FIRST_SWAP), SimulationFailed, CPMM),
        (failed("WouldExceedMaxBlockCostLimit"), SimulationFailed, "unknown"),
        (failed(custom(0, 1), 0, 1), SimulationFailed, "unknown"),
        (failed(custom(99, 1), 99, 1), SimulationFailed, "unknown"),
    ],
)  # fmt: skip
def test_a_failed_simulation_is_named_for_what_it_is(simulation: Simulation, error: type[DexError], program: str | None) -> None:
    with pytest.raises(DexError) as caught:
        require_success(plan_of_two_hops(), simulation, VENUES)
    assert type(caught.value) is error
    assert caught.value.context.get("program") == program
    assert caught.value.context["slot"] == 9


def test_a_limit_of_the_whole_quote_is_said_to_leave_no_room() -> None:
    for whole in (True, False):
        with pytest.raises(SlippageExceeded) as caught:
            require_success(plan_of_two_hops(whole=whole), failed(custom(FIRST_SWAP, 6005), FIRST_SWAP, 6005), VENUES)
        assert ("leaves no room" in caught.value.message) == whole and "allow more slippage" in caught.value.message


def test_a_node_that_leaves_out_an_account_is_not_believed() -> None:
    answer = Simulation(slot=9, error=None, logs=(), units_consumed=5, post_accounts={})
    require_success(plan_of_two_hops(), answer, VENUES)
    with pytest.raises(RpcError, match="without returning account"):
        moved_amounts(plan_of_two_hops(), answer, answer, None, taken_lamports=5_000, priority_lamports=0)
