"""Which entries of a foreign token list are used: none that could send somebody's money to another mint than was meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.chain.token_file import Entry
from dexroute.chain.token_lists.changes import changes_between
from dexroute.chain.token_lists.document import CheckedList, check_list
from dexroute.chain.token_lists.symbols import look_of, skeletons
from dexroute.chain.tokens import pinned_tokens
from dexroute.errors import ConfigError
from tests.chain.jupiter_tokens import token_v1, token_v2

PINNED = {str(token.mint): token.symbol or "" for token in pinned_tokens()}
USDC = next(mint for mint, symbol in PINNED.items() if symbol == "USDC")


def checked(*items: Any) -> CheckedList:
    return check_list(list(items), PINNED, where="the list")


def only_reason(*items: Any) -> str:
    found = checked(*items)
    assert not found.entries
    (refused,) = found.refused
    assert refused.symbol.isascii() and refused.symbol.isprintable() and len(refused.symbol) <= 24
    return refused.reason


def test_both_shapes_are_read() -> None:
    newer, older = token_v2(symbol="NEW", decimals=9), token_v1(symbol="OLD", decimals=0)
    strict = {
        "address": str(Pubkey.new_unique()),
        "chainId": 101,
        "symbol": "ST",
        "decimals": 5,
        "name": "",
        "tags": ["old-registry"],
    }
    assert checked(older, newer, strict).entries == (
        {"symbol": "NEW", "mint": newer["id"], "decimals": 9},
        {"symbol": "OLD", "mint": older["address"], "decimals": 0},
        {"symbol": "ST", "mint": strict["address"], "decimals": 5},
    )


@pytest.mark.parametrize(
    ("symbol", "reason"),
    [
        ("", "no symbol"),
        (None, "no symbol"),
        (["X"], "no symbol"),
        ("A" * 17, "17 characters"),
        ("\x1b[2J", "invisible"),
        ("A\nB", "invisible"),
        ("US\u200bDC", "invisible"),
        ("\u202eCDSU", "invisible"),
        ("A B", "invisible"),
        (" FOO", "invisible"),
        ("\ud800", "invisible"),
        ("USDС", "imitates USDC"),
        ("ＵＳＤＣ", "imitates USDC"),
        ("Ρ̈YTH", "imitates PYTH"),
        ("币安", "could imitate"),
        ("🐸", "could imitate"),
        ("[red]", "other characters"),
        ("-FOO", "other characters"),
        ("usdc", "looks like USDC"),
        ("USDC", "looks like USDC"),
        ("U5DC", "looks like USDC"),
        ("$USDC", "looks like USDC"),
        ("USD.C", "looks like USDC"),
        ("USDC_", "looks like USDC"),
        ("S0L", "looks like SOL"),
        ("$OL", "looks like SOL"),
        ("5O1", "looks like SOL"),
        ("JIT0S0L", "looks like JitoSOL"),
        ("VVIF", "looks like WIF"),
    ],
)
def test_symbols_that_could_mislead_are_refused(symbol: Any, reason: str) -> None:
    assert reason in only_reason(token_v2(symbol=symbol))


@pytest.mark.parametrize("symbol", ["FOO", "a", "$FOO", "ai16z", "USDe", "A.B-C_D", "1INCH", "USDC2", "wSOL", "A" * 16])
def test_plain_symbols_are_used(symbol: str) -> None:
    assert [entry["symbol"] for entry in checked(token_v2(symbol=symbol)).entries] == [symbol]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "x"}, "base58"),
        ({"id": None}, "base58"),
        ({"id": "1" * 5000}, "base58"),
        ({"id": 7}, "base58"),
        ({"decimals": -1}, "decimals"),
        ({"decimals": 256}, "decimals"),
        ({"decimals": True}, "decimals"),
        ({"decimals": "6"}, "decimals"),
        ({"decimals": None}, "decimals"),
        ({"tokenProgram": "11111111111111111111111111111111"}, "token program"),
        ({"tokenProgram": []}, "token program"),
        ({"chainId": 103}, "mainnet"),
        ({"isVerified": False}, "not verified"),
        ({"isVerified": None}, "not verified"),
        ({"isVerified": "yes"}, "not verified"),
    ],
)
def test_entries_that_are_not_sound_are_refused_one_by_one(changes: dict[str, Any], reason: str) -> None:
    good = token_v2(symbol="GOOD")
    found = checked(token_v2(**changes), good)
    assert [entry["symbol"] for entry in found.entries] == ["GOOD"]
    assert [reason in one.reason for one in found.refused] == [True]


def test_an_older_entry_tagged_unknown_is_refused() -> None:
    assert only_reason(token_v1(tags=["unknown"])) == "is not verified"


def test_a_pinned_mint_keeps_its_pinned_name() -> None:
    found = checked(token_v2(id=USDC, symbol="BETTER", decimals=0), token_v1(address=USDC, symbol="USDC"))
    assert (found.entries, found.refused, found.pinned) == ((), (), 2)


def test_a_mint_listed_twice_counts_once_and_not_at_all_when_it_contradicts_itself() -> None:
    same, other = token_v2(symbol="SAME"), token_v2(symbol="ONE")
    found = checked(same, same, other, other | {"decimals": 0}, other)
    assert [entry["symbol"] for entry in found.entries] == ["SAME"]
    assert sorted(one.reason for one in found.refused).count("its mint is listed twice, differently") == 1


def test_one_symbol_of_several_mints_is_kept_for_all() -> None:
    assert len(checked(token_v2(), token_v2()).entries) == 2


@pytest.mark.parametrize("document", [None, {}, {"tokens": []}, "x", 5])
def test_what_is_no_list_is_refused_whole(document: Any) -> None:
    with pytest.raises(ConfigError, match="the list: not a list of tokens"):
        check_list(document, PINNED, where="the list")


def test_a_list_of_absurd_length_is_refused_whole() -> None:
    with pytest.raises(ConfigError, match="100001 tokens"):
        check_list([None] * 100_001, PINNED, where="the list")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)
_NAMES = ["id", "address", "symbol", "decimals", "tags", "isVerified", "tokenProgram", "chainId"]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.builds(lambda changes: token_v2(**changes), st.dictionaries(st.sampled_from(_NAMES), _JSON)) | _JSON, max_size=5)
)
def test_whatever_comes_only_sound_entries_are_kept(items: list[Any]) -> None:
    found = checked(*items)
    assert len(found.entries) + found.pinned <= len(items)
    looks = look_of(PINNED.values())
    for entry in found.entries:
        assert entry["mint"] not in PINNED
        assert str(entry["symbol"]).isascii() and not skeletons(str(entry["symbol"])) & looks.keys()
    assert all(one.symbol.isascii() and one.symbol.isprintable() for one in found.refused)


def entry(name: str, **changes: str | int) -> Entry:
    return {"symbol": name, "mint": name * 32, "decimals": 6, **changes}


def test_changes_name_what_moved() -> None:
    a, b, c, d = (entry(name) for name in "ABCD")
    found = changes_between([a, b, c], [entry("A", decimals=9), entry("B", symbol="C"), d])
    assert (found.added, found.removed) == ((d,), (c,))
    assert set(found.changed) == {
        f"{'A' * 32}: decimals was 6, is 9",
        f"{'B' * 32}: symbol was B, is C",
        f"C meant {'C' * 32}, now means {'B' * 32}",
    }
    assert changes_between([a, b], [b, a]).changed == ()
