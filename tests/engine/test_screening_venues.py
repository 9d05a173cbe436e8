"""The gate before the signature for a call of every venue: what is built passes, what is loosened never does, and of all other
changes only those pass that leave the order what it is. The simulation looks right throughout: a hostile market may make it so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.engine.planning.screening import Evidence, SwapBounds, own_accounts, screen
from dexroute.errors import PolicyRefused, QuoteError
from dexroute.fetchers import VENUES, Pool
from dexroute.fetchers.base import SwapCall, SwapRequest, limit_slack
from dexroute.types.accounts import AccountData
from dexroute.types.mints import Mint
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.conformance.cases import all_cases, cases_of
from tests.engine.screened import policy_of

WALLET, SOURCE, DESTINATION, OTHER, STRANGER = (Pubkey.from_bytes(bytes([3, index] * 16)) for index in range(5))
POLICY = policy_of(VENUES)
EVERY_VENUE = pytest.mark.parametrize("venue_id", [venue.id for venue in VENUES])


@dataclass(frozen=True, kw_only=True)
class Order:
    """A swap in one pool that a wallet asked for, its call, and the accounts as a cluster shows them before and after."""

    call: Instruction
    bounds: SwapBounds
    before: dict[Pubkey, AccountData | None]
    after: dict[Pubkey, AccountData | None]

    def screen(self, call: Instruction) -> None:
        """Raises PolicyRefused."""
        message = MessageV0.try_compile(
            WALLET, [set_compute_unit_limit(400_000), set_compute_unit_price(0), call], [], Hash.default()
        )
        before = {key: self.before.get(key) for key in message.account_keys}
        after = {key: self.after.get(key, before[key]) for key in own_accounts(WALLET, message.account_keys, before)}
        screen(message, self.bounds, POLICY, Evidence(before=before, after=after))

    def with_data(self, data: bytes) -> Instruction:
        return Instruction(self.call.program_id, data, self.call.accounts)

    def with_accounts(self, accounts: list[AccountMeta]) -> Instruction:
        return Instruction(self.call.program_id, bytes(self.call.data), accounts)

    def with_account(self, place: int, key: Pubkey) -> Instruction:
        metas = list(self.call.accounts)
        metas[place] = AccountMeta(key, key == WALLET, metas[place].is_writable)
        return self.with_accounts(metas)


def holding(mint: Mint, amount: int) -> AccountData:
    data = bytes(mint.address) + bytes(WALLET) + amount.to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)
    return AccountData(owner=mint.token_program, lamports=2_039_280, data=data)


def ordered(pool: Pool, mode: SwapMode, flip: bool) -> tuple[SwapRequest, int, int] | None:
    """A request with a limit of half a percent, and what the pool would move; None where nothing of the sort can be had."""
    mint_in, mint_out = (mint.address for mint in (reversed(pool.mints) if flip else pool.mints))
    for amount in (10**7, 10**9, 10**5, 10**11, 10**4):
        asked = QuoteRequest(input_mint=mint_in, output_mint=mint_out, amount=amount, mode=mode)
        try:
            quote = pool.quote(asked)
        except QuoteError:
            continue
        limit = quote.amount_out * 995 // 1000 if mode is SwapMode.EXACT_IN else quote.amount_in * 1005 // 1000 + 1
        if limit < 5:
            continue
        swap = SwapRequest(quote=asked, limit=limit, user=WALLET, source=SOURCE, destination=DESTINATION)
        return swap, quote.amount_in, quote.amount_out
    return None


def orders(venue_id: str) -> Iterator[tuple[Order, SwapMode]]:
    """One for each mode and number of accounts."""
    seen = set()
    for case in cases_of(venue_id):
        pool = case.pool()
        for mode in case.modes:
            for flip in (False, True):
                found = ordered(pool, mode, flip)
                if found is None:
                    continue
                swap, amount_in, amount_out = found
                call = pool.swap_instruction(swap)
                if (mode, len(call.accounts)) in seen:
                    continue
                seen.add((mode, len(call.accounts)))
                mint_in, mint_out = reversed(pool.mints) if flip else pool.mints
                exact_in = mode is SwapMode.EXACT_IN
                wallet = AccountData(owner=SYSTEM_PROGRAM_ID, lamports=10**9, data=b"")
                bounds = SwapBounds(
                    wallet=WALLET,
                    input_mint=mint_in.address,
                    output_mint=mint_out.address,
                    max_amount_in=swap.quote.amount if exact_in else swap.limit,
                    min_amount_out=swap.limit if exact_in else swap.quote.amount,
                    mints=frozenset((mint_in.address, mint_out.address)),
                )
                before: dict[Pubkey, AccountData | None] = {
                    **case.snapshot.accounts,
                    WALLET: wallet,
                    SOURCE: holding(mint_in, 10**15),
                    DESTINATION: holding(mint_out, 5),
                    OTHER: holding(mint_in, 10**15),
                }
                after: dict[Pubkey, AccountData | None] = {
                    WALLET: AccountData(owner=SYSTEM_PROGRAM_ID, lamports=10**9 - 5_000, data=b""),
                    SOURCE: holding(mint_in, 10**15 - amount_in),
                    DESTINATION: holding(mint_out, 5 + amount_out),
                }
                yield Order(call=call, bounds=bounds, before=before, after=after), mode


def read(call: Instruction) -> SwapCall:
    venue = VENUES.by_program(call.program_id)
    assert venue is not None
    return venue.decode_swap(call)


def check_passed(order: Order, call: Instruction) -> None:
    """Of what passed: it is a swap of the wallet's, no further than the order allows, and through nothing else that is the
    wallet's or another pool's."""
    swap, bounds = read(call), order.bounds
    assert (swap.user, swap.source, swap.destination) == (WALLET, SOURCE, DESTINATION)
    assert swap.most_in <= bounds.max_amount_in and swap.least_out >= bounds.min_amount_out
    assert OTHER not in [meta.pubkey for meta in call.accounts]
    for array in swap.arrays:
        known = order.before.get(array)
        assert known is None or (known.owner == call.program_id and bytes(swap.pool) in known.data[:64])


def screened(order: Order, call: Instruction) -> str:
    """Whether a changed call "passed" or was "refused"; what passed is checked."""
    try:
        order.screen(call)
    except PolicyRefused:
        return "refused"
    check_passed(order, call)
    return "passed"


@EVERY_VENUE
def test_a_limit_loosened_by_one_unit_is_refused(venue_id: str) -> None:
    """The order's own limit passes: it is what the program can be told at the least, the unit it may round away included."""
    told: Counter[SwapMode] = Counter()
    for order, mode in orders(venue_id):
        order.screen(order.call)
        swap = read(order.call)
        numbers = swap.limit.to_bytes(8, "little")
        assert bytes(order.call.data).count(numbers) == 1
        for by in (1, 2, swap.limit // 2):
            looser = swap.limit - by if mode is SwapMode.EXACT_IN else swap.limit + by
            changed = order.with_data(bytes(order.call.data).replace(numbers, looser.to_bytes(8, "little")))
            with pytest.raises(PolicyRefused) as refusal:
                order.screen(changed)
            assert refusal.value.context["rule"] == "limit"
            told[mode] += 1
    assert set(told) == set(cases_of(venue_id)[0].modes)


@EVERY_VENUE
def test_no_bit_of_a_call_can_be_changed_to_take_more(venue_id: str) -> None:
    told: Counter[str] = Counter()
    for order, _ in orders(venue_id):
        for place in range(8 * len(order.call.data)):
            data = bytearray(order.call.data)
            data[place // 8] ^= 1 << place % 8
            told[screened(order, order.with_data(bytes(data)))] += 1
    # what passes are limits tightened, and amounts within the order's
    assert told["refused"] > 100 and told["passed"] > 40, told


@EVERY_VENUE
def test_no_account_of_a_call_can_be_the_wallets_or_another_pools_array(venue_id: str) -> None:
    foreign = next(
        key
        for case in all_cases()
        if case.venue in ("raydium-clmm", "meteora-dlmm") and case.venue != venue_id
        for key in case.reach
    )
    told: Counter[str] = Counter()
    for order, _ in orders(venue_id):
        accounts = list(order.call.accounts)
        neighbours = [
            key
            for case in cases_of(venue_id)
            if case.address != read(order.call).pool
            for key in case.reach
            if key not in order.before
        ][:1]
        for key in neighbours:
            order.before[key] = next(case.snapshot.accounts[key] for case in cases_of(venue_id) if key in case.reach)
        changed = [order.with_account(place, key) for place in range(len(accounts)) for key in (OTHER, WALLET, STRANGER, foreign)]
        changed += [order.with_account(place, key) for place in range(len(accounts)) for key in (SOURCE, DESTINATION)]
        changed += [order.with_account(place, key) for place in range(len(accounts)) for key in neighbours]
        changed += [order.with_accounts(accounts[:place] + accounts[place + 1 :]) for place in range(len(accounts))]
        for key in (OTHER, WALLET, SOURCE, STRANGER, *neighbours):
            changed.append(order.with_accounts([*accounts, AccountMeta(key, key == WALLET, True)]))
        for call in changed:
            if call != order.call:
                told[screened(order, call)] += 1
        if read(order.call).arrays:
            swap = read(order.call)
            (neighbour,) = neighbours
            first = len(accounts) - len(swap.arrays)
            with pytest.raises(PolicyRefused, match="as an array of pool"):
                order.screen(order.with_account(first, neighbour))
            told["arrays"] += 1
    assert told["refused"] > 40, told
    assert bool(told["arrays"]) == (venue_id in ("raydium-clmm", "meteora-dlmm"))


@EVERY_VENUE
def test_the_unit_a_program_may_round_away_is_told_to_it(venue_id: str) -> None:
    for order, mode in orders(venue_id):
        pool = next(case for case in cases_of(venue_id) if case.address == read(order.call).pool).pool()
        slack = limit_slack(pool) if mode is SwapMode.EXACT_IN else 0
        assert slack == (1 if venue_id == "meteora-damm-v1" else 0)
        told = read(order.call)
        assert told.limit == (order.bounds.min_amount_out + slack if mode is SwapMode.EXACT_IN else order.bounds.max_amount_in)
