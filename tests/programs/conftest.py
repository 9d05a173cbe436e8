"""Worlds are dear (30 ms) and pools are cheap: tests of one module share a world and open pools of their own."""

from __future__ import annotations

import pytest

from dexroute.types.mints import TransferFee
from tests.programs.market import Market
from tests.programs.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture
def market(world: World) -> Market:
    """A pool of two SPL tokens, 4 million a to 9 million b base units times a thousand."""
    opened = Market.open(world, world.new_mint(), world.new_mint())
    assert opened.add((4 * 10**9, 9 * 10**9)).ok
    return opened


@pytest.fixture
def taxed_market(world: World) -> Market:
    """The same over two Token-2022 mints that withhold 1.23 % and 2 %, the second at most 5,000 base units."""
    first = world.new_mint(fee=TransferFee(epoch=0, bps=123, maximum=2**64 - 1))
    second = world.new_mint(fee=TransferFee(epoch=0, bps=200, maximum=5_000))
    opened = Market.open(world, first, second)
    assert opened.add((4 * 10**9, 9 * 10**9)).ok
    return opened
