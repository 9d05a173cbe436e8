"""Pyth's price feeds on Solana: `PriceUpdateV2` accounts of the Pyth receiver program.

Layout (pyth-network/pyth-crosschain@17ff7ec, target_chains/solana/pyth_solana_receiver_sdk/src/price_update.rs): Anchor
discriminator, write_authority 32, verification_level (Borsh enum: 0 Partial with one byte, 1 Full without), then the message:
feed_id 32, price i64, conf u64, exponent i32, publish_time i64, prev_publish_time i64, ema_price i64, ema_conf u64; posted_slot
u64. 134 bytes are allocated; with Full the last one is unused. The price is `(price ± conf) * 10^exponent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import OracleUnusable
from dexroute.fetchers.layout import Reader
from dexroute.types.accounts import AccountSnapshot

PYTH_RECEIVER_ID: Final = Pubkey.from_string("rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ")
PRICE_UPDATE_LENGTH: Final = 134
PRICE_UPDATE_DISCRIMINATOR: Final = bytes.fromhex("22f123639d7ef4cd")  # sha256("account:PriceUpdateV2")[:8]
_LEVEL: Final = 40
_FULL: Final = 1
_MESSAGE: Final = 41
# No feed on earth has more digits than this; more would be somebody's attempt to make us count for ever.
_MOST_DIGITS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFeed:
    """One fully verified price: what a whole token costs in the feed's quote currency, as integers to be multiplied by
    10^exponent. `publish_time` is Unix seconds, by Pyth's clock."""

    account: Pubkey
    feed_id: bytes
    price: int
    confidence: int
    exponent: int
    publish_time: int

    @property
    def ratio(self) -> Fraction:
        return self.price * Fraction(10) ** self.exponent


def decode_price_feed(account: Pubkey, snapshot: AccountSnapshot) -> PriceFeed:
    """The price in a feed's account, from untrusted bytes. Raises OracleUnusable for anything that is no positive, fully verified
    price of the Pyth receiver."""
    found = snapshot.accounts.get(account)
    if found is None:
        raise _unusable(account, "there is no such account", snapshot)
    if found.owner != PYTH_RECEIVER_ID:
        raise _unusable(account, f"it is owned by {found.owner}, not by the Pyth receiver {PYTH_RECEIVER_ID}", snapshot)
    if len(found.data) != PRICE_UPDATE_LENGTH or not found.data.startswith(PRICE_UPDATE_DISCRIMINATOR):
        raise _unusable(account, f"its {len(found.data)} bytes are no PriceUpdateV2", snapshot)
    reader = Reader(found.data)
    if reader.u8(_LEVEL) != _FULL:
        raise _unusable(account, "its price is verified by a part of the guardians only", snapshot)
    feed = PriceFeed(
        account=account,
        feed_id=found.data[_MESSAGE : _MESSAGE + 32],
        price=reader.i64(_MESSAGE + 32),
        confidence=reader.u64(_MESSAGE + 40),
        exponent=reader.i32(_MESSAGE + 48),
        publish_time=reader.i64(_MESSAGE + 52),
    )
    if feed.price <= 0 or abs(feed.exponent) > _MOST_DIGITS:
        raise _unusable(account, f"{feed.price} * 10^{feed.exponent} is no price", snapshot)
    return feed


def _unusable(account: Pubkey, reason: str, snapshot: AccountSnapshot) -> OracleUnusable:
    return OracleUnusable(
        f"price feed {account} cannot be used at slot {snapshot.clock.slot}: {reason}; name another account (--oracle)",
        account=str(account),
        slot=snapshot.clock.slot,
    )
