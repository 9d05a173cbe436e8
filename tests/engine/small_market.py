"""Small markets of constant-product pools (Raydium CPMM values without accounts behind them), made to order."""

from __future__ import annotations

from hashlib import sha256

from solders.pubkey import Pubkey

from dexroute.fetchers.raydium.cpmm.curve import FeeRates
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.types.accounts import ChainClock
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint, TransferFee
from dexroute.types.requests import QuoteRequest, SwapMode

SWAPS_OFF = 4


class CheaperToLand(CpmmPool):
    """The same arithmetic under another venue's name, whose swap takes fewer compute units."""

    __slots__ = ()

    @property
    def venue_id(self) -> str:
        return "dexroute-pool"


def named_key(name: str) -> Pubkey:
    return Pubkey.from_bytes(sha256(name.encode()).digest())


def mint(name: str, fee: TransferFee | None = None) -> Mint:
    program = TOKEN_2022_PROGRAM_ID if fee else TOKEN_PROGRAM_ID
    return Mint(address=named_key(f"mint {name}"), decimals=6, token_program=program, transfer_fee=fee)


def pool(
    name: str,
    mints: tuple[Mint, Mint],
    reserves: tuple[int, int],
    *,
    trade_ppm: int = 2_500,
    status: int = 0,
    slot: int = 7,
    kind: type[CpmmPool] = CpmmPool,
) -> CpmmPool:
    """A pool that holds exactly `reserves` of `mints`."""
    return kind(
        address=named_key(f"pool {name}"),
        clock=ChainClock(slot=slot, epoch=1, unix_timestamp=1_700_000_000),
        mints=mints,
        vaults=(named_key(f"vault 0 {name}"), named_key(f"vault 1 {name}")),
        vault_amounts=reserves,
        protocol_fees=(0, 0),
        fund_fees=(0, 0),
        creator_fees=(0, 0),
        status=status,
        open_time=0,
        creator_fee_on=0,
        config=named_key("config"),
        rates=FeeRates(trade_ppm=trade_ppm, protocol_ppm=120_000, fund_ppm=40_000, creator_ppm=0),
        observation=named_key(f"observation {name}"),
    )


def exact_in(source: Mint, target: Mint, amount: int) -> QuoteRequest:
    return QuoteRequest(input_mint=source.address, output_mint=target.address, amount=amount)


def exact_out(source: Mint, target: Mint, amount: int) -> QuoteRequest:
    return QuoteRequest(input_mint=source.address, output_mint=target.address, amount=amount, mode=SwapMode.EXACT_OUT)
