"""Values changed at every step are what `dataclasses.replace` makes of them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from dexroute.types.changed import changed
from dexroute.types.orders import OrderState
from tests.storage.orders_at_hand import an_order


def test_only_what_is_named_changes() -> None:
    order = an_order()
    moved = changed(order, state=OrderState.ROUTING, event_seq=7)
    assert moved == replace(order, state=OrderState.ROUTING, event_seq=7) != order
    assert type(moved) is type(order) and hash(moved.request) == hash(order.request) and changed(order) == order
    with pytest.raises(FrozenInstanceError):
        moved.fencing = 9  # type: ignore[misc]


def test_a_field_there_is_not_is_an_error() -> None:
    with pytest.raises(TypeError, match="Order has no field colour, size"):
        changed(an_order(), state=OrderState.ROUTING, colour="red", size=1)
