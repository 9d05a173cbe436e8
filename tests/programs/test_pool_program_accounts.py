"""Account substitution, systematically: every account of every instruction against every plausible wrong one.

The candidates are all accounts of the same pool, of a second pool over the same mints, of a pool over other mints, the wallets,
the programs and an address that does not exist. What the caller is free to choose (where outputs go, who pays, who will be
admin) is listed; everything else must be refused, and nothing may move.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.fetchers.pool import instructions
from dexroute.fetchers.pool.idl import idl
from dexroute.fetchers.pool.pda import pool_accounts
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, TransferFee
from dexroute.types.requests import SwapMode
from tests.programs.market import Market, flagged, with_accounts
from tests.programs.samples import TERMS
from tests.programs.world import Outcome, World

SYSTEM = Pubkey.default()


@dataclass(frozen=True)
class Scene:
    """A pool under attack, one over the same mints whose trader is a victim, and one over other mints."""

    market: Market
    victim: Market
    other: Market
    nowhere: Pubkey

    @property
    def world(self) -> World:
        return self.market.world

    @property
    def wallets(self) -> tuple[Keypair, ...]:
        return tuple(wallet for market in (self.market, self.victim, self.other) for wallet in (market.trader, market.admin))

    @property
    def candidates(self) -> dict[str, Pubkey]:
        found = {"token": TOKEN_PROGRAM_ID, "token-2022": TOKEN_2022_PROGRAM_ID, "system": SYSTEM, "nowhere": self.nowhere}
        for name, market in (("own", self.market), ("victim", self.victim), ("other", self.other)):
            accounts = market.accounts
            found |= {
                f"{name} pool": accounts.pool,
                f"{name} oracle": accounts.oracle,
                f"{name} lp mint": accounts.lp_mint,
                f"{name} trader": market.trader.pubkey(),
                f"{name} admin": market.admin.pubkey(),
            }
            for side, letter in enumerate("ab"):
                found[f"{name} vault {letter}"] = accounts.vaults[side]
                found[f"{name} mint {letter}"] = accounts.mints[side]
                found[f"{name} holding {letter}"] = market.holdings[side]
            found[f"{name} lp holding"] = market.holdings[2]
        return found

    def fingerprint(self) -> tuple[object, ...]:
        """All bytes and lamports anybody could want to move; fees are paid by somebody else."""
        return tuple(self.world.account(address) for name, address in self.candidates.items() if "token" not in name)


def scene_of(world: World, *, taxed: bool) -> Scene:
    fee = TransferFee(epoch=0, bps=100, maximum=10**6) if taxed else None
    first, second = world.new_mint(fee=fee), world.new_mint(fee=fee)
    markets = [
        Market.open(world, first, second),
        Market.open(world, first, second, index=1),
        Market.open(world, world.new_mint(), world.new_mint(token_2022=True)),
    ]
    for market in markets:
        assert market.add((4 * 10**9, 9 * 10**9)).ok
        assert market.swap(0, 10**8).ok and market.swap(1, 10**8).ok
    return Scene(market=markets[0], victim=markets[1], other=markets[2], nowhere=Keypair().pubkey())


@pytest.fixture(scope="module", params=["spl", "token-2022"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return scene_of(World(), taxed=request.param == "token-2022")


FRESH_INDEX = count(40)  # pools opened by these tests must not be in each other's way


def initialize(market: Market) -> Instruction:
    index = next(FRESH_INDEX)
    fresh = pool_accounts(*market.mints, index)
    return instructions.initialize_pool(fresh, TERMS, index=index, payer=market.trader.pubkey(), admin=market.admin.pubkey())


BUILD: dict[str, Callable[[Market], Instruction]] = {
    "initialize_pool": initialize,
    "add_liquidity": lambda market: market.add_instruction((10**6, 10**7)),
    "remove_liquidity": lambda market: market.remove_instruction(10**6),
    "swap_exact_in": lambda market: market.swap_instruction(0, 10**6, 0),
    "swap_exact_out": lambda market: market.swap_instruction(1, 10**6, 2**63, SwapMode.EXACT_OUT),
    "collect_protocol_fees": lambda market: market.collect_instruction(),
    "set_pool_status": lambda market: instructions.set_pool_status(market.accounts, status=0, admin=market.admin.pubkey()),
}
ROLES: dict[str, list[str]] = {entry.name: [account.name for account in entry.accounts] for entry in idl().instructions}

# What each role's wrong account is answered with. Token accounts of the user are the token program's to judge, apart from vaults.
CODES: dict[str, set[int | None]] = {
    "pool": {6_001, 6_002, 6_011},
    "oracle": {6_007},
    "lp_mint": {6_008},
    "vault": {6_003},
    "mint": {6_004},
    "token_program": {6_005},
    "admin": {6_006, 6_019},
    "system_program": {6_001},
}
# Opening a pool has no stored addresses to compare with: a wrong mint shows as one of another program, no mint at all, out of
# order, or as a pool address that derives from other mints.
OPENING_MINT: set[int | None] = {6_002, 6_004, 6_005, 6_023}


def freely_chosen(instruction: str, role: str, candidate: str, side: str) -> bool:
    """Whether this candidate is a legitimate choice for this role. `side` is the letter of the mint that the role holds."""
    if instruction == "initialize_pool":
        return role == "admin" or (role == "payer" and candidate.endswith(("trader", "admin")))
    receives = {
        "swap_exact_in": ("user_destination",),
        "swap_exact_out": ("user_destination",),
        "remove_liquidity": ("user_a", "user_b"),
        "collect_protocol_fees": ("destination_a", "destination_b"),
        "add_liquidity": (),
        "set_pool_status": (),
    }[instruction]
    # the victim's pool holds the same mints: its vaults and its trader's accounts may be given something
    return role in receives and candidate in (f"victim holding {side}", f"victim vault {side}", f"own holding {side}")


def side_of(instruction: str, role: str) -> str:
    if role.endswith(("_a", "_b")):
        return role[-1]
    into = "a" if instruction == "swap_exact_in" else "b"
    return into if role.endswith(("_in", "_source")) else "b" if into == "a" else "a"


def expected_codes(instruction: str, role: str, candidate: str) -> set[int | None] | None:
    """The codes a wrong account in this role may get, or None where the token program answers."""
    if role == "pool" and candidate.endswith("pool") and instruction != "initialize_pool":
        return {6_006, 6_007}  # a real pool, but neither its admin nor its oracle
    if instruction == "initialize_pool" and role.startswith("mint"):
        return OPENING_MINT
    for prefix, codes in CODES.items():
        if role.startswith(prefix):
            return codes
    return None


def substitute(scene: Scene, instruction: Instruction, place: int, address: Pubkey) -> Instruction:
    signs = {wallet.pubkey() for wallet in scene.wallets}
    metas = list(instruction.accounts)
    metas[place] = AccountMeta(address, metas[place].is_signer and address in signs, metas[place].is_writable)
    return with_accounts(instruction, metas)


@pytest.mark.parametrize("name", BUILD)
def test_no_account_can_be_replaced(scene: Scene, name: str) -> None:
    instruction = BUILD[name](scene.market)
    before, tried, chosen = scene.fingerprint(), 0, 0
    for place, role in enumerate(ROLES[name]):
        for candidate, address in scene.candidates.items():
            if address == instruction.accounts[place].pubkey:
                continue
            if freely_chosen(name, role, candidate, side_of(name, role)):
                chosen += 1
                continue
            attack = substitute(scene, instruction, place, address)
            outcome = scene.world.send(attack, signers=scene.wallets)
            assert not outcome.ok, f"{name}: {candidate} was taken as {role}"
            codes = expected_codes(name, role, candidate)
            assert codes is None or outcome.code in codes, (name, role, candidate, outcome.code, outcome.logs)
            tried += 1
    assert scene.fingerprint() == before
    assert tried > 30 * len(ROLES[name]) - chosen
    assert_works(scene, name, instruction)


def assert_works(scene: Scene, name: str, instruction: Instruction) -> Outcome:
    """The attacked instruction itself is sound: otherwise refusals would prove nothing."""
    outcome = scene.world.send(instruction, signers=scene.wallets)
    assert outcome.ok, (name, outcome.logs)
    return outcome


@pytest.mark.parametrize("name", [name for name in BUILD if name != "initialize_pool"])
def test_one_pools_account_among_anothers(scene: Scene, name: str) -> None:
    """The reverse: all accounts are the victim's pool's, and one is ours."""
    own, victims = BUILD[name](scene.market), BUILD[name](scene.victim)
    before, tried = scene.fingerprint(), 0
    for place, role in enumerate(ROLES[name]):
        ours, theirs = own.accounts[place].pubkey, victims.accounts[place].pubkey
        if ours == theirs or role in ("user_destination", "destination_a", "destination_b"):
            continue
        if name == "remove_liquidity" and role in ("user_a", "user_b"):
            continue
        outcome = scene.world.send(substitute(scene, victims, place, ours), signers=scene.wallets)
        assert not outcome.ok, f"{name}: {role} of one pool was taken for another's"
        tried += 1
    assert scene.fingerprint() == before
    assert tried >= 2


@pytest.mark.parametrize("name", BUILD)
def test_signatures_and_write_locks_are_demanded(scene: Scene, name: str) -> None:
    instruction = BUILD[name](scene.market)
    before, tried = scene.fingerprint(), 0
    for place, meta in enumerate(instruction.accounts):
        if meta.is_signer:
            outcome = scene.world.send(flagged(instruction, place, signer=False), signers=scene.wallets)
            assert outcome.code == 6_019, (name, ROLES[name][place], outcome.error)
            tried += 1
        if meta.is_writable:
            outcome = scene.world.send(flagged(instruction, place, writable=False), signers=scene.wallets)
            assert outcome.code == 6_021, (name, ROLES[name][place], outcome.error)
            tried += 1
    assert tried >= 2
    assert scene.fingerprint() == before


@pytest.mark.parametrize("name", BUILD)
def test_lists_cut_short_are_refused_and_longer_ones_taken(scene: Scene, name: str) -> None:
    instruction = BUILD[name](scene.market)
    metas = list(instruction.accounts)
    before = scene.fingerprint()
    for length in range(len(metas)):
        outcome = scene.world.send(with_accounts(instruction, metas[:length]), signers=scene.wallets)
        assert outcome.code == 6_020, (name, length, outcome.error)
    assert scene.fingerprint() == before
    unrelated = [AccountMeta(address, False, False) for address in list(scene.candidates.values())[4:16]]
    longer = with_accounts(instruction, metas + metas + unrelated)
    assert_works(scene, name, longer)


def test_a_token_account_given_twice_moves_nothing(scene: Scene) -> None:
    market = scene.market
    a, b, shares = market.holdings
    before = scene.fingerprint()
    for index_in in (0, 1):
        swap = market.swap_instruction(index_in, 10**6, 0)
        for place, address in ((5, market.holdings[1 - index_in]), (6, market.holdings[index_in])):
            assert not market.run(substitute(scene, swap, place, address)).ok
    for place, address in ((6, b), (7, a), (8, a), (6, shares), (7, shares)):
        assert not market.run(substitute(scene, market.add_instruction((10**6, 10**7)), place, address)).ok
        assert not market.run(substitute(scene, market.remove_instruction(10**6), place, address)).ok
    assert scene.fingerprint() == before


def test_nobody_spends_for_another(scene: Scene) -> None:
    """The attacker signs as user and names the victim's accounts as source."""
    market, victim = scene.market, scene.victim
    before = scene.fingerprint()
    for index_in in (0, 1):
        swap = market.swap_instruction(index_in, 10**6, 0)
        assert not market.run(substitute(scene, swap, 5, victim.holdings[index_in])).ok
    assert not market.run(substitute(scene, market.add_instruction((10**6, 10**7)), 6, victim.holdings[0])).ok
    theirs = victim.remove_instruction(10**6)
    assert not market.run(substitute(scene, theirs, 0, market.trader.pubkey())).ok
    assert scene.fingerprint() == before
