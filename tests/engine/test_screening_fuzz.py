"""The gate before the signature, from both sides: no order of ours is ever refused, and no message that takes more than the order
allows ever passes. Markets, routes, options and changes are drawn by seed; a failure names it.

What a message takes is counted here from the simulated accounts alone, by rules written down a second time: all the wallet has, not
only what the screening looks at.
"""

from __future__ import annotations

import random
import struct
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    AssignParams,
    TransferParams,
    advance_nonce_account,
    assign,
    transfer,
)

from dexroute.engine.planning import PlannedSwap, PlanOptions, PreparedAttempt, PriorityFeePolicy, SwapBuilder, as_tables
from dexroute.engine.planning.lookup_tables import decode_lookup_table
from dexroute.engine.planning.message import unsigned_wire
from dexroute.engine.planning.screening import Evidence, SigningPolicy, SwapBounds, named_accounts, own_accounts, screen
from dexroute.engine.planning.tip import JITO_TIP_ACCOUNTS, Tip
from dexroute.engine.planning.token_accounts import associated_token_address, create_associated_account
from dexroute.errors import GuardRefused, PolicyRefused, QuoteError, RpcError, TransactionTooLarge
from dexroute.types.accounts import AccountData
from dexroute.types.mints import NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, TransferFee
from dexroute.types.requests import SwapMode
from tests.engine.leg_world import World, a_user, build_world, give_a_table
from tests.engine.screened import bounds_of, policy_of
from tests.engine.svm_cluster import SOL

LETTERS: Final = "ABCST"  # S is SOL, T is of Token-2022 and takes a transfer fee
MOST_TIP: Final = 50_000
CHANGES_EACH: Final = 40


@dataclass(frozen=True)
class Case:
    """A legal order, prepared: everything the changes are made from."""

    world: World
    user: Keypair
    planned: PlannedSwap
    prepared: PreparedAttempt
    policy: SigningPolicy
    tables: tuple[AddressLookupTableAccount, ...]

    @property
    def bounds(self) -> SwapBounds:
        return bounds_of(self.prepared, self.planned)

    def calls(self) -> list[Instruction]:
        """The message taken apart again, its compute budget first."""
        message = self.prepared.message
        keys = named_accounts(message, {table.key: table.addresses for table in self.tables})
        own, header = len(message.account_keys), message.header
        writable = {index for index in range(own) if message.is_maybe_writable(index)}
        looked_up = sum(len(lookup.writable_indexes) for lookup in message.address_table_lookups)
        writable |= set(range(own, own + looked_up))
        return [
            Instruction(
                keys[call.program_id_index],
                bytes(call.data),
                [AccountMeta(keys[at], at < header.num_required_signatures, at in writable) for at in bytes(call.accounts)],
            )
            for call in message.instructions
        ]

    def message(self, calls: Sequence[Instruction], payer: Pubkey | None = None) -> MessageV0:
        blockhash = self.world.cluster.svm.latest_blockhash()
        return MessageV0.try_compile(payer or self.user.pubkey(), list(calls), list(self.tables), blockhash)

    def everything(self, message: MessageV0) -> list[Pubkey]:
        """The wallet, all it holds, and all the message names."""
        wallet = self.user.pubkey()
        held = [associated_token_address(wallet, mint) for mint in self.world.mints.values()]
        return list(dict.fromkeys([wallet, *held, *named_accounts(message, {t.key: t.addresses for t in self.tables})]))


async def legal(seed: int) -> Case | None:
    """Any order a user may place; None where it does not come as far as a message (too large, nothing to get)."""
    chance = random.Random(seed)
    source, target = chance.sample(LETTERS, 2)
    between = [letter for letter in LETTERS if letter not in (source, target)]
    paths = []
    for _ in range(chance.choice([1, 1, 2, 3])):
        stops = [source, *chance.sample(between, chance.choice([0, 0, 1, 1, 2])), target]
        hops = pairwise(stops)
        paths.append(" ".join(f"{''.join(sorted(hop))}{chance.randrange(2)}>{hop[1]}" for hop in hops))
    fee = TransferFee(epoch=0, bps=chance.choice([0, 1, 100, 3_000]), maximum=chance.choice([5_000, 10**18]))
    world = build_world(*dict.fromkeys(word.partition(">")[0] for word in " ".join(paths).split()), fee=fee)
    user = a_user(world, "".join(dict.fromkeys(source + "".join(chance.sample(LETTERS, chance.randrange(5))))).replace("S", ""))
    unwrapped = chance.random() < 0.8
    if ("S" in source + target and not unwrapped) or chance.random() < 0.3:
        world.cluster.fund(user, SOL, 10**11)  # wrapped SOL the wallet keeps
    shares = [chance.choice([10_000, 123_457, 10**7, 10**9]) for _ in paths]
    try:
        planned = await world.planned(
            source + target,
            sum(shares),
            chance.choice(list(SwapMode)),
            *paths,
            slippage_bps=chance.choice([0, 1, 50, 1_000]),
            hop_slippage_bps=chance.choice([0, 0, 30]),
            options=PlanOptions(wrap_sol=unwrapped),
            amounts=shares,
        )
    except QuoteError:
        return None
    if chance.random() < 0.7:
        give_a_table(world, planned)
    tip = Tip(lamports=chance.choice([1_000, MOST_TIP]), dont_front=chance.random() < 0.5) if chance.random() < 0.5 else None
    policy = policy_of(
        world.venues, tip_accounts=JITO_TIP_ACCOUNTS if tip else frozenset(), max_tip_lamports=MOST_TIP if tip else 0
    )
    fees = PriorityFeePolicy(
        fixed_micro_lamports=chance.choice([None, 0, 1, 50_000]), floor_micro_lamports=chance.choice([0, 1_000])
    )
    builder = SwapBuilder(world.cluster, world.cluster, world.venues, lambda: world.tables, screening=policy, tip=tip)
    lifetime = await world.cluster.latest_blockhash()
    try:
        prepared = await builder.prepare(planned, user.pubkey(), lifetime, fees, apart=chance.getrandbits(256))
    except PolicyRefused as refused:
        raise AssertionError(f"seed {seed}: a legal order was refused: {refused}") from refused
    except (TransactionTooLarge, GuardRefused):
        return None
    named = {lookup.account_key for lookup in prepared.message.address_table_lookups}
    read = [decode_lookup_table(key, world.cluster.account(key), 100) for key in world.tables if key in named]
    return Case(world, user, planned, prepared, policy, tuple(one.account for one in as_tables(read, frozenset())))


def hostile(case: Case, chance: random.Random) -> list[tuple[str, list[Instruction]]]:
    """Messages with one thing in them that no order allows: each must be refused, whatever it would do."""
    wallet, thief = case.user.pubkey(), Keypair().pubkey()
    mint = case.world.mints[chance.choice("ABCT")]
    account = associated_token_address(wallet, mint)
    loot = associated_token_address(thief, mint)

    def token(data: bytes, *accounts: Pubkey) -> Instruction:
        metas = [AccountMeta(key, False, True) for key in accounts]
        return Instruction(mint.token_program, data, [*metas, AccountMeta(wallet, True, False)])

    nonce = AdvanceNonceAccountParams(nonce_pubkey=Keypair().pubkey(), authorized_pubkey=wallet)
    smuggled = {
        "durable nonce": advance_nonce_account(nonce),
        "lamports": transfer(TransferParams(from_pubkey=wallet, to_pubkey=thief, lamports=chance.choice([1, 10**6]))),
        "assign": assign(AssignParams(pubkey=wallet, owner=thief)),
        "transfer": token(b"\x03" + struct.pack("<Q", 1), account, loot),
        "transfer checked": token(b"\x0c" + struct.pack("<QB", 1, 6), account, mint.address, loot),
        "transfer with fee": token(b"\x1a\x01" + struct.pack("<QBQ", 1, 6, 0), account, mint.address, loot),
        "approve": token(b"\x04" + struct.pack("<Q", 2**64 - 1), account, thief),
        "approve checked": token(b"\x0d" + struct.pack("<QB", 2**64 - 1, 6), account, mint.address, thief),
        "set owner": token(b"\x06\x02\x01" + bytes(thief), account),
        "set closer": token(b"\x06\x03\x01" + bytes(thief), account),
        "burn": token(b"\x08" + struct.pack("<Q", 1), account, mint.address),
        "close to a stranger": token(b"\x09", account, thief),
        "close to the wallet": token(b"\x09", account, wallet),
        "another program": Instruction(thief, b"", [AccountMeta(wallet, True, True)]),
        "second signer": Instruction(
            TOKEN_PROGRAM_ID, b"\x11", [AccountMeta(account, False, True), AccountMeta(thief, True, False)]
        ),
        "budget twice": set_compute_unit_limit(1_400_000),
    }
    for_thief = create_associated_account(wallet, mint)
    metas = [*for_thief.accounts[:1], AccountMeta(loot, False, True), AccountMeta(thief, False, False), *for_thief.accounts[3:]]
    smuggled["account for a stranger"] = Instruction(for_thief.program_id, for_thief.data, metas)
    calls, found = case.calls(), []
    for name, one in smuggled.items():
        place = chance.randrange(len(calls) + 1)
        found.append((name, [*calls[:place], one, *calls[place:]]))
    at = chance.randrange(2, len(calls))
    found.append(("program swapped", [*calls[:at], Instruction(thief, calls[at].data, calls[at].accounts), *calls[at + 1 :]]))
    found.append(("fee", [calls[0], set_compute_unit_price(10**9), *calls[2:]]))
    tipped = transfer(TransferParams(from_pubkey=wallet, to_pubkey=min(JITO_TIP_ACCOUNTS, key=bytes), lamports=MOST_TIP + 1))
    found.append(("tip", [*calls, tipped]))
    return found


def changed(case: Case, chance: random.Random) -> tuple[str, list[Instruction]]:
    """A message with anything in it changed. It may still be an order's (a limit tightened, an account opened twice)."""
    calls = case.calls()
    at = chance.randrange(2, len(calls))
    one = calls[at]
    wallet, thief = case.user.pubkey(), case.world.cluster.maker.pubkey()
    kind = chance.choice(["account", "account", "amount", "amount", "byte", "twice", "left out", "moved"])
    if kind == "account":
        metas = list(one.accounts)
        place = chance.randrange(len(metas))
        mint = case.world.mints[chance.choice(LETTERS)]
        whom = chance.choice([wallet, thief, *(associated_token_address(owner, mint) for owner in (wallet, thief))])
        metas[place] = AccountMeta(whom, metas[place].is_signer and whom == wallet, metas[place].is_writable)
        calls[at] = Instruction(one.program_id, one.data, metas)
    elif kind == "amount" and len(one.data) >= 8:
        data = bytearray(one.data)
        place = chance.randrange(len(data) - 7)
        (amount,) = struct.unpack_from("<Q", data, place)
        struct.pack_into("<Q", data, place, chance.choice([0, 1, amount // 2, min(amount * 2, 2**64 - 1), 2**64 - 1]))
        calls[at] = Instruction(one.program_id, bytes(data), one.accounts)
    elif kind == "byte" and one.data:
        data = bytearray(one.data)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        calls[at] = Instruction(one.program_id, bytes(data), one.accounts)
    elif kind == "twice":
        calls.insert(chance.randrange(2, len(calls) + 1), one)
    elif kind == "left out":
        del calls[at]
    else:
        calls.insert(chance.randrange(2, len(calls)), calls.pop(at))
    return kind, calls


def loosened(case: Case) -> list[tuple[str, list[Instruction]]]:
    """The message with one swap's limit loosened, which changes nothing of what a simulation shows. Exact in: the least output is
    less; exact out: the most input is more. Both stand behind the 8-byte name and the amount in the pool program's instructions."""
    calls, found = case.calls(), []
    exact_in = case.planned.request.mode is SwapMode.EXACT_IN
    for at, call in enumerate(calls):
        if case.world.venues.by_program(call.program_id) is None:
            continue
        (limit,) = struct.unpack_from("<Q", call.data, 16)
        for looser in (limit - 1, limit // 2, 1, 0) if exact_in else (limit + 1, limit * 2, 2**64 - 1):
            if (looser < limit) == exact_in:
                data = bytes(call.data[:16]) + struct.pack("<Q", looser)
                changed = Instruction(call.program_id, data, call.accounts)
                found.append((f"swap {at} with limit {looser} for {limit}", [*calls[:at], changed, *calls[at + 1 :]]))
    return found


def check_taken(case: Case, before: dict[Pubkey, AccountData | None], after: dict[Pubkey, AccountData | None]) -> None:
    """All the wallet has, counted again: what left and what came, and that all of it stays in its hands."""
    bounds, wallet = case.bounds, case.user.pubkey()
    moved: defaultdict[Pubkey, int] = defaultdict(int)

    def count(accounts: dict[Pubkey, AccountData | None], sign: int) -> None:
        for key, account in accounts.items():
            if account is None:
                continue
            ours = account.owner in (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID) and len(account.data) >= 165
            ours = ours and account.data[32:64] == bytes(wallet)
            if ours and Pubkey(account.data[:32]) != NATIVE_MINT:
                moved[Pubkey(account.data[:32])] += sign * int.from_bytes(account.data[64:72], "little")
            if ours or key == wallet:
                moved[NATIVE_MINT] += sign * account.lamports
            if ours and sign > 0:
                assert account.data[72:76] == bytes(4) and account.data[129:133] == bytes(4) and account.data[108] == 1

    count(before, -1)
    count(after, +1)
    lamports = case.policy.max_tip_lamports + case.policy.max_fee_lamports
    for mint in {*moved, bounds.input_mint, bounds.output_mint}:
        spare = lamports if mint == NATIVE_MINT else 0
        least = -bounds.max_amount_in if mint == bounds.input_mint else 0
        if mint == bounds.output_mint:
            least = bounds.min_amount_out
        assert moved[mint] >= least - spare, f"{mint}: {moved[mint]}, and the order allows {least}"
    assert moved[bounds.input_mint] < 0


@pytest.mark.parametrize("block", range(3))
async def test_legal_orders_pass_and_no_change_takes_more_than_they_allow(block: int) -> None:
    told: Counter[str] = Counter()
    for seed in range(1_000 * block, 1_000 * block + 16):
        case = await legal(seed)
        if case is None:
            continue
        told["legal"] += 1
        told["with a table"] += bool(case.tables)
        chance = random.Random(seed)
        cluster = case.world.cluster
        for name, calls in hostile(case, chance):
            message = case.message(calls)
            before = {key: cluster.account(key) for key in [*case.everything(message), *(table.key for table in case.tables)]}
            own = own_accounts(case.user.pubkey(), before, before)
            unmoved = Evidence(before=before, after={key: before[key] for key in own})  # as though it did nothing
            with pytest.raises(PolicyRefused):
                screen(message, case.bounds, case.policy, unmoved)
                raise AssertionError(f"seed {seed}: {name} passed")
            told[name] += 1
        for name, calls in loosened(case):
            message = case.message(calls)
            watched = case.everything(message)
            before = {key: cluster.account(key) for key in [*watched, *(table.key for table in case.tables)]}
            done = await cluster.simulate(unsigned_wire(message), accounts=watched)
            assert done.error is None, (seed, name, done.error)
            with pytest.raises(PolicyRefused) as refusal:
                screen(message, case.bounds, case.policy, Evidence(before=before, after=done.post_accounts))
                raise AssertionError(f"seed {seed}: {name} passed")
            assert refusal.value.context["rule"] in ("limit", "swap"), refusal.value
            told[f"loosened, {case.planned.request.mode}, {len(case.planned.quote.route.hops)} hops"] += 1
        for number in range(CHANGES_EACH):
            kind, calls = changed(case, chance)
            message = case.message(calls)
            watched = case.everything(message)
            before = {key: cluster.account(key) for key in [*watched, *(table.key for table in case.tables)]}
            done = await cluster.simulate(unsigned_wire(message), accounts=watched)
            if done.error is not None:
                told["fails in simulation"] += 1
                continue
            try:
                screen(message, case.bounds, case.policy, Evidence(before=before, after=done.post_accounts))
            except (PolicyRefused, RpcError):
                told[f"refused: {kind}"] += 1
                continue
            told[f"passed: {kind}"] += 1
            try:
                check_taken(case, {key: before[key] for key in watched}, dict(done.post_accounts))
            except AssertionError as wrong:
                raise AssertionError(f"seed {seed}, change {number} ({kind}) passed: {wrong}") from wrong
    assert sum(told[name] for name in told if name.startswith("loosened")) > 40, told
    assert told["legal"] >= 6 and told["with a table"] and sum(told[name] for name in told if name.startswith("refused")) > 20, told
