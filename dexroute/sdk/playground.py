"""A market to try things on: tokens, pools and a funded wallet on a test cluster, made with real transactions.

What only the keeper of a cluster can do (placing recorded pools of other venues, and balances of their mints) is done where the
cluster is the embedded one, and left out elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.chain.signers import KeypairSigner
from dexroute.chain.tokens import MAINNET_GENESIS, add_token
from dexroute.errors import UsageError
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.pda import pool_accounts
from dexroute.fetchers.pool.seeding import deposit, open_pool
from dexroute.fetchers.tokens import decode_mint
from dexroute.sdk.dex import Dex
from dexroute.sdk.playground_chain import PlaygroundChain
from dexroute.types.mints import NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint, TransferFee

_SOL: Final = 10**9
WALLET_LAMPORTS: Final = 1_400 * _SOL


@dataclass(frozen=True, slots=True, kw_only=True)
class _TokenPlan:
    symbol: str
    decimals: int
    supply: int  # whole tokens, all to the wallet
    transfer_fee_bps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _PoolPlan:
    """Amounts in whole tokens; together they set the price."""

    tokens: tuple[str, str]
    amounts: tuple[int, int]
    terms: FeeTerms
    index: int = 0


_TOKENS: Final = (
    _TokenPlan(symbol="USDC", decimals=6, supply=260_000),
    _TokenPlan(symbol="BONK", decimals=5, supply=3_500_000_000),
    _TokenPlan(symbol="TAXED", decimals=6, supply=60_000, transfer_fee_bps=100),
)
_VOLATILE: Final = FeeTerms(
    base_fee_ppm=2_500,
    protocol_share_ppm=120_000,
    dynamic_fee_ppm=200,
    max_volatility_bps=2_000,
    filter_period_s=10,
    decay_period_s=120,
)
_POOLS: Final = (
    _PoolPlan(tokens=("SOL", "USDC"), amounts=(1_000, 150_000), terms=_VOLATILE),
    _PoolPlan(tokens=("SOL", "USDC"), amounts=(200, 30_030), terms=FeeTerms(base_fee_ppm=500), index=1),
    _PoolPlan(tokens=("USDC", "BONK"), amounts=(60_000, 3_000_000_000), terms=FeeTerms(base_fee_ppm=3_000)),
    _PoolPlan(tokens=("SOL", "BONK"), amounts=(20, 149_000_000), terms=FeeTerms(base_fee_ppm=10_000)),
    _PoolPlan(tokens=("SOL", "TAXED"), amounts=(50, 50_000), terms=FeeTerms(base_fee_ppm=3_000)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Playground:
    """What was made. `mints` by symbol; `recorded` are (venue id, pool, first mint, second mint) placed from recordings."""

    mints: dict[str, Mint]
    pools: tuple[Pubkey, ...]
    recorded: tuple[tuple[str, Pubkey, Pubkey, Pubkey], ...]

    @property
    def recorded_pairs(self) -> list[tuple[str, str]]:
        """The mints of each recorded pool, over which a pool of ours stands as well."""
        return [(str(first), str(second)) for _, _, first, second in self.recorded]


async def make_playground(dex: Dex, signer: KeypairSigner, *, progress: Callable[[str], None] = lambda _: None) -> Playground:
    """Fund the signer's wallet and make tokens and pools around it; `progress` hears of each step. Symbols are added to the data
    directory's token list. Raises DexError when the cluster refuses a step."""
    if dex.connection.genesis_hash == MAINNET_GENESIS:
        raise UsageError("a playground is for test clusters: its transactions are signed unscreened, and this is mainnet-beta")
    chain = PlaygroundChain(dex.connection.client, signer)
    progress("airdrop to a new wallet")
    await dex.faucet().airdrop(signer.pubkey, WALLET_LAMPORTS)
    mints = {"SOL": Mint(address=NATIVE_MINT, decimals=9, token_program=TOKEN_PROGRAM_ID)}
    for plan in _TOKENS:
        progress(f"token {plan.symbol}")
        mints[plan.symbol] = await _make_token(chain, plan)
    for mint, symbol in ((mint, symbol) for symbol, mint in mints.items() if symbol != "SOL"):
        add_token(dex.settings.data_dir, dex.connection.genesis_hash, symbol=symbol, mint=mint.address, decimals=mint.decimals)
    pools = []
    for pool in _POOLS:
        progress(f"pool {'/'.join(pool.tokens)} #{pool.index}")
        held = [mints[symbol] for symbol in pool.tokens]
        amounts = {mint.address: whole * 10**mint.decimals for mint, whole in zip(held, pool.amounts, strict=True)}
        pools.append(await _make_pool(chain, held, amounts, pool.terms, pool.index))
    recorded: list[tuple[str, Pubkey, Pubkey, Pubkey]] = []
    if dex.connection.embedded is not None:
        recorded = await _place_recordings(dex, chain, progress)
    await chain.settle()
    dex.reload_tokens()
    return Playground(mints=mints, pools=tuple(pools), recorded=tuple(recorded))


async def _make_token(chain: PlaygroundChain, plan: _TokenPlan) -> Mint:
    fee = TransferFee(epoch=0, bps=plan.transfer_fee_bps, maximum=2**64 - 1) if plan.transfer_fee_bps else None
    program = TOKEN_2022_PROGRAM_ID if fee else TOKEN_PROGRAM_ID
    return await chain.create_token(plan.decimals, plan.supply * 10**plan.decimals, program, fee)


async def _make_pool(chain: PlaygroundChain, mints: list[Mint], amounts: dict[Pubkey, int], terms: FeeTerms, index: int) -> Pubkey:
    first, second = mints
    accounts = pool_accounts(first, second, index)
    holdings = {accounts.lp_mint: chain.account_of(accounts.lp_token), **{mint.address: chain.account_of(mint) for mint in mints}}
    await chain.run([open_pool(accounts, terms, payer=chain.user, admin=chain.user, index=index)])
    wraps = [chain.wrap(amounts[mint.address]) for mint in mints if mint.address == NATIVE_MINT]
    await chain.run(
        [
            chain.open_account(accounts.lp_token),
            *(instruction for wrap in wraps for instruction in wrap),
            deposit(accounts, amounts, user=chain.user, holdings=holdings),
            *([chain.unwrap()] if wraps else []),
        ]
    )
    return accounts.pool


async def _place_recordings(
    dex: Dex, chain: PlaygroundChain, progress: Callable[[str], None]
) -> list[tuple[str, Pubkey, Pubkey, Pubkey]]:
    """Recorded pools of other venues, and beside each a pool of ours over the same mints, so that there is something to compare."""
    from dexroute.localnet.recorded import place_recorded, recorded_pools

    embedded = dex.connection.embedded
    assert embedded is not None
    placed = []
    for number, recorded in enumerate(recorded_pools()):
        progress(f"recorded {recorded.venue} pool")
        place_recorded(embedded, recorded)
        pool = (await dex.load_pools([recorded.pool]))[recorded.pool]
        mints = [decode_mint(recorded.snapshot, mint.address, pool=recorded.pool, field="mint") for mint in pool.mints]
        for mint, letter in zip(mints, "AB", strict=True):
            chain.place_holding(embedded, mint, 10**15)
            symbol = f"REC{number + 1}{letter}"
            add_token(dex.settings.data_dir, dex.connection.genesis_hash, symbol=symbol, mint=mint.address, decimals=mint.decimals)
        spot = pool.spot_price(mints[0].address, mints[1].address)
        amounts = {mints[0].address: 10**12, mints[1].address: max(10**12 * spot.numerator // spot.denominator, 10**6)}
        await _make_pool(chain, mints, amounts, FeeTerms(base_fee_ppm=3_000), 0)
        placed.append((recorded.venue, recorded.pool, mints[0].address, mints[1].address))
    return placed
