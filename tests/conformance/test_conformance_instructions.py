"""What every venue's swap instruction must be: the user alone signs, and the limit travels with it."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import ModeNotOffered, QuoteError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import SwapRequest
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.conformance.cases import Case, all_cases

CASES = pytest.mark.parametrize("case", all_cases(), ids=str)
STEADY = [case for case in all_cases() if not VENUES[case.venue].capabilities.swap_accounts_vary]
USER, SOURCE, DESTINATION = (Pubkey.from_bytes(bytes([7, index] * 16)) for index in range(3))
AMOUNT, LIMIT = 0x1122334455, 0x66778899


def asked(
    case: Case, *, mode: SwapMode = SwapMode.EXACT_IN, flip: bool = False, amount: int = AMOUNT, limit: int = LIMIT
) -> SwapRequest:
    mints = [mint.address for mint in case.pool().mints]
    mint_in, mint_out = reversed(mints) if flip else mints
    return SwapRequest(
        quote=QuoteRequest(input_mint=mint_in, output_mint=mint_out, amount=amount, mode=mode),
        limit=limit,
        user=USER,
        source=SOURCE,
        destination=DESTINATION,
    )


@CASES
@pytest.mark.parametrize("mode", SwapMode)
@pytest.mark.parametrize("flip", [False, True])
def test_the_user_alone_signs_and_amount_and_limit_are_in_the_data(case: Case, mode: SwapMode, flip: bool) -> None:
    if mode not in case.modes:
        with pytest.raises(ModeNotOffered, match=case.venue):
            case.pool().swap_instruction(asked(case, mode=mode, flip=flip))
        return
    instruction = case.pool().swap_instruction(asked(case, mode=mode, flip=flip))
    assert instruction.program_id == VENUES[case.venue].program_id
    assert [meta.pubkey for meta in instruction.accounts if meta.is_signer] == [USER]
    writable = {meta.pubkey for meta in instruction.accounts if meta.is_writable}
    assert {SOURCE, DESTINATION, case.address} <= writable
    keys = [meta.pubkey for meta in instruction.accounts]
    assert keys.count(SOURCE) == keys.count(DESTINATION) == 1
    assert AMOUNT.to_bytes(8, "little") in instruction.data
    if case.limit_is_raised:
        assert LIMIT <= int.from_bytes(instruction.data[-8:], "little") <= LIMIT + LIMIT // 100
    else:
        assert LIMIT.to_bytes(8, "little") in instruction.data
    # Programs that know SPL Token only are not shown the mints; their vaults say what is swapped.
    assert {mint.address for mint in case.pool().mints} <= set(keys) or set(case.pool().vaults) <= writable  # type: ignore[attr-defined]


@CASES
def test_modes_and_limits_make_different_instructions(case: Case) -> None:
    pool = case.pool()
    wanted = [(mode, limit) for mode in case.modes for limit in (LIMIT, 0)]
    built = {bytes(pool.swap_instruction(asked(case, mode=mode, limit=limit)).data) for mode, limit in wanted}
    assert len(built) == len(wanted) >= 2


@pytest.mark.parametrize("case", STEADY, ids=str)
@pytest.mark.parametrize("flip", [False, True])
def test_where_a_venue_says_so_every_swap_names_the_same_accounts(case: Case, flip: bool) -> None:
    """Whatever the amount, and also on the pool as another swap leaves it."""
    pool = case.pool()
    named = {frozenset(map(str, pool.swap_instruction(asked(case, flip=flip, amount=10**n)).accounts)) for n in range(16)}
    for amount in (10**n for n in range(4, 14)):
        request = asked(case, flip=flip, amount=amount)
        try:
            left = pool.quote(request.quote).next_pool
        except QuoteError:
            continue
        named.add(frozenset(map(str, left.swap_instruction(request).accounts)))
    assert len(named) == 1


@CASES
@pytest.mark.parametrize(("amount", "limit"), [(0, LIMIT), (-1, LIMIT), (2**64, LIMIT), (AMOUNT, -1), (AMOUNT, 2**64)])
def test_amounts_no_instruction_can_carry_are_refused(case: Case, amount: int, limit: int) -> None:
    with pytest.raises(QuoteError):
        case.pool().swap_instruction(asked(case, amount=amount, limit=limit))


@CASES
def test_a_stranger_mint_is_refused(case: Case) -> None:
    own = case.pool().mints[0].address
    for pair in ((own, USER), (USER, own), (own, own)):
        quote = QuoteRequest(input_mint=pair[0], output_mint=pair[1], amount=AMOUNT)
        with pytest.raises(QuoteError):
            case.pool().swap_instruction(SwapRequest(quote=quote, limit=LIMIT, user=USER, source=SOURCE, destination=DESTINATION))
