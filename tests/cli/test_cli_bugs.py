"""What nobody meant to happen: a short message, exit 1, no traceback, no secret."""

from __future__ import annotations

from typing import Any

import pytest

from dexroute.cli.entry import run
from tests.cli.runner import Cli


def _break(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("dexroute.sdk.quoting.Quoter.quote", broken)


def test_a_bug_is_reported_in_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    _break(monkeypatch, RuntimeError("cannot reach https://alice:sesame-open@node.example/abcdef0123456789?api-key=topsecret now"))
    told = cli("quote", "1", "SOL", "USDC", code=1)
    assert told.out == ""
    assert told.err.startswith("error [BUG] this is a bug in dexroute")
    assert "RuntimeError" in told.err and "report" in told.err and "DEXROUTE_DEBUG=1" in told.err
    for secret in ("alice", "sesame", "abcdef0123456789", "topsecret"):
        assert secret not in told.err
    error = cli.json("quote", "1", "SOL", "USDC", code=1)
    assert (error["code"], error["retryable"], error["context"]["exception"]) == ("BUG", False, "RuntimeError")


def test_the_traceback_is_there_for_who_asks(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    _break(monkeypatch, RuntimeError("broken"))
    monkeypatch.setenv("DEXROUTE_DEBUG", "1")
    with pytest.raises(RuntimeError, match="broken"):
        run(["quote", "1", "SOL", "USDC", *cli.here])


def test_a_bug_while_swapping_leaves_a_journal_that_says_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cli.balances()

    async def broken(*_: Any, **__: Any) -> None:
        raise KeyError("plan")

    with monkeypatch.context() as patch:
        patch.setattr("dexroute.engine.planning.SwapBuilder.prepare", broken)
        assert cli.json("swap", "1", "SOL", "USDC", "--yes", "--key", "k", code=1)["code"] in ("BUG", "DEX_ERROR")
    assert cli.balances() == before
    (order,) = cli.json("orders", "list")["orders"]
    assert (order["state"], order["signature"]) == ("FAILED", None)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BrokenPipeError()])
def test_leaving_early_is_no_bug(cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    _break(monkeypatch, error)
    code = 130 if isinstance(error, KeyboardInterrupt) else 141
    monkeypatch.setattr("dexroute.cli.command.reader_gone", lambda: 141)  # the real one closes this test run's own stdout
    assert run(["quote", "1", "SOL", "USDC", *cli.here]) == code
