"""The build at hand is told by what it knows: market making it does, the short swap it does not."""

from __future__ import annotations

import pytest

from dexroute.sdk.amm_v4_build import MARKET_MAKING, SWAP_V2
from tests.differential.making.stage import MakingRefused, Stage
from tests.differential.world import ProgramAbsent


def test_an_unknown_instruction_is_refused_before_its_accounts() -> None:
    try:
        stage = Stage("raydium-amm-v4")
    except ProgramAbsent as reason:
        pytest.skip(str(reason))
    with pytest.raises(MakingRefused, match="InvalidInstructionData"):
        stage.run(SWAP_V2)
    with pytest.raises(MakingRefused) as known:
        stage.run(MARKET_MAKING)
    assert "InvalidInstructionData" not in str(known.value)
