"""The guide to routes is run, not believed: its commands in order with their exit codes, its program beside a real Redis."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dexroute import errors
from dexroute.engine.routing.ranking import __doc__ as ranking
from tests.cli.runner import clean_environment
from tests.servers.redis import redis_server

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "routes.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_console_lines_run_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from dexroute.cli.entry import run

    lines = [line[2:] for block in _blocks("console") for line in block.splitlines()]
    assert len(lines) >= 15 and len([line for line in lines if "# exit code 4" in line]) >= 2
    for name in [name for name in os.environ if name.startswith(("DEXROUTE_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for line in lines:
        asked, _, expected = line.partition("# exit code ")
        command, *arguments = shlex.split(asked)
        assert command == "dex"
        code = run(arguments)
        said = capsys.readouterr()
        assert code == int(expected or 0), f"{line}\n{said.out}\n{said.err}"
        assert said.err if code else said.out, line
    assert {path.name for path in tmp_path.glob("*.svg")} == {"route.svg", "depth.svg", "graph.svg"}


def test_the_program_runs_offline_and_beside_a_real_redis(tmp_path: Path) -> None:
    (program,) = _blocks("python")
    with redis_server() as server:
        done = subprocess.run(
            [sys.executable, "-"], input=program, cwd=tmp_path, env=clean_environment(tmp_path, {"REDIS_URL": server.url}),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        with server.client() as client:
            assert client.keys("dexroute:*:set:*"), "the program's accounts are in it"
    for part in ("% through", "lamports gone", "bps below", "0 round trips, cache", "PRICE_IMPACT_TOO_HIGH"):
        assert part in done.stdout


@pytest.mark.parametrize("command", ["quote", "route", "swap", "submit"])
def test_every_option_of_a_route_is_in_it(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dexroute.cli.entry import run

    monkeypatch.setenv("COLUMNS", "200")
    assert run([command, "--help"]) == 0
    shown = capsys.readouterr().out
    panels = re.findall(r"─ (Limits|Guards \(exit code 4\)|Route) ─.*?╰", shown, re.DOTALL)
    assert set(panels) == {"Limits", "Guards (exit code 4)", "Route"}
    for panel in re.findall(r"─ (?:Limits|Guards[^─]*|Route) ─(.*?)╰", shown, re.DOTALL):
        for option in re.findall(r"^│ (--[a-z-]+)", panel, re.MULTILINE):
            assert f"`{option}" in GUIDE, option


def test_its_codes_are_guards_and_its_ties_are_the_rankings() -> None:
    tree = {one.code: one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.DexError)}
    codes = re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", GUIDE)
    assert len(set(codes)) >= 5 and {tree[code].exit_code for code in codes if code in tree} == {4}
    assert all(code in tree for code in codes if not code.startswith("DEXROUTE"))
    words = ("fewer hops in all", "fewer legs", "fewer compute units")
    for text in (GUIDE, ranking or ""):
        places = [text.index(word) for word in words]
        assert places == sorted(places)
