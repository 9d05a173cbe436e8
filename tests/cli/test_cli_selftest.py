"""`dex selftest`: what ships agrees, and what does not agree is found."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dexroute.fetchers import VENUES
from dexroute.fetchers.recorded import PACKAGED, read_recorded, recorded_files
from dexroute.sdk.selftest import run_selftest
from tests.cli.runner import Cli

PLAIN = PACKAGED / "raydium-cpmm" / "plain.json.gz"


def altered(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The plain recording with something else in it."""
    document = json.loads(gzip.decompress(PLAIN.read_bytes()))
    change(document)
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    return path


def test_every_venue_that_ships_with_recordings_agrees() -> None:
    told: list[str] = []
    results = {result.venue: result for result in run_selftest(progress=told.append)}
    files = recorded_files(PACKAGED)
    assert set(results) >= {"raydium-cpmm", "meteora-damm-v2"}
    for venue in VENUES:
        if venue.id != "dexroute-pool":
            result = results[venue.id]
            assert result.ok and result.swaps >= 200 and result.worst_difference == 0 and result.faults == []
    assert len(told) == len(files) == sum(result.states for result in results.values())
    assert told[-1].startswith(f"{len(files)} of {len(files)}: ")


def test_what_ships_is_small() -> None:
    assert 100_000 < sum(path.stat().st_size for path in recorded_files(PACKAGED)) < 260_000


def test_a_file_is_enough_and_the_table_shows_its_numbers(cli: Cli) -> None:
    shape = cli.bare("selftest", str(PLAIN), "--format", "json").json
    (venue,) = shape["venues"]
    assert shape["ok"]
    assert venue == {
        "venue": "raydium-cpmm", "states": 1, "swaps": 160, "equal": 160, "worst_difference": "0", "faults": [],
    }  # fmt: skip
    told = cli.bare("selftest", str(PLAIN)).out
    assert told.split()[-5:] == ["raydium-cpmm", "1", "160", "160", "0"]


def test_an_amount_that_differs_is_found_with_its_distance(cli: Cli, tmp_path: Path) -> None:
    def more(document: dict[str, Any]) -> None:
        swap = next(swap for swap in document["swaps"] if "ok" in swap)
        swap["ok"]["amount_out"] = str(int(swap["ok"]["amount_out"]) + 7)

    path = altered(tmp_path / "off.json.gz", more)
    outcome = cli.bare("selftest", str(tmp_path), "--format", "json", code=1)
    (venue,) = outcome.json["venues"]
    assert (venue["equal"], venue["worst_difference"]) == (159, "7")
    assert "quoted here" in venue["faults"][0] and "raydium-cpmm/plain" in venue["faults"][0]
    assert "do not swap with it" in cli.bare("selftest", str(path), code=1).err


@pytest.mark.parametrize(
    ("change", "equal", "says"),
    [
        (lambda refusal, _: refusal.update(custom=6011), 159, "here with"),
        (lambda _, document: document.update(pool="11111111111111111111111111111111"), 0, "no such account"),
    ],
)
def test_refusals_must_carry_the_programs_code_and_pools_must_decode(
    cli: Cli, tmp_path: Path, change: Callable[[Any, Any], None], equal: int, says: str
) -> None:
    def differently(document: dict[str, Any]) -> None:
        change(next(swap["err"] for swap in document["swaps"] if "err" in swap), document)

    path = altered(tmp_path / "refused.json.gz", differently)
    (venue,) = cli.bare("selftest", str(path), "--format", "json", code=1).json["venues"]
    assert venue["equal"] == equal and says in venue["faults"][0]


def test_a_swap_quoted_that_was_refused_is_a_fault(tmp_path: Path) -> None:
    def refused(document: dict[str, Any]) -> None:
        swap = next(swap for swap in document["swaps"] if "ok" in swap)
        del swap["ok"]
        swap["err"] = {"custom": 6005, "text": "ExceededSlippage"}

    (result,) = run_selftest([altered(tmp_path / "a.json.gz", refused)])
    assert result.equal == 159 and "was refused (ExceededSlippage) and is quoted here" in result.faults[0]


@pytest.mark.parametrize(
    "raw",
    [b"", b"no gzip", *map(gzip.compress, (b"{", b'{"format": 2}', b'{"format": 1}', b"[]", b"[" * 100_000, b"\xff"))],
    ids=["empty", "no gzip", "no JSON", "another format", "nothing in it", "a list", "too deep", "no UTF-8"],
)
def test_files_that_are_no_recordings_are_named(cli: Cli, tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "pool.json.gz"
    path.write_bytes(raw)
    error = cli.bare("selftest", str(path), "--format", "json", code=2).error
    assert error["code"] == "CONFIG" and "pool.json.gz" in error["message"]


def test_nothing_to_run_is_no_success(cli: Cli, tmp_path: Path) -> None:
    assert "no recordings" in cli.bare("selftest", str(tmp_path), "--format", "json", code=2).error["message"]
    assert "not there" in cli.bare("selftest", str(tmp_path / "none"), "--format", "json", code=2).error["message"]


def test_a_swap_both_executed_and_refused_is_no_recording(tmp_path: Path) -> None:
    def both(document: dict[str, Any]) -> None:
        next(swap for swap in document["swaps"] if "ok" in swap)["err"] = {"custom": 1, "text": "both"}

    with pytest.raises(Exception, match="neither executed nor refused, or both"):
        read_recorded(altered(tmp_path / "both.json.gz", both))
