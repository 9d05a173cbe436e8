"""The names at the borders, which other people's code is written against: their fields, signatures, codes and JSON stay."""

from __future__ import annotations

import dataclasses
import inspect
import json
from typing import Any

import pytest
from solders.pubkey import Pubkey

from dexroute import errors
from dexroute.engine.execution.intake import new_order
from dexroute.engine.execution.receipt import order_json
from dexroute.engine.routing import RouteOptions, RouteQuote, find_route
from dexroute.errors import DexError
from dexroute.fetchers import VENUES, VenueRegistry, decode_pool
from dexroute.fetchers.base import Pool, SwapQuote, SwapRequest, Venue
from dexroute.types import (  # from here, as the architecture names them
    AccountData,
    AccountSnapshot,
    ChainClock,
    QuoteRequest,
    SwapMode,
)
from dexroute.types.orders import OrderState

REQUIRED = dataclasses.MISSING

FROZEN: dict[type, dict[str, Any]] = {
    AccountData: dict.fromkeys(("owner", "lamports", "data"), REQUIRED),
    ChainClock: dict.fromkeys(("slot", "epoch", "unix_timestamp"), REQUIRED),
    AccountSnapshot: dict.fromkeys(("clock", "accounts"), REQUIRED),
    QuoteRequest: dict.fromkeys(("input_mint", "output_mint", "amount"), REQUIRED) | {"mode": SwapMode.EXACT_IN},
    SwapQuote: dict.fromkeys(("amount_in", "amount_out", "fees", "next_pool"), REQUIRED),
    SwapRequest: dict.fromkeys(("quote", "limit", "user", "source", "destination"), REQUIRED),
    RouteQuote: dict.fromkeys(("amount_in", "amount_out", "route", "bound"), REQUIRED),
}


@pytest.mark.parametrize("value", FROZEN, ids=lambda value: value.__name__)
def test_values_take_exactly_these_fields(value: Any) -> None:
    fields = dataclasses.fields(value)
    assert {field.name: field.default for field in fields} == FROZEN[value]
    assert all(field.init and field.default_factory is REQUIRED for field in fields)
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in inspect.signature(value).parameters.values())
    assert "__slots__" in vars(value)
    made = value(**dict.fromkeys(FROZEN[value], 1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, fields[0].name, 2)


def test_modes() -> None:
    assert {mode.name: mode.value for mode in SwapMode} == {"EXACT_IN": "exact_in", "EXACT_OUT": "exact_out"}


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_venue_contract() -> None:
    assert parameters(Pool.tradable) == ["self"]
    assert parameters(Pool.spot_price) == ["self", "input_mint", "output_mint"]
    assert parameters(Pool.quote) == parameters(Pool.swap_instruction) == ["self", "request"]
    assert parameters(Venue.required_accounts) == ["self", "address", "known"]
    assert parameters(Venue.decode_pool) == ["self", "address", "snapshot"]
    assert parameters(decode_pool) == ["address", "snapshot"]
    for name in ("venue_id", "address", "mints", "slot"):
        assert isinstance(inspect.getattr_static(Pool, name), property)
    for name in ("id", "label", "program_id", "capabilities"):
        assert isinstance(inspect.getattr_static(Venue, name), property)


def test_find_route() -> None:
    assert parameters(find_route) == ["pools", "request", "options"]
    assert inspect.signature(find_route).parameters["options"].default == RouteOptions()


def test_venue_ids() -> None:
    assert isinstance(VENUES, VenueRegistry)
    known = {
        "raydium-amm-v4",
        "raydium-cpmm",
        "raydium-clmm",
        "meteora-damm-v1",
        "meteora-damm-v2",
        "meteora-dlmm",
        "dexroute-pool",
    }
    registered = {venue.id for venue in VENUES}
    assert registered <= known
    assert {"raydium-cpmm", "meteora-damm-v2", "dexroute-pool"} <= registered


EXITS = {
    errors.UsageError: 2,
    errors.DecodeError: 2,
    errors.NotASwap: 2,
    errors.QuoteError: 3,
    errors.RouteNotFound: 3,
    errors.GuardRefused: 4,
    errors.NetworkError: 5,
    errors.LandedWithError: 6,
    errors.AttemptExpired: 7,
}

# What a node answers but a setting is to blame for: it does not pass, and a script that tries again on 5 would never end.
OF_A_SETTING: dict[type[DexError], int] = {errors.AccessRefused: 2}


def tree(kind: type[DexError]) -> list[type[DexError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in tree(child))]


def test_exit_codes_follow_the_branch_of_the_tree() -> None:
    assert set(DexError.__subclasses__()) == set(EXITS), "a new branch has to choose its exit code here"
    for branch, code in EXITS.items():
        for kind in tree(branch):
            expected = OF_A_SETTING.get(kind, code)
            assert kind.exit_code == expected, kind
            # Of the guards, those on what was read may pass the next time.
            assert kind.retryable == (expected in (5, 7) or issubclass(kind, errors.SnapshotRefused)), kind
    assert (DexError.exit_code, DexError.retryable) == (1, False)


def test_codes_are_stable_words_of_one_class_each() -> None:
    kinds = tree(DexError)
    codes = [kind.code for kind in kinds]
    assert len(kinds) > 30 and len(set(codes)) == len(codes)
    assert all(code == code.upper() and code.replace("_", "").isalpha() for code in codes)
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in kinds if f" {kind.__name__} " not in f"{drawn} ".replace("\n", " ")] == []


def test_the_json_of_an_order() -> None:
    mints = Pubkey.new_unique(), Pubkey.new_unique()
    request = QuoteRequest(input_mint=mints[0], output_mint=mints[1], amount=2**64 - 1)
    order = new_order(request=request, wallet=Pubkey.new_unique(), genesis_hash="g", slippage_bps=50, now_ms=1, limit_amount=7)
    shape = order_json(order, (), None)
    promised = {
        "id", "key", "state", "signature", "slot", "input_mint", "output_mint",
        "amount_in", "amount_out", "min_amount_out", "route", "costs", "attempts",
    }  # fmt: skip
    assert promised <= set(shape)
    assert json.loads(json.dumps(shape)) == shape
    assert (shape["id"], shape["key"], shape["state"]) == (order.id, order.id, OrderState.PENDING)
    assert (shape["amount_in"], shape["min_amount_out"]) == (str(2**64 - 1), "7")
    assert (shape["signature"], shape["slot"], shape["attempts"]) == (None, None, [])


def test_every_name_of_the_types_room_loads() -> None:
    import dexroute.types

    assert all(getattr(dexroute.types, name).__name__ == name for name in dexroute.types.__all__)
    assert not hasattr(dexroute.types, "NoSuchName")
