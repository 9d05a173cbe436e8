"""Random routes over small markets, carried out in LiteSVM: however legs share pools and mints, what moves is what was said,
and what the router is told does not fit does not."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dexroute.engine.planning import OneTransaction, as_tables, decode_lookup_table
from dexroute.errors import TransactionTooLarge
from dexroute.types.mints import TransferFee
from dexroute.types.requests import SwapMode
from tests.engine.leg_world import a_user, build_world, executes_as_said, give_a_table

# S is SOL and T takes a transfer fee; legs share pools, first hops, last hops and whole paths.
PATHS = (
    "AB0",
    "AB1",
    "AC0 CB0",
    "AC0 CT0 TB0",
    "AS0 SB0",
    "AS0 SC0 CB0",
    "AT0 TB0",
    "AT0 TB0",
    "AD0 DC0 CT0 TB0",
)
FEES = st.none() | st.builds(TransferFee, epoch=st.just(0), bps=st.integers(0, 3_000), maximum=st.sampled_from([0, 5_000, 10**18]))


@settings(max_examples=25, deadline=None)
@given(
    paths=st.lists(st.sampled_from(PATHS), min_size=2, max_size=4),
    amounts=st.lists(st.integers(10_000, 10**9), min_size=4, max_size=4),
    mode=st.sampled_from(SwapMode),
    fee=FEES,
    hop_slippage_bps=st.sampled_from([0, 0, 7, 300]),
    slippage_bps=st.sampled_from([0, 1, 50, 9_999]),
    known=st.booleans(),
)
# Seventy instructions with those the programs call, in 1,232 bytes and 64 accounts: a cluster executes 64.
@example(
    paths=["AD0 DC0 CT0 TB0"] * 4,
    amounts=[10_000] * 4,
    mode=SwapMode.EXACT_IN,
    fee=None,
    hop_slippage_bps=0,
    slippage_bps=0,
    known=False,
)
async def test_any_legs_do_on_chain_what_they_say(
    paths: list[str],
    amounts: list[int],
    mode: SwapMode,
    fee: TransferFee | None,
    hop_slippage_bps: int,
    slippage_bps: int,
    known: bool,
) -> None:
    world = build_world(*dict.fromkeys(" ".join(paths).split()), fee=fee)
    user = a_user(world, "ABCDEFT" if known else "A")
    shares = amounts[: len(paths)]
    planned = await world.planned(
        "AB", sum(shares), mode, *paths, slippage_bps=slippage_bps, hop_slippage_bps=hop_slippage_bps, amounts=shares
    )
    give_a_table(world, planned)
    read = decode_lookup_table(world.tables[0], world.cluster.account(world.tables[0]), 100)
    held = [mint.address for letter, mint in world.mints.items() if known or letter == "A"]
    room = OneTransaction(planned.request, user=user.pubkey(), held=held, tables=as_tables([read], frozenset()))
    if room.refusal(planned.quote.route.legs, planned.pools) is None:
        await executes_as_said(world, planned, user)
    else:
        with pytest.raises(TransactionTooLarge):
            await world.prepare(planned, user)
