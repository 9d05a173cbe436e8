"""Pyth's price feeds from untrusted bytes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import OracleUnusable
from dexroute.fetchers.price_feeds import decode_price_feed
from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from tests.pyth import price_update

CLOCK = ChainClock(slot=500, epoch=1, unix_timestamp=1_000)
FEED = Pubkey.new_unique()
GOOD = price_update(price=15_012_345_678, confidence=7_000_000, exponent=-8, publish_time=990)


def read(account: AccountData | None) -> AccountSnapshot:
    return AccountSnapshot(clock=CLOCK, accounts={FEED: account})


def test_every_field_is_where_the_receiver_writes_it() -> None:
    feed = decode_price_feed(FEED, read(GOOD))
    assert (feed.price, feed.confidence, feed.exponent, feed.publish_time) == (15_012_345_678, 7_000_000, -8, 990)
    assert feed.feed_id == bytes(range(32))
    assert feed.ratio == Fraction(15_012_345_678, 10**8)
    dear = price_update(price=3, confidence=0, exponent=2, publish_time=0)
    assert decode_price_feed(FEED, read(dear)).ratio == 300


@pytest.mark.parametrize(
    ("account", "why"),
    [
        (None, "no such account"),
        (replace(GOOD, owner=Pubkey.new_unique()), "not by the Pyth receiver"),
        (replace(GOOD, data=GOOD.data[:-1]), "133 bytes are no PriceUpdateV2"),
        (replace(GOOD, data=GOOD.data + b"\x00"), "135 bytes"),
        (replace(GOOD, data=b""), "0 bytes"),
        (replace(GOOD, data=bytes(134)), "no PriceUpdateV2"),
        (price_update(price=5, confidence=0, exponent=0, publish_time=990, full=False), "a part of the guardians"),
        (price_update(price=0, confidence=0, exponent=0, publish_time=990), "is no price"),
        (price_update(price=-5, confidence=0, exponent=0, publish_time=990), "is no price"),
        (price_update(price=5, confidence=0, exponent=2**31 - 1, publish_time=990), "is no price"),
        (price_update(price=5, confidence=0, exponent=-(2**31), publish_time=990), "is no price"),
    ],
)
def test_what_is_no_sound_price_is_refused(account: AccountData | None, why: str) -> None:
    with pytest.raises(OracleUnusable, match=why) as refused:
        decode_price_feed(FEED, read(account))
    assert refused.value.exit_code == 4
    assert (refused.value.context["account"], refused.value.context["slot"]) == (str(FEED), 500)
