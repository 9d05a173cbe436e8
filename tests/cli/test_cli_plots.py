"""Pictures of markets larger than the playground: nothing overlaps, nothing falls off, strangers' names are only names."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import dist
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from solders.pubkey import Pubkey

from dexroute.cli.plots.graph import MOST_MINTS, draw_graph
from dexroute.cli.plots.legend import draw_legend
from dexroute.cli.plots.route import draw_route
from dexroute.cli.plots.svg import Drawing, fitted, text_width
from dexroute.cli.rounding import brief
from dexroute.engine.routing import RouteOptions, Solution, solve_route
from dexroute.errors import UsageError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool
from dexroute.sdk.pool_graph import pool_graph
from dexroute.sdk.quote import Quote
from dexroute.sdk.token import Token
from dexroute.types.pools import RememberedPool
from dexroute.types.requests import QuoteRequest
from dexroute.types.routes import Leg
from tests.cli.pictures import outside, overlapping, text_boxes
from tests.cli.runner import Cli
from tests.engine.small_market import exact_in, mint, named_key, pool

NAMES = ("SOL", "USDC", "ANAMEWITHOUTANEND", "BONK", "mSOL", "<b>&\x1b[31m")
MINTS = {name: mint(str(number)) for number, name in enumerate(NAMES)}


class EverythingFits:
    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        return None


def market(seed: int) -> list[Pool]:
    dice = random.Random(seed)
    pools: list[Pool] = []
    for number in range(40):
        ends = dice.sample(NAMES, 2)
        held = dice.randint(10**10, 10**12)
        other = held + dice.randint(-held // 200, held // 200)
        one = pool(f"{seed} {number}", (MINTS[ends[0]], MINTS[ends[1]]), (held, other), trade_ppm=dice.choice([100, 500, 2_500]))
        pools.append(one)
    return pools


def drawn(found: Solution, request: QuoteRequest, tokens: Mapping[Pubkey, Token]) -> ElementTree.Element:
    quote = SimpleNamespace(
        solution=found,
        tokens=tokens,
        input_token=tokens[request.input_mint],
        output_token=tokens[request.output_mint],
        amount_in=found.quote.amount_in,
        amount_out=found.quote.amount_out,
        clock=SimpleNamespace(slot=312_345_678),
    )
    return ElementTree.fromstring(draw_route(cast(Quote, quote)).svg())


@pytest.mark.parametrize("seed", range(4))
def test_many_legs_over_many_mints(seed: int) -> None:
    request = exact_in(MINTS["SOL"], MINTS["USDC"], 5 * 10**11)
    found = solve_route(market(seed), request, RouteOptions(max_hops=3, room=EverythingFits()))
    assert len(found.legs) >= 4 and max(len(report.leg.hops) for report in found.legs) >= 2
    tokens = {one.address: Token(mint=one.address, symbol=name, decimals=6) for name, one in MINTS.items()}
    root = drawn(found, request, tokens)
    assert len(text_boxes(root)) > 2 * len(found.legs)
    assert overlapping(root) == [] and outside(root) == []


@pytest.mark.parametrize(
    "symbols", [("SOL", "USDC"), ("SYMBOLOFTHIRTYTWOCHARACTERSHERE!", "代币代币代币代币代币代币"), ("🚀" * 9, "i" * 64)]
)
@pytest.mark.parametrize("decimals", [0, 9, 18])
def test_eight_legs_tiny_shares_long_names_and_huge_amounts(symbols: tuple[str, str], decimals: int) -> None:
    ends = MINTS["SOL"], MINTS["USDC"]
    pools = [pool(f"{number}", ends, (10**18 >> 2 * number, 10**18 >> 2 * number), trade_ppm=100) for number in range(8)]
    request = exact_in(*ends, 10**17)
    found = solve_route(pools, request, RouteOptions(room=EverythingFits()))
    assert len(found.legs) == 8 and min(report.share_ppm for report in found.legs) < 100
    named = zip(ends, symbols, strict=True)
    tokens = {one.address: Token(mint=one.address, symbol=symbol, decimals=decimals) for one, symbol in named}
    root = drawn(found, request, tokens)
    assert overlapping(root) == [] and outside(root) == []


def test_the_names_of_all_venues_have_room() -> None:
    drawing = Drawing(100, 100, "small")
    draw_legend(drawing, [venue.id for venue in VENUES])
    root = ElementTree.fromstring(drawing.svg())
    assert len(text_boxes(root)) == 7 and overlapping(root) == [] and outside(root) == []


def test_a_name_is_cut_to_its_room() -> None:
    assert fitted("USDC", 15, 96) == "USDC"
    for text in ("SYMBOLOFTHIRTYTWOCHARACTERSHERE!", "代币代币代币代币代币代币", "🚀" * 9):
        cut = fitted(text, 15, 96, bold=True)
        assert cut.endswith("…") and text.startswith(cut[:-1]) and len(cut) > 4 and text_width(cut, 15, bold=True) <= 96


@pytest.mark.parametrize("amount", [0, 1, 999_999, 10**12 - 1, 10**12, 123_456_789_012_345, 2**64 - 1])
@pytest.mark.parametrize("decimals", [0, 6, 9])
def test_no_amount_is_longer_than_its_label(amount: int, decimals: int) -> None:
    text = brief(amount, decimals)
    assert len(text) <= 17
    shown = Decimal(text.replace(",", "")).scaleb(decimals)
    assert shown <= amount and amount - shown <= Decimal(amount) / 10**5, "rounded down, to its digits"


@pytest.mark.parametrize("mints", [2, 9, 40, 300])
def test_graphs_of_any_size(mints: int) -> None:
    dice = random.Random(mints)
    keys = [named_key(f"node {number}") for number in range(mints)]
    pools = [
        RememberedPool(
            genesis_hash="g",
            address=named_key(f"edge {number}"),
            venue_id=dice.choice(["raydium-clmm", "meteora-dlmm", "somebody-new"]),
            mints=(keys[number % mints], keys[dice.randrange(mints - 1)]),
            source="chain",
            first_seen_ms=1,
            last_seen_ms=1,
        )
        for number in range(2 * mints)
    ]
    graph = pool_graph(pools)
    root = ElementTree.fromstring(draw_graph(graph, lambda key: f"T{keys.index(key)}").svg())
    names = [element for element in root.iter() if element.tag.endswith("}text") and (element.text or "").startswith("T")]
    assert len(names) == min(len(graph.mints), MOST_MINTS)
    places = [(float(name.get("x", "0")), float(name.get("y", "0"))) for name in names]
    turned = {name.get("transform") is not None for name in names}
    assert len(turned) == 1
    if turned == {True}:  # they point outwards, so they are clear of each other where they start
        assert min(dist(one, other) for number, one in enumerate(places) for other in places[:number]) > 14
    assert overlapping(root) == [] and outside(root) == []
    if mints > MOST_MINTS:
        assert any(f"of {len(graph.mints)}" in text for text, _ in text_boxes(root)), "it says what it leaves out"


@pytest.mark.parametrize("name", ["route.png", "route", "-", "id.json", ".svg/..", "wallet.json"])
@pytest.mark.parametrize("command", [("route", "1", "SOL", "USDC"), ("depth", "SOL", "USDC"), ("pools", "graph")])
def test_only_what_is_named_like_a_picture_is_written_over(cli: Cli, tmp_path: Path, name: str, command: tuple[str, ...]) -> None:
    """A typing mistake must not put a picture where a key was; and it is said before a node is asked."""
    (tmp_path / "wallet.json").write_text("[1]")
    nowhere = ("-u", "http://127.0.0.1:9", "--data-dir", str(cli.market))
    said = cli.bare(*command, "--plot", str(tmp_path / name), *nowhere, code=2)
    assert "pictures are SVG" in said.err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["wallet.json"]
    assert (tmp_path / "wallet.json").read_text() == "[1]"


def test_names_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    drawing = Drawing(10, 10, "</title><script>")
    drawing.text(0, 0, "<script>alert('&')</script>\x1b\x00\ud800")
    drawing.path("M0,0", hint='"><script>')
    root = ElementTree.fromstring(drawing.svg())
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    (said,) = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert said == "<script>alert('&')</script>\ufffd\ufffd\ufffd"
    drawing.save(tmp_path / "picture.svg")
    assert (tmp_path / "picture.svg").read_text() == drawing.svg()
    blocked: Any = tmp_path / "picture.svg" / "below-a-file.svg"
    with pytest.raises(UsageError, match="cannot be written"):
        drawing.save(blocked)
