"""One pool on a World, a trader with funds, and the Python model's word on every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.errors import QuoteError
from dexroute.fetchers.pool import instructions
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.liquidity import LiquidityQuote, quote_add, quote_remove
from dexroute.fetchers.pool.oracle import decode_observations
from dexroute.fetchers.pool.pda import PoolAccounts, pool_accounts
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.pool.price_sums import PriceSums
from dexroute.fetchers.pool.venue import DexroutePools
from dexroute.types.mints import Mint, TransferFee
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.programs.samples import TERMS
from tests.programs.world import Outcome, World

U64_MAX = 2**64 - 1
FUNDS = 2**62


@dataclass
class Market:
    """`holdings` are the trader's token accounts of a, b and the LP mint."""

    world: World
    accounts: PoolAccounts
    index: int
    mints: tuple[Mint, Mint]
    trader: Keypair
    admin: Keypair
    holdings: tuple[Pubkey, Pubkey, Pubkey] = field(init=False)

    @classmethod
    def open(
        cls, world: World, first: Mint, second: Mint, terms: FeeTerms = TERMS, *, index: int = 0, funds: int = FUNDS
    ) -> Market:
        """An empty pool, and a trader holding `funds` base units of either token."""
        mints = (first, second) if bytes(first.address) < bytes(second.address) else (second, first)
        market = cls(
            world=world,
            accounts=pool_accounts(first, second, index, program_id=world.program_id),
            index=index,
            mints=mints,
            trader=world.new_wallet(),
            admin=world.new_wallet(),
        )
        world.must(market.initialize(terms))
        a, b = (world.new_token_account(mint, market.trader.pubkey(), funds) for mint in mints)
        market.holdings = (a, b, world.new_token_account(market.accounts.lp_token, market.trader.pubkey()))
        return market

    def initialize(self, terms: FeeTerms = TERMS) -> Instruction:
        payer = self.world.payer.pubkey()
        return instructions.initialize_pool(self.accounts, terms, index=self.index, payer=payer, admin=self.admin.pubkey())

    @property
    def pool(self) -> DexroutePool:
        """The pool as the chain has it now, read by the venue."""
        known = self.world.snapshot([self.accounts.pool, *self.accounts.mints])
        return DexroutePools(program_id=self.world.program_id).decode_pool(self.accounts.pool, known)

    @property
    def observations(self) -> tuple[PriceSums, ...]:
        account = self.world.account(self.accounts.oracle)
        assert account is not None
        return decode_observations(account, pool=self.accounts.pool, program_id=self.accounts.program_id)

    @property
    def balances(self) -> tuple[int, int, int]:
        """The trader's a, b and LP units."""
        a, b, lp = (self.world.balance(account) for account in self.holdings)
        return a, b, lp

    @property
    def vaults(self) -> tuple[int, int]:
        return self.world.balance(self.accounts.vaults[0]), self.world.balance(self.accounts.vaults[1])

    def run(self, instruction: Instruction, *signers: Keypair) -> Outcome:
        return self.world.send(instruction, signers=signers or [self.trader])

    def swap_instruction(self, index_in: int, amount: int, limit: int, mode: SwapMode = SwapMode.EXACT_IN) -> Instruction:
        return instructions.swap(
            self.accounts,
            index_in,
            mode,
            amount=amount,
            limit=limit,
            user=self.trader.pubkey(),
            source=self.holdings[index_in],
            destination=self.holdings[1 - index_in],
        )

    def swap(self, index_in: int, amount: int, limit: int | None = None, mode: SwapMode = SwapMode.EXACT_IN) -> Outcome:
        if limit is None:
            limit = 0 if mode is SwapMode.EXACT_IN else U64_MAX
        return self.run(self.swap_instruction(index_in, amount, limit, mode))

    def add_instruction(self, amounts: tuple[int, int], min_lp: int = 0) -> Instruction:
        a, b, lp = self.holdings
        return instructions.add_liquidity(
            self.accounts, max_amounts=amounts, min_lp=min_lp, user=self.trader.pubkey(), sources=(a, b), user_lp=lp
        )

    def add(self, amounts: tuple[int, int], min_lp: int = 0) -> Outcome:
        return self.run(self.add_instruction(amounts, min_lp))

    def remove_instruction(self, lp: int, minima: tuple[int, int] = (0, 0)) -> Instruction:
        a, b, shares = self.holdings
        return instructions.remove_liquidity(
            self.accounts, lp=lp, min_amounts=minima, user=self.trader.pubkey(), destinations=(a, b), user_lp=shares
        )

    def remove(self, lp: int, minima: tuple[int, int] = (0, 0)) -> Outcome:
        return self.run(self.remove_instruction(lp, minima))

    def collect_instruction(self) -> Instruction:
        a, b, _ = self.holdings
        return instructions.collect_protocol_fees(self.accounts, admin=self.admin.pubkey(), destinations=(a, b))

    def collect(self) -> Outcome:
        return self.run(self.collect_instruction(), self.admin)

    def set_status(self, status: int) -> Outcome:
        return self.run(instructions.set_pool_status(self.accounts, status=status, admin=self.admin.pubkey()), self.admin)

    def request(self, index_in: int, amount: int, mode: SwapMode) -> QuoteRequest:
        return QuoteRequest(
            input_mint=self.mints[index_in].address, output_mint=self.mints[1 - index_in].address, amount=amount, mode=mode
        )

    def give_to_vault(self, side: int, amount: int) -> None:
        """A donation: tokens appear in a vault without the program being asked."""
        self.world.mint_to(self.mints[side], self.accounts.vaults[side], amount)


_FRESH_INDEX = count(100)


def fresh_market(
    world: World, terms: FeeTerms = TERMS, *, fees: tuple[TransferFee | None, TransferFee | None] = (None, None)
) -> Market:
    """An empty pool of new mints, for examples that come by the hundred."""
    first, second = (world.new_mint(fee=fee) for fee in fees)
    return Market.open(world, first, second, terms, index=next(_FRESH_INDEX))


def swap_as_predicted(market: Market, index_in: int, amount: int, mode: SwapMode) -> Outcome:
    """Swap, and hold the chain to the quote: same refusal code, or same state, balances and event to the last unit."""
    pool, before, vaults = market.pool, market.balances, market.vaults
    try:
        quote = pool.quote(market.request(index_in, amount, mode))
    except QuoteError as refusal:
        return refused_as_predicted(market, market.swap(index_in, amount, mode=mode), refusal, pool)
    outcome = market.swap(index_in, amount, mode=mode)
    after = quote.next_pool
    assert isinstance(after, DexroutePool)
    beyond_any_supply = after.reserves[index_in] + after.protocol_fees[index_in] > U64_MAX
    if quote.amount_in > before[index_in] or beyond_any_supply:
        return refused_by_the_token_program(market, outcome, pool)
    assert outcome.ok, (outcome.error, outcome.logs)
    assert market.pool == after
    expected = list(before)
    expected[index_in] -= quote.amount_in
    expected[1 - index_in] += quote.amount_out
    assert list(market.balances) == expected
    change = [now - then for now, then in zip(market.vaults, vaults, strict=True)]
    owned = [after.reserves[s] + after.protocol_fees[s] - pool.reserves[s] - pool.protocol_fees[s] for s in (0, 1)]
    assert change == owned
    (event,) = outcome.events
    fee = sum(part.amount for part in quote.fees if part.kind.value == "pool")
    assert _values(event) == {
        "pool": pool.address,
        "user": market.trader.pubkey(),
        "a_to_b": index_in == 0,
        "amount_in": quote.amount_in,
        "amount_out": quote.amount_out,
        "fee": fee,
        "protocol_fee": pool.terms.protocol_part(fee),
        "fee_ppm": pool.fee_ppm(),
        "reserve_a": after.reserves[0],
        "reserve_b": after.reserves[1],
    }
    return outcome


def add_as_predicted(market: Market, amounts: tuple[int, int]) -> Outcome:
    """Add liquidity, and hold the chain to the quote."""
    pool, before, vaults = market.pool, market.balances, market.vaults
    try:
        quote = quote_add(pool, amounts)
    except QuoteError as refusal:
        return refused_as_predicted(market, market.add(amounts), refusal, pool)
    outcome = market.add(amounts)
    if quote.amounts[0] > before[0] or quote.amounts[1] > before[1]:
        return refused_by_the_token_program(market, outcome, pool)
    assert outcome.ok, (outcome.error, outcome.logs)
    assert market.balances == (before[0] - quote.amounts[0], before[1] - quote.amounts[1], before[2] + quote.lp)
    _liquidity_moved(market, quote, pool, vaults, outcome, "LiquidityAdded")
    return outcome


def remove_as_predicted(market: Market, lp: int) -> Outcome:
    """Remove liquidity, and hold the chain to the quote."""
    pool, before, vaults = market.pool, market.balances, market.vaults
    try:
        quote = quote_remove(pool, lp)
    except QuoteError as refusal:
        return refused_as_predicted(market, market.remove(lp), refusal, pool)
    outcome = market.remove(lp)
    if lp > before[2]:
        return refused_by_the_token_program(market, outcome, pool)
    assert outcome.ok, (outcome.error, outcome.logs)
    assert market.balances == (before[0] + quote.amounts[0], before[1] + quote.amounts[1], before[2] - lp)
    _liquidity_moved(market, quote, pool, vaults, outcome, "LiquidityRemoved")
    return outcome


def refused_as_predicted(market: Market, outcome: Outcome, refusal: QuoteError, pool: DexroutePool) -> Outcome:
    assert not outcome.ok, f"the program did what the model refused: {refusal}"
    assert outcome.code == refusal.program_error, (refusal, outcome.error, outcome.logs)
    assert market.pool == pool
    return outcome


def refused_by_the_token_program(market: Market, outcome: Outcome, pool: DexroutePool) -> Outcome:
    """The pool would have done it, but the user has too little (1), or the vault cannot count that far (14)."""
    assert not outcome.ok and outcome.code in (1, 14), (outcome.error, outcome.logs)
    assert market.pool == pool
    return outcome


def _liquidity_moved(
    market: Market, quote: LiquidityQuote, pool: DexroutePool, vaults: tuple[int, int], outcome: Outcome, kind: str
) -> None:
    after = quote.next_pool
    assert market.pool == after
    assert [n - t for n, t in zip(market.vaults, vaults, strict=True)] == [after.reserves[s] - pool.reserves[s] for s in (0, 1)]
    (event,) = outcome.events
    assert type(event).__name__ == kind
    assert _values(event) == {
        "pool": pool.address,
        "user": market.trader.pubkey(),
        "amount_a": quote.amounts[0],
        "amount_b": quote.amounts[1],
        "lp": quote.lp,
        "reserve_a": after.reserves[0],
        "reserve_b": after.reserves[1],
        "lp_supply": after.lp_supply,
    }


def _values(event: object) -> dict[str, object]:
    return {name: getattr(event, name) for name in type(event).__dataclass_fields__}  # type: ignore[attr-defined]


def flagged(instruction: Instruction, place: int, *, signer: bool | None = None, writable: bool | None = None) -> Instruction:
    """The same instruction with another flag on one account."""
    metas = list(instruction.accounts)
    meta = metas[place]
    metas[place] = AccountMeta(
        meta.pubkey, meta.is_signer if signer is None else signer, meta.is_writable if writable is None else writable
    )
    return Instruction(instruction.program_id, instruction.data, metas)


def substituted(instruction: Instruction, place: int, address: Pubkey) -> Instruction:
    """The same instruction with another account at one place."""
    metas = list(instruction.accounts)
    metas[place] = AccountMeta(address, metas[place].is_signer, metas[place].is_writable)
    return Instruction(instruction.program_id, instruction.data, metas)


def with_data(instruction: Instruction, payload: bytes) -> Instruction:
    return Instruction(instruction.program_id, payload, list(instruction.accounts))


def with_accounts(instruction: Instruction, metas: Sequence[AccountMeta]) -> Instruction:
    return Instruction(instruction.program_id, instruction.data, list(metas))
