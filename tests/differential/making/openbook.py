"""A market for every AMM v4 pool, written as bytes (layout: project-serum/serum-dex, dex/src/state.rs, `MarketState`).

The LiteSVM at hand does not load OpenBook's ELF (InvalidAccountData), so no orders can be made here: at its address stands a
program that takes anything, and pools are made and traded on without the order book (status 6 and 7). Pools with orders are in
the recordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from solders.account import Account
from solders.pubkey import Pubkey

from dexroute.types.mints import Mint
from programs.toolchain import elf
from programs.toolchain.image import Image, write_image
from programs.toolchain.reach import Place
from tests.differential.making.anchor import u64
from tests.differential.making.stage import Stage

OPENBOOK_ID: Final = Pubkey.from_string("srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX")
_TAKES_ANYTHING: Final = bytes.fromhex("b7000000000000009500000000000000")  # r0 = 0; exit
_INITIALIZED, _MARKET, _OPEN_ORDERS, _REQUESTS, _EVENTS, _BIDS, _ASKS = (1 << bit for bit in range(7))
# What lies in the accounts between their heads and tails, all of it zero while there are no orders.
_QUEUES: Final = {
    "requests": (_REQUESTS, 5_120),
    "events": (_EVENTS, 24 + 128 * 88),
    "bids": (_BIDS, 65_536),
    "asks": (_ASKS, 65_536),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBookMarket:
    """Addresses of a market."""

    market: Pubkey
    coin_vault: Pubkey
    pc_vault: Pubkey
    requests: Pubkey
    events: Pubkey
    bids: Pubkey
    asks: Pubkey
    vault_signer: Pubkey


def stand_in_for_openbook(stage: Stage) -> None:
    """A program at OpenBook's address to which every instruction is well, such as the one that opens an account for orders."""
    section = elf.Section(
        name=".text", kind=elf.SHT_PROGBITS, flags=0, align=8, content=_TAKES_ANYTHING, size=len(_TAKES_ANYTHING), relocations=()
    )
    place = Place("openbook", section)
    image = Image(text=[place], rodata=[], relro=[])
    stage.svm.add_program(OPENBOOK_ID, write_image(image, image.address(place)))


def write_market(stage: Stage, rng: Random, mints: tuple[Mint, Mint]) -> OpenBookMarket:
    """A market without orders."""
    market = OpenBookMarket(**{name: Pubkey(rng.randbytes(32)) for name in OpenBookMarket.__slots__})
    lots = u64(rng.choice((1, 100, 10_000))) + u64(rng.choice((1, 10, 100)))
    content = (
        bytes(market.market)
        + u64(0)
        + bytes(mints[0].address)
        + bytes(mints[1].address)
        + bytes(market.coin_vault)
        + u64(0) * 2
        + bytes(market.pc_vault)
        + u64(0) * 3
        + b"".join(bytes(queue) for queue in (market.requests, market.events, market.bids, market.asks))
        + lots
        + u64(0) * 2
    )
    _write(stage, market.market, _MARKET, content)
    for name, (kind, length) in _QUEUES.items():
        _write(stage, getattr(market, name), kind, bytes(length - 8))
    return market


def write_open_orders(stage: Stage, address: Pubkey, market: OpenBookMarket, owner: Pubkey) -> None:
    """What OpenBook itself would have made of the account the pool's program gave it."""
    _write(stage, address, _OPEN_ORDERS, bytes(market.market) + bytes(owner) + bytes(3_228 - 12 - 8 - 64))


def _write(stage: Stage, address: Pubkey, kind: int, content: bytes) -> None:
    stage.svm.set_account(address, Account(10**9, b"serum" + u64(_INITIALIZED | kind) + content + b"padding", OPENBOOK_ID))
