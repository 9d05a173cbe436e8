"""A short story of `tests.e2e.soak`; `make chaos` tells longer ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.soak import soak


@pytest.mark.parametrize("chaos", [False, True], ids=["sqlite", "servers-killed"])
async def test_every_order_is_accounted_for(tmp_path: Path, chaos: bool) -> None:
    assert await soak(11, 5, tmp_path, postgres=chaos, chaos=chaos) == []
