"""Which pools are read when more are known than one quote reads."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.sdk.pool_hints import PoolHint, useful_pools
from dexroute.sdk.pool_ranking import ranked

A, B, C, D = (Pubkey.from_string(letter + "1" * 43) for letter in "ABCD")
DUST, LARGEST = 1, 10**15


def hint(number: int, *mints: Pubkey, held: int | None = None, seen: int = 1, tvl_usd: int | None = None) -> PoolHint:
    known = PoolHint(address=Pubkey.from_bytes(number.to_bytes(32, "big")), venue_id="v", mints=mints, tvl_usd=tvl_usd)
    return known if held is None else replace(known, reserves=(held,) * len(mints), seen_slot=seen)


def test_the_most_liquid_pool_is_read_wherever_its_address_sorts() -> None:
    pools = [hint(number, A, B, held=DUST) for number in range(100)]
    deep = hint(100, A, B, held=LARGEST)
    chosen, left_out = useful_pools([*pools, deep], A, B, max_hops=1, most=4)
    assert chosen[0] == deep
    assert (len(chosen), left_out) == (4, 97)


def test_only_what_the_swap_takes_out_counts() -> None:
    one_sided = replace(hint(1, A, B), reserves=(LARGEST, DUST), seen_slot=1)
    even = replace(hint(2, B, A), reserves=(1000, 1000), seen_slot=1)
    assert ranked([one_sided, even], B) == (even, one_sided)
    assert ranked([one_sided, even], A) == (one_sided, even)


def test_dollars_compare_through_a_pool_of_which_both_are_known() -> None:
    both = hint(1, A, B, held=1000, tvl_usd=100)
    better, worse = hint(2, A, B, tvl_usd=200), hint(3, A, B, tvl_usd=50)
    measured = hint(4, A, B, held=1500)
    assert ranked([worse, measured, both, better], B)[:3] == (better, measured, both)


def test_without_measures_dollars_decide_and_then_the_order_they_came_in() -> None:
    first, second, rich = hint(3, A, B), hint(1, A, B), hint(2, A, B, tvl_usd=5)
    assert ranked([first, second, rich], B) == (rich, first, second)


def test_every_pool_is_measured_in_time() -> None:
    """Quote after quote, with room for 8 pools of 60, each read pool being measured: none is left unread for ever."""
    pools = {h.address: h for h in (hint(number, A, B, held=LARGEST, seen=1) for number in range(20))}
    pools |= {h.address: h for h in (hint(100 + number, A, B) for number in range(40))}
    read: set[Pubkey] = set()
    for slot in range(2, 40):
        chosen, _ = useful_pools(pools.values(), A, B, max_hops=1, most=8)
        read |= {one.address for one in chosen}
        pools |= {one.address: replace(one, reserves=one.reserves or (0, 0), seen_slot=slot) for one in chosen}
        if len(read) == len(pools):
            break
    assert read == pools.keys()


def test_a_flood_of_unknown_pools_leaves_three_places_of_four_to_the_known() -> None:
    known = [hint(1000 + number, A, B, held=LARGEST - number) for number in range(12)]
    flood = [hint(number, A, B) for number in range(500)]
    chosen, _ = useful_pools([*flood, *known], A, B, max_hops=1, most=16)
    assert [one for one in chosen if one.reserves] == known


def test_paths_over_the_mint_with_most_output_come_first() -> None:
    thin = [hint(1, A, C, held=DUST), hint(2, C, B, held=DUST)]
    deep = [hint(3, A, D, held=LARGEST), hint(4, D, B, held=LARGEST)]
    useless = hint(5, A, Pubkey.default(), held=LARGEST)
    chosen, left_out = useful_pools([*thin, useless, *deep], A, B, max_hops=2, most=2)
    assert (list(chosen), left_out) == (deep, 2)


_AMOUNTS = st.none() | st.integers(0, 2**128)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_AMOUNTS, st.integers(0, 9), st.none() | st.integers(0, 10**15)), max_size=12))
def test_ranking_loses_and_doubles_nothing(facts: list[tuple[int | None, int, int | None]]) -> None:
    hints = [hint(number, A, B, held=held, seen=seen, tvl_usd=tvl) for number, (held, seen, tvl) in enumerate(facts)]
    found = ranked(hints, A)
    assert sorted(found, key=lambda one: bytes(one.address)) == hints
    by_value = [one for one in hints if one.reserves and one.reserves[0]]
    if by_value and not any(one.tvl_usd for one in hints):
        assert found[0].reserves[0] == max(one.reserves[0] for one in by_value)
