"""Which build of AMM v4 a cluster runs is told by what its program knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dexroute.config import load_settings
from dexroute.fetchers import VENUES
from dexroute.fetchers.raydium.amm_v4.instruction import SwapForm
from dexroute.fetchers.raydium.amm_v4.order_book import OrderBookRule
from dexroute.fetchers.raydium.amm_v4.venue import RaydiumAmmV4
from dexroute.sdk.amm_v4_build import AmmV4Build, knows_instruction
from dexroute.sdk.venues import venues_for


@pytest.mark.parametrize(
    ("error", "known"),
    [
        ({"InstructionError": [0, "InvalidInstructionData"]}, False),
        ({"InstructionError": [0, "NotEnoughAccountKeys"]}, True),
        ({"InstructionError": [0, {"Custom": 50}]}, True),
        ({"InstructionError": [0, "UnsupportedProgramId"]}, None),
        ("AccountNotFound", None),
        ({"InstructionError": 5}, None),
        (None, None),
    ],
)
def test_an_instruction_is_known_unless_its_data_are_not(error: Any, known: bool | None) -> None:
    assert knows_instruction(error) is known


def test_settings_choose_the_build(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path)}
    assert venues_for(load_settings(environment=environment)) is VENUES
    for form in SwapForm:
        for rule in OrderBookRule:
            settings = load_settings({"amm_v4_swap_form": form.value, "amm_v4_order_book": rule.value}, environment=environment)
            assert venues_for(settings)["raydium-amm-v4"] == RaydiumAmmV4(form=form, order_book=rule)


def test_settings_that_do_not_fit_the_program_are_named(tmp_path: Path) -> None:
    old, new = AmmV4Build(swap_v2=False, market_making=True), AmmV4Build(swap_v2=True, market_making=False)
    untold = AmmV4Build(swap_v2=None, market_making=None)
    cautious = load_settings(environment={"HOME": str(tmp_path)})
    bold = load_settings({"amm_v4_swap_form": "v2", "amm_v4_order_book": "ignored"}, environment={"HOME": str(tmp_path)})
    assert [build.contradiction(cautious) for build in (old, new, untold)] == [None, None, None]
    assert "set every-build" in (old.contradiction(bold) or "")
    assert new.contradiction(bold) is untold.contradiction(bold) is None
    counting = load_settings({"amm_v4_order_book": "counted"}, environment={"HOME": str(tmp_path)})
    assert "open orders are ignored" in (new.contradiction(counting) or "")
    assert "may be counted" in old.description() and "unknown" in untold.description()
