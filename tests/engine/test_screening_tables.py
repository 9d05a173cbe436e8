"""Changes of lookup tables: what we make passes, and one wrong thing in it never does."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID
from solders.system_program import (
    AdvanceNonceAccountParams,
    TransferParams,
    advance_nonce_account,
    transfer,
)

from dexroute.engine.planning.screening import Evidence, SigningPolicy, TableBounds, TableVerb, screen_table_change
from dexroute.engine.planning.table_instructions import close_table, create_table, deactivate_table, extend_table
from dexroute.errors import PolicyRefused, RpcError
from dexroute.fetchers import VenueRegistry
from dexroute.types.accounts import AccountData

WALLET: Final = Pubkey.from_string("4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM")
THIEF: Final = Pubkey.from_string("Thief11111111111111111111111111111111111111")
ADDRESSES: Final = tuple(Pubkey(bytes([7, index]) * 16) for index in range(5))
CREATED, TABLE = create_table(WALLET, 1_000)
POLICY: Final = SigningPolicy(venues=VenueRegistry([]), max_fee_lamports=1_000_000)
RENT: Final = 2_500_000
VERBS: Final[tuple[TableVerb, ...]] = ("create", "extend", "deactivate", "close")


def steps(verb: TableVerb) -> list[Instruction]:
    return {
        "create": [CREATED, extend_table(TABLE, WALLET, ADDRESSES)],
        "extend": [extend_table(TABLE, WALLET, ADDRESSES)],
        "deactivate": [deactivate_table(TABLE, WALLET)],
        "close": [close_table(TABLE, WALLET)],
    }[verb]


def bounds(verb: TableVerb) -> TableBounds:
    rent = {"create": RENT, "extend": RENT, "deactivate": 0, "close": -RENT}[verb]
    return TableBounds(wallet=WALLET, verb=verb, table=TABLE, addresses=frozenset(ADDRESSES), max_rent_lamports=rent)


def message(calls: Sequence[Instruction], payer: Pubkey = WALLET) -> MessageV0:
    return MessageV0.try_compile(payer, [set_compute_unit_limit(50_000), set_compute_unit_price(100), *calls], [], Hash.default())


def table(lamports: int, authority: Pubkey = WALLET) -> AccountData:
    head = struct.pack("<IQQBB32sH", 1, 2**64 - 1, 5, 0, 1, bytes(authority), 0)
    return AccountData(owner=LOOKUP_TABLE_PROGRAM_ID, lamports=lamports, data=head)


def purse(lamports: int) -> AccountData:
    return AccountData(owner=SYSTEM_PROGRAM_ID, lamports=lamports, data=b"")


def evidence(verb: TableVerb, *, fees: int = 5_000, missing: int = 0, authority: Pubkey = WALLET) -> Evidence:
    """What the cluster does; `missing` lamports go astray."""
    before = {"create": None, "extend": table(10**6)}.get(verb, table(RENT))
    after = {"create": table(RENT, authority), "extend": table(10**6 + RENT, authority), "deactivate": table(RENT, authority)}.get(
        verb
    )
    moved = (after.lamports if after else 0) - (before.lamports if before else 0)
    return Evidence(
        before={WALLET: purse(10**9), TABLE: before},
        after={WALLET: purse(10**9 - moved - fees - missing), TABLE: after},
    )


def refusal(verb: TableVerb, calls: Sequence[Instruction], shown: Evidence | None = None, **how: Pubkey) -> str:
    with pytest.raises(PolicyRefused) as refused:
        screen_table_change(message(calls, **how), bounds(verb), POLICY, shown or evidence(verb))
    assert "nothing was sent" in refused.value.message
    return str(refused.value.context["rule"])


@pytest.mark.parametrize("verb", VERBS)
def test_what_we_make_passes(verb: TableVerb) -> None:
    for fees in (5_000, 5_005):  # a node may or may not take the priority fee in a simulation
        found = screen_table_change(message(steps(verb)), bounds(verb), POLICY, evidence(verb, fees=fees))
        assert (found.priority_fee_lamports, found.tip_lamports) == (5, 0)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("other", VERBS)
def test_another_change_than_asked_for_is_refused(verb: TableVerb, other: TableVerb) -> None:
    if verb == other or (verb, other) == ("create", "extend"):
        screen_table_change(message(steps(other)), bounds(verb), POLICY, evidence(verb))
        return
    assert refusal(verb, steps(other)) == "lookup-table"


@pytest.mark.parametrize("verb", VERBS)
def test_anything_beside_the_change_is_refused(verb: TableVerb) -> None:
    smuggled = [
        transfer(TransferParams(from_pubkey=WALLET, to_pubkey=THIEF, lamports=1)),
        transfer(TransferParams(from_pubkey=WALLET, to_pubkey=TABLE, lamports=1)),
        advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=ADDRESSES[0], authorized_pubkey=WALLET)),
        Instruction(THIEF, b"", []),
        Instruction(LOOKUP_TABLE_PROGRAM_ID, b"\1\0\0\0", [AccountMeta(TABLE, False, True), AccountMeta(WALLET, True, False)]),
    ]
    for one in smuggled:
        for calls in ([one, *steps(verb)], [*steps(verb), one]):
            assert refusal(verb, calls) in ("program", "lookup-table")
    assert refusal(verb, []) == "lookup-table"
    assert refusal(verb, [*steps(verb), set_compute_unit_limit(1)]) == "compute-budget"
    assert refusal(verb, steps(verb), payer=THIEF) == "fee-payer"


def test_strangers_are_refused() -> None:
    thief = AccountMeta(THIEF, False, True)
    closing, extending = steps("close")[0], steps("extend")[0]
    to_thief = Instruction(closing.program_id, closing.data, [*closing.accounts[:2], thief])
    assert refusal("close", [to_thief]) == "recipient"
    other_table = Instruction(closing.program_id, closing.data, [thief, *closing.accounts[1:]])
    assert refusal("close", [other_table]) == "recipient"
    assert refusal("extend", [extend_table(TABLE, WALLET, [*ADDRESSES, THIEF])]) == "recipient"
    assert refusal("create", [create_table(WALLET, 1_001)[0]]) == "recipient"
    unbumped = Instruction(CREATED.program_id, bytes(CREATED.data)[:-1] + b"\0", CREATED.accounts)
    assert refusal("create", [unbumped]) == "recipient"
    paying = Instruction(
        extending.program_id, extending.data, [*extending.accounts[:2], AccountMeta(THIEF, True, True), *extending.accounts[3:]]
    )
    assert refusal("extend", [paying]) == "signers"


@pytest.mark.parametrize("verb", VERBS)
def test_the_outcome_must_be_the_one_asked_for(verb: TableVerb) -> None:
    assert refusal(verb, steps(verb), evidence(verb, missing=1)) == "balance"
    assert refusal(verb, steps(verb), evidence(verb, missing=-1)) == "balance"
    with pytest.raises(PolicyRefused, match="were asked for"):
        less = replace(bounds(verb), max_rent_lamports=bounds(verb).max_rent_lamports - 1)
        screen_table_change(message(steps(verb)), less, POLICY, evidence(verb))
    if verb != "close":
        assert refusal(verb, steps(verb), evidence(verb, authority=THIEF)) == "lookup-table"
    taken = evidence(verb)
    robbed = replace(taken, after={**taken.after, WALLET: AccountData(owner=THIEF, lamports=10**9, data=b"")})
    assert refusal(verb, steps(verb), robbed) == "wallet"
    with pytest.raises(RpcError):
        screen_table_change(message(steps(verb)), bounds(verb), POLICY, replace(taken, after={WALLET: taken.after[WALLET]}))
    dear = replace(POLICY, max_fee_lamports=5_004)
    with pytest.raises(PolicyRefused, match="policy_max_fee_lamports"):
        screen_table_change(message(steps(verb)), bounds(verb), dear, evidence(verb))


@pytest.mark.parametrize("verb", VERBS)
def test_no_changed_byte_or_account_passes(verb: TableVerb) -> None:
    """Every byte of every instruction, and every account it names."""
    tried = passed = 0
    chance = random.Random(f"{verb}")
    for place, step in enumerate(steps(verb)):
        data, accounts = bytes(step.data), list(step.accounts)
        changed = [Instruction(step.program_id, data[:cut], accounts) for cut in range(len(data))]
        changed += [Instruction(step.program_id, data + b"\0", accounts)]
        for index in range(len(data)):
            body = bytearray(data)
            body[index] ^= 1 << chance.randrange(8)
            changed.append(Instruction(step.program_id, bytes(body), accounts))
        for index, meta in enumerate(accounts):
            for whom in (THIEF, WALLET, TABLE, SYSTEM_PROGRAM_ID):
                if whom != meta.pubkey:
                    swapped = [*accounts[:index], AccountMeta(whom, meta.is_signer, meta.is_writable), *accounts[index + 1 :]]
                    changed.append(Instruction(step.program_id, data, swapped))
            changed.append(Instruction(step.program_id, data, accounts[:index] + accounts[index + 1 :]))
        changed.append(Instruction(step.program_id, data, [*accounts, AccountMeta(THIEF, False, True)]))
        for one in changed:
            tried += 1
            calls = [*steps(verb)[:place], one, *steps(verb)[place + 1 :]]
            try:
                screen_table_change(message(calls), bounds(verb), POLICY, evidence(verb))
            except PolicyRefused:
                continue
            passed += 1
    assert tried > 15 and passed == 0
