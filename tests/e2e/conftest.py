"""A stage with its node, for each test its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.chain import Chain, Pace
from tests.e2e.node import Sloppiness
from tests.e2e.stage import Stage

Opener = Callable[..., Any]


@pytest.fixture
async def open_stage(tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens a stage: at a recorded clock, or at one of no meaning."""
    opened: list[Stage] = []

    async def opener(
        pace: Pace | None = None,
        sloppy: Sloppiness | None = None,
        *,
        slot: int = 300_000_000,
        epoch: int = 700,
        unix_timestamp: int = 1_750_000_000,
    ) -> Stage:
        chain = Chain(slot=slot, epoch=epoch, unix_timestamp=unix_timestamp, pace=pace or Pace())
        stage = Stage(chain, tmp_path / str(len(opened)))
        stage.node.sloppy = sloppy or Sloppiness()
        await stage.node.start()
        opened.append(stage)
        return stage

    yield opener
    for stage in opened:
        for node in (stage.node, *stage.others):
            await node.stop()
            assert node.asked and not node.violations, node.violations
