"""A refusal on chain ends the order with what it means, not only with its number."""

from __future__ import annotations

import json
from pathlib import Path

from dexroute.engine.execution.failures import error_of
from tests.engine.simulated_bench import open_bench


async def test_the_journal_keeps_what_the_refusal_means(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.chain.refuses = True
        order = await bench.executor().execute(bench.order())
        error = error_of(order)
        assert error.context["program_error"] == 6001
        assert "dex explain 6001" in error.context["cause"], "the simulated chain logs no program: the code is all there is"
        assert error.context["error_class"] is None
        assert error.message.endswith(error.context["cause"])
        assert order.failure is not None and json.dumps(order.failure.context)
