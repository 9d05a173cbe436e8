"""Messages that must never be signed: a sound swap, prepared in the SVM by the real programs, with one thing smuggled in."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID
from solders.system_program import (
    AdvanceNonceAccountParams,
    AssignParams,
    CreateAccountWithSeedParams,
    TransferParams,
    advance_nonce_account,
    assign,
    create_account_with_seed,
    transfer,
)

from dexroute.engine.planning import PreparedAttempt
from dexroute.engine.planning.message import unsigned_wire
from dexroute.engine.planning.screening import Evidence, SigningPolicy, SwapBounds, own_accounts, screen
from dexroute.engine.planning.token_accounts import associated_token_address, close_to_owner
from dexroute.errors import PolicyRefused, RpcError
from dexroute.types.accounts import AccountData
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, NATIVE_MINT, TOKEN_PROGRAM_ID
from dexroute.types.requests import SwapMode
from tests.engine.leg_world import World, a_user, build_world
from tests.engine.screened import bounds_of, policy_of
from tests.engine.svm_cluster import SOL

STRANGER: Final = Pubkey.from_string("Thief11111111111111111111111111111111111111")
TIP: Final = Pubkey.from_string("96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5")
MEMO: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
AMOUNT: Final = 10**6


@dataclass(frozen=True)
class Scene:
    """A swap ready to sign: from A (or SOL) to B, by a wallet that also holds C."""

    world: World
    user: Keypair
    prepared: PreparedAttempt
    bounds: SwapBounds

    @property
    def wallet(self) -> Pubkey:
        return self.user.pubkey()

    def account(self, letter: str) -> Pubkey:
        return associated_token_address(self.wallet, self.world.mints[letter])

    def budget(self, units: int = 400_000, price: int = 0) -> list[Instruction]:
        return [set_compute_unit_limit(units), set_compute_unit_price(price)]

    def message(
        self,
        *extra: Instruction,
        first: Sequence[Instruction] = (),
        budget: Sequence[Instruction] | None = None,
        payer: Pubkey | None = None,
        tables: Sequence[AddressLookupTableAccount] = (),
        plan: Sequence[Instruction] | None = None,
    ) -> MessageV0:
        steps = self.prepared.plan.instructions if plan is None else plan
        calls = [*first, *(self.budget() if budget is None else budget), *steps, *extra]
        return MessageV0.try_compile(payer or self.wallet, calls, list(tables), self.world.cluster.svm.latest_blockhash())

    async def evidence(self, message: MessageV0, *tables: AddressLookupTableAccount, simulate: bool = True) -> Evidence:
        """As a cluster shows it; an unchanged world where the message does not even get through a simulation."""
        named = [*message.account_keys, *(key for table in tables for key in table.addresses)]
        before: dict[Pubkey, AccountData | None] = {key: self.world.cluster.account(key) for key in named}
        for table in tables:
            before[table.key] = table_account(table.addresses)
        own = own_accounts(self.wallet, named, before)
        after: dict[Pubkey, AccountData | None] = {key: before[key] for key in own}
        if simulate and not tables:
            watched = [*own, *(account.address for account in self.prepared.plan.opened)]
            done = await self.world.cluster.simulate(unsigned_wire(message), accounts=watched)
            assert done.error is None, (done.error, done.logs)
            after = dict(done.post_accounts)
        return Evidence(before=before, after=after)


def table_account(addresses: Sequence[Pubkey], owner: Pubkey = LOOKUP_TABLE_PROGRAM_ID) -> AccountData:
    head = struct.pack("<IQQBB32sH", 1, 2**64 - 1, 5, 0, 0, bytes(32), 0)
    return AccountData(owner=owner, lamports=10**9, data=head + b"".join(map(bytes, addresses)))


async def scene(pair: str = "AB", *, mode: SwapMode = SwapMode.EXACT_IN) -> Scene:
    world = build_world("AB0", "SB0")
    user = a_user(world, "ABC")
    planned = await world.planned(pair, AMOUNT, mode, "SB0>S" if pair == "BS" else f"{pair}0")
    prepared = await world.prepare(planned, user)
    return Scene(world, user, prepared, bounds_of(prepared, planned))


def token(data: bytes, *accounts: tuple[Pubkey, bool], program: Pubkey = TOKEN_PROGRAM_ID) -> Instruction:
    return Instruction(program, data, [AccountMeta(key, is_signer, True) for key, is_signer in accounts])


def wrapped_for(it: Scene, whom: Pubkey) -> Instruction:
    paid, owner = it.wallet, TOKEN_PROGRAM_ID
    return create_account_with_seed(
        CreateAccountWithSeedParams(from_pubkey=paid, to_pubkey=whom, base=paid, seed="x", lamports=10**7, space=165, owner=owner)
    )


def with_c(it: Scene, data: bytes, *others: Pubkey) -> Instruction:
    """To the token program: the wallet's C, what else it takes, and the wallet's signature."""
    return token(data, (it.account("C"), False), *((key, False) for key in others), (it.wallet, True))


async def refuse(scene: Scene, message: MessageV0, rule: str, *, policy: SigningPolicy | None = None, **how: Any) -> PolicyRefused:
    with pytest.raises(PolicyRefused) as refusal:
        screen(message, scene.bounds, policy or policy_of(), await scene.evidence(message, **how))
    assert refusal.value.context["rule"] == rule, refusal.value
    assert refusal.value.exit_code == 4 and "nothing was sent" in refusal.value.message
    return refusal.value


async def test_the_swap_itself_passes() -> None:
    for pair in ("AB", "SB", "BS"):
        there = await scene(pair)
        message = there.message()
        assert screen(message, there.bounds, policy_of(), await there.evidence(message)).calls == len(message.instructions)


Smuggled = Callable[[Scene], Instruction]
CALLS: Final[dict[str, tuple[str, Smuggled]]] = {
    "lamports-to-a-stranger": (
        "recipient",
        lambda it: transfer(TransferParams(from_pubkey=it.wallet, to_pubkey=STRANGER, lamports=1_000_000)),
    ),
    "tokens-to-a-stranger": ("token", lambda it: with_c(it, b"\x03" + struct.pack("<Q", 1), STRANGER)),
    "transfer-checked": ("token", lambda it: with_c(it, b"\x0c" + struct.pack("<QB", 1, 6), it.world.mints["C"].address, STRANGER)),
    "approve": ("token", lambda it: with_c(it, b"\x04" + struct.pack("<Q", 2**64 - 1), STRANGER)),
    "approve-checked": ("token", lambda it: with_c(it, b"\x0d" + struct.pack("<QB", 1, 6), it.world.mints["C"].address, STRANGER)),
    "set-authority": ("token", lambda it: with_c(it, b"\x06\x02\x01" + bytes(STRANGER))),
    "burn": ("token", lambda it: with_c(it, b"\x08" + struct.pack("<Q", 1), it.world.mints["C"].address)),
    "close-to-a-stranger": ("recipient", lambda it: with_c(it, b"\x09", STRANGER)),
    "close-an-old-account": ("close", lambda it: close_to_owner(it.account("C"), it.wallet)),
    "assign": ("system", lambda it: assign(AssignParams(pubkey=it.wallet, owner=STRANGER))),
    "other-program": ("program", lambda it: Instruction(STRANGER, b"", [AccountMeta(it.wallet, True, True)])),
    "lookup-table-program": ("program", lambda it: Instruction(LOOKUP_TABLE_PROGRAM_ID, b"", [])),
    "account-for-a-stranger": (
        "recipient",
        lambda it: Instruction(
            ASSOCIATED_TOKEN_PROGRAM_ID,
            b"\x01",
            [
                AccountMeta(it.wallet, True, True),
                AccountMeta(associated_token_address(STRANGER, it.world.mints["A"]), False, True),
                AccountMeta(STRANGER, False, False),
                AccountMeta(it.world.mints["A"].address, False, False),
                AccountMeta(SYSTEM_PROGRAM_ID, False, False),
                AccountMeta(TOKEN_PROGRAM_ID, False, False),
            ],
        ),
    ),
    "account-of-another-mint": (
        "mint",
        lambda it: Instruction(
            ASSOCIATED_TOKEN_PROGRAM_ID,
            b"\x01",
            [
                AccountMeta(it.wallet, True, True),
                AccountMeta(it.account("D"), False, True),
                AccountMeta(it.wallet, False, False),
                AccountMeta(it.world.mints["D"].address, False, False),
                AccountMeta(SYSTEM_PROGRAM_ID, False, False),
                AccountMeta(TOKEN_PROGRAM_ID, False, False),
            ],
        ),
    ),
    "wrapped-for-a-stranger": ("recipient", lambda it: wrapped_for(it, STRANGER)),
    "initialize-for-a-stranger": (
        "recipient",
        lambda it: token(b"\x12" + bytes(STRANGER), (it.account("C"), False), (NATIVE_MINT, False)),
    ),
    "cut-short": ("malformed", lambda it: Instruction(SYSTEM_PROGRAM_ID, b"\x02", [])),
    "budget-again": ("compute-budget", lambda it: set_compute_unit_limit(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
async def test_a_smuggled_instruction_is_refused(name: str) -> None:
    rule, smuggled = CALLS[name]
    there = await scene()
    await refuse(there, there.message(smuggled(there)), rule, simulate=False)


async def test_a_durable_nonce_is_refused() -> None:
    there = await scene()
    advance = advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=Pubkey.new_unique(), authorized_pubkey=there.wallet))
    refusal = await refuse(there, there.message(first=[advance]), "system", simulate=False)
    assert "durable nonce" in refusal.message


async def test_another_fee_payer_or_a_second_signer_is_refused() -> None:
    there = await scene()
    await refuse(there, there.message(payer=STRANGER), "fee-payer", simulate=False)
    memo = Instruction(
        Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"), b"hi", [AccountMeta(STRANGER, True, False)]
    )
    await refuse(there, there.message(memo), "signers", simulate=False)


async def test_fees_beyond_the_policy_are_refused() -> None:
    there = await scene()
    dear = there.message(budget=there.budget(1_400_000, 10_000_000))
    refusal = await refuse(there, dear, "fee", simulate=False)
    assert refusal.context["fee_lamports"] == "14005000"
    silent = there.message(budget=[set_compute_unit_price(60_000_000)])  # without a limit the bid counts for the default units
    await refuse(there, silent, "fee", simulate=False)


@pytest.mark.parametrize("hidden", ["transfer", "close"])
async def test_a_recipient_hidden_in_a_lookup_table_is_found(hidden: str) -> None:
    there = await scene()
    table = AddressLookupTableAccount(key=Pubkey.new_unique(), addresses=[Pubkey.new_unique(), STRANGER])
    smuggled = {
        "transfer": transfer(TransferParams(from_pubkey=there.wallet, to_pubkey=STRANGER, lamports=1)),
        "close": token(b"\x09", (there.account("C"), False), (STRANGER, False), (there.wallet, True)),
    }[hidden]
    message = there.message(smuggled, tables=[table])
    assert message.address_table_lookups and STRANGER not in message.account_keys
    refused = [PolicyRefused, "recipient"]
    with pytest.raises(PolicyRefused) as refusal:
        screen(message, there.bounds, policy_of(), await there.evidence(message, table))
    assert [type(refusal.value), refusal.value.context["rule"]] == refused and str(STRANGER) in refusal.value.message


async def test_a_table_that_is_none_or_too_short_is_refused() -> None:
    there = await scene()
    known = [key for key in there.prepared.message.account_keys[1:] if there.prepared.message.is_maybe_writable(1)]
    table = AddressLookupTableAccount(key=Pubkey.new_unique(), addresses=known)
    message = there.message(tables=[table])
    assert message.address_table_lookups
    sound = await there.evidence(message, table)
    for shown in (None, table_account(known, owner=STRANGER), table_account(known[:1])):
        with pytest.raises(PolicyRefused) as refusal:
            screen(message, there.bounds, policy_of(), replace(sound, before={**sound.before, table.key: shown}))
        assert refusal.value.context["rule"] == "lookup-table"


async def test_a_venue_that_pays_somebody_else_is_found_by_the_balances() -> None:
    """The message is a swap of ours in every instruction, only its output goes elsewhere."""
    there = await scene()
    thief = there.world.cluster.rich_wallet()
    elsewhere = there.world.cluster.fund(thief, there.world.mints["B"], 1)
    mine = there.account("B")
    swap = there.prepared.plan.instructions[-1]
    metas = [AccountMeta(elsewhere if m.pubkey == mine else m.pubkey, m.is_signer, m.is_writable) for m in swap.accounts]
    plan = [*there.prepared.plan.instructions[:-1], Instruction(swap.program_id, swap.data, metas)]
    refusal = await refuse(there, there.message(plan=plan), "balance")
    assert "would bring 0" in refusal.message


async def test_more_than_the_order_allows_is_found_by_the_balances() -> None:
    there = await scene()
    message = there.message()
    evidence = await there.evidence(message)
    for bounds, said in (
        (replace(there.bounds, max_amount_in=AMOUNT - 1), f"would spend {AMOUNT}"),
        (replace(there.bounds, min_amount_out=AMOUNT * 100), "would bring"),
    ):
        with pytest.raises(PolicyRefused, match=said):
            screen(message, bounds, policy_of(), evidence)


def other_swap(it: Scene, *, data: bytes | None = None, accounts: dict[Pubkey, Pubkey] | None = None) -> MessageV0:
    """The scene's message with its swap changed."""
    calls = list(it.prepared.plan.instructions)
    at = next(place for place, call in enumerate(calls) if it.world.venues.by_program(call.program_id) is not None)
    swap, instead = calls[at], accounts or {}
    metas = [AccountMeta(instead.get(m.pubkey, m.pubkey), m.is_signer, m.is_writable) for m in swap.accounts]
    calls[at] = Instruction(swap.program_id, bytes(swap.data) if data is None else data, metas)
    return it.message(plan=calls)


@pytest.mark.parametrize("mode", SwapMode)
async def test_a_limit_that_does_not_hold_the_order_is_refused_although_the_simulation_does(mode: SwapMode) -> None:
    there = await scene(mode=mode)
    data = bytes(there.prepared.plan.instructions[-1].data)
    (limit,) = struct.unpack("<Q", data[16:])
    by_one, rule = (-1, "its swaps accept") if mode is SwapMode.EXACT_IN else (1, "its swaps may spend")
    for change in (by_one, by_one * limit // 2):
        message = other_swap(there, data=data[:16] + struct.pack("<Q", limit + change))
        refusal = await refuse(there, message, "limit")
        assert rule in refusal.message and str(limit + change) in refusal.message
    if mode is SwapMode.EXACT_IN:
        refusal = await refuse(there, other_swap(there, data=data[:16] + bytes(8)), "swap")
        assert "no least output" in refusal.message
    tighter = other_swap(there, data=data[:16] + struct.pack("<Q", limit - by_one))
    screen(tighter, there.bounds, policy_of(), await there.evidence(tighter))


async def test_a_program_the_policy_names_is_not_read_as_a_swap() -> None:
    """It may be called, but the order's limits are the venues' to hold: that it seems to do the whole swap is not enough."""
    there = await scene()
    own = Instruction(TIP, b"?", [AccountMeta(there.account(letter), False, True) for letter in "AB"])
    message = there.message(own)
    evidence = await there.evidence(there.message())
    named = {key: evidence.before.get(key) for key in [*message.account_keys]}
    shown = replace(evidence, before={**evidence.before, **named})
    screen(message, there.bounds, policy_of(programs=frozenset({TIP})), shown)
    alone = [call for call in there.prepared.plan.instructions if there.world.venues.by_program(call.program_id) is None]
    with pytest.raises(PolicyRefused, match="its swaps accept 0"):
        screen(there.message(own, plan=alone), there.bounds, policy_of(programs=frozenset({TIP})), shown)


TAMPERED: Final[dict[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "taken": ("balance", lambda data: data[:64] + struct.pack("<Q", 5) + data[72:]),
    "delegated": ("account", lambda data: data[:72] + b"\x01\0\0\0" + bytes(STRANGER) + data[108:]),
    "handed-over": ("account", lambda data: data[:32] + bytes(STRANGER) + data[64:]),
    "closer": ("account", lambda data: data[:129] + b"\x01\0\0\0" + bytes(STRANGER)),
    "frozen": ("account", lambda data: data[:108] + b"\x02" + data[109:]),
    "gone": ("account", lambda data: b""),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
async def test_what_a_venue_does_to_another_account_of_ours_is_found(name: str) -> None:
    """The wallet's C is in the message only because a venue's instruction names it, which no swap of ours does either."""
    rule, tampered = TAMPERED[name]
    there = await scene()
    plan = list(there.prepared.plan.instructions)
    swap = plan[-1]
    plan[-1] = Instruction(swap.program_id, swap.data, [*swap.accounts, AccountMeta(there.account("C"), False, True)])
    message = there.message(plan=plan)
    evidence = await there.evidence(message)
    with pytest.raises(PolicyRefused, match="cannot be read as a swap"):
        screen(message, there.bounds, policy_of(), evidence)  # named, but left alone
    c = evidence.after[there.account("C")]
    assert c is not None
    after = {**evidence.after, there.account("C"): replace(c, data=tampered(c.data))}
    with pytest.raises(PolicyRefused) as refusal:
        screen(message, there.bounds, policy_of(), replace(evidence, after=after))
    assert refusal.value.context["rule"] == rule


@pytest.mark.parametrize(("change", "rule"), [(-1, "balance"), (1, "balance"), (None, "wallet")])
async def test_what_happens_to_the_wallet_itself_is_found(change: int | None, rule: str) -> None:
    there = await scene()
    message = there.message()
    evidence = await there.evidence(message)
    held = evidence.after[there.wallet]
    assert held is not None
    other = replace(held, owner=STRANGER) if change is None else replace(held, lamports=held.lamports + change)
    with pytest.raises(PolicyRefused) as refusal:
        screen(message, there.bounds, policy_of(), replace(evidence, after={**evidence.after, there.wallet: other}))
    assert refusal.value.context["rule"] == rule


async def test_a_simulation_that_leaves_an_account_out_proves_nothing() -> None:
    there = await scene()
    message = there.message()
    evidence = await there.evidence(message)
    after = {key: held for key, held in evidence.after.items() if key != there.account("B")}
    with pytest.raises(RpcError, match="without returning"):
        screen(message, there.bounds, policy_of(), replace(evidence, after=after))


@pytest.mark.parametrize("pair", ["SB", "BS"])
async def test_wrapped_sol_that_stays_open_is_refused(pair: str) -> None:
    there = await scene(pair)
    plan = there.prepared.plan.instructions[:-1]
    await refuse(there, there.message(plan=plan), "close", simulate=False)


async def test_spending_more_sol_than_allowed_is_refused() -> None:
    there = await scene("SB")
    message = there.message()
    evidence = await there.evidence(message)
    screen(message, there.bounds, policy_of(), evidence)
    with pytest.raises(PolicyRefused, match="would spend"):
        screen(message, replace(there.bounds, max_amount_in=AMOUNT - 1), policy_of(), evidence)
    with pytest.raises(PolicyRefused, match="would bring"):
        selling = await scene("BS")
        message = selling.message()
        bounds = replace(selling.bounds, min_amount_out=selling.prepared.simulated.amount_out + 1)
        screen(message, bounds, policy_of(), await selling.evidence(message))


async def test_tips_go_to_tip_accounts_only_and_up_to_their_cap() -> None:
    there = await scene()
    tip = transfer(TransferParams(from_pubkey=there.wallet, to_pubkey=TIP, lamports=10_000_000))
    message = there.message(tip)
    await refuse(there, message, "recipient")
    allowed = policy_of(tip_accounts=frozenset({TIP}), max_tip_lamports=10_000_000)
    assert screen(message, there.bounds, allowed, await there.evidence(message)).tip_lamports == 10_000_000
    once_more = transfer(TransferParams(from_pubkey=there.wallet, to_pubkey=TIP, lamports=1))
    await refuse(there, there.message(tip, once_more), "tip", policy=allowed)


async def test_limits_of_the_policy() -> None:
    there = await scene()
    message = there.message()
    a, b = there.bounds.input_mint, there.bounds.output_mint
    evidence = await there.evidence(message)
    screen(message, there.bounds, policy_of(order_limits={a: AMOUNT}, only_mints=frozenset({a, b})), evidence)
    for policy, rule in (
        (policy_of(order_limits={a: AMOUNT - 1}), "order-limit"),
        (policy_of(only_mints=frozenset({a, SOL.address})), "mint"),
        (policy_of(only_mints=frozenset({b})), "mint"),
    ):
        with pytest.raises(PolicyRefused) as refusal:
            screen(message, there.bounds, policy, evidence)
        assert refusal.value.context["rule"] == rule
