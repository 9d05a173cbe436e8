"""The list of failpoints follows the code, and a typo in one is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dexroute.engine.execution as execution
from dexroute.engine.execution import failpoints
from dexroute.engine.execution.failpoints import FAILPOINTS, Boundary
from dexroute.errors import ConfigError
from dexroute.types.orders import EventKind


def test_every_boundary_of_the_list_stands_in_the_code_and_only_those() -> None:
    sources = "\n".join(file.read_text() for file in Path(execution.__file__).parent.glob("*.py"))
    used = set(re.findall(r"(?:boundary|_ask)\(Boundary\.([A-Z]+)", sources))
    assert used == {place.name for place in Boundary}
    assert len(FAILPOINTS) == 2 * (len(Boundary) + len(EventKind)) == len(set(FAILPOINTS))


def test_every_write_and_every_call_out_is_within_a_failpoint() -> None:
    """A call through a port outside `boundary` or `commit` would be a place no crash test reaches."""
    calls = re.compile(
        r"await (?:self\.)?_?(?:store|sender|witness|node|route|signer|builder|_builder|_sender|_signer|_store)\."
        r"(place|claim|take|advance|finalize|send|signature_statuses|transaction|block_height|latest_blockhash|sign|route|build)\("
    )
    found = 0
    for file in Path(execution.__file__).parent.glob("*.py"):
        lines = file.read_text().splitlines()
        for number, line in enumerate(lines):
            if calls.search(line):
                found += 1
                around = "\n".join(lines[max(0, number - 13) : number + 1])
                assert re.search(r"with (boundary|failpoints\.commit)\(|async def build\(", around), f"{file.name}:{number + 1}"
    assert found >= 9


@pytest.mark.parametrize("name", ["", "nowhere", "before-send:x", "send"])
def test_an_unknown_failpoint_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="before-route"):
        failpoints.arm(name)
