"""RPC endpoints that are down, limiting, broken, mad or mute: exit 5, what is wrong, and never a credential."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chain.scripted_node import ScriptedNode
from tests.cli.nodes import node_behaving
from tests.cli.runner import Cli

Script = Callable[[ScriptedNode], None]


def _limits(node: ScriptedNode) -> None:
    node.says(b"too many requests", 429, Retry_After="3600")


def _fails(node: ScriptedNode) -> None:
    node.says(b"<h1>internal error</h1>", 503, Content_Type="text/html", Retry_After="3600")


def _shows_a_web_page(node: ScriptedNode) -> None:
    node.says(b"<!doctype html><title>Welcome</title>", 200, Content_Type="text/html")


def _babbles(node: ScriptedNode) -> None:
    node.says(b'{"jsonrpc": "2.0", "id": 1, "result": ', 200, Content_Type="application/json")


def _answers_something_else(node: ScriptedNode) -> None:
    node.answers({"value": [1, 2, 3]})


def _hangs(node: ScriptedNode) -> None:
    node.behaves("hang")


@pytest.mark.parametrize(
    ("script", "code", "why"),
    [
        (_limits, "RATE_LIMITED", "asks to wait 3600 s"),
        (_fails, "RPC_UNREACHABLE", "503"),
        (_shows_a_web_page, "RPC_ERROR", "is this a JSON-RPC endpoint?"),
        (_babbles, "RPC_ERROR", "no JSON object"),
        (_answers_something_else, "RPC_ERROR", "getGenesisHash"),
        (_hangs, "RPC_UNREACHABLE", "did not answer within 0.1 s"),
    ],
)
def test_bad_nodes(cli: Cli, monkeypatch: pytest.MonkeyPatch, script: Script, code: str, why: str) -> None:
    monkeypatch.setenv("DEXROUTE_RPC_TIMEOUT_MS", "100")
    with node_behaving(script) as node:
        url = f"http://user:sesame-open@127.0.0.1:{node.port}/v1/abcdef0123456789?api-key=topsecret"
        told = cli.bare(
            "quote", "1", "SOL", "USDC", "-u", url, "--data-dir", str(cli.market), "-k", str(cli.wallet), "--format", "json", code=5
        )
    assert node.questions, "it was really asked"
    error = told.error
    assert (error["code"], error["retryable"]) == (code, True)
    assert why in error["message"]
    for secret in ("sesame", "abcdef0123456789", "topsecret"):
        assert secret not in told.err


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_told_as_that(cli: Cli, status: int) -> None:
    with node_behaving(lambda node: node.refuses(-32600, "Must be authenticated!", status=status)) as node:
        here = ("-u", f"http://127.0.0.1:{node.port}/?api-key=topsecret", "--data-dir", str(cli.market), "-k", str(cli.wallet))
        said = cli.bare("swap", "1", "SOL", "USDC", "--yes", *here, code=2).err
        error = cli.bare("submit", "1", "SOL", "USDC", "--yes", *here, "--format", "json", code=2).error
    assert len(node.questions) == 2, "once each"
    assert said.startswith("error [ACCESS_REFUSED] ") and f"(HTTP {status}: Must be authenticated!)" in said
    assert "give a URL with a key that is accepted (-u, or the settings)" in said and "may pass" not in said
    assert (error["code"], error["retryable"]) == ("ACCESS_REFUSED", False) and "topsecret" not in said
    assert cli.json("orders", "list") == {"orders": []}, "nothing was recorded"


def test_a_port_nobody_listens_on(cli: Cli) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    here = ("-u", url, "--data-dir", str(cli.market), "-k", str(cli.wallet))
    told = cli.bare("swap", "1", "SOL", "USDC", "--yes", *here, code=5)
    assert told.out == ""
    assert told.err.startswith("error [RPC_UNREACHABLE]") and url in told.err and "(-u)" in told.err
    assert cli.json("orders", "list") == {"orders": []}, "nothing was recorded"


def test_credentials_stay_out_of_everything_said(cli: Cli, home: Path) -> None:
    url = "https://alice:sesame-open@127.0.0.1:1/v1/abcdef0123456789?api-key=topsecret"
    here = ("-u", url, "--data-dir", str(cli.market), "-k", str(cli.wallet))
    told = [
        cli.bare("config", *here),
        cli.bare("config", *here, "--format", "json"),
        cli.bare("quote", "1", "SOL", "USDC", "-u", url.replace("https", "htps"), code=2),
    ]
    (home / ".config" / "dexroute").mkdir(parents=True)
    (home / ".config" / "dexroute" / "config.toml").write_text(f'url = "{url}"\nwitness_url = "{url}"\nslippage_bps = 70\n')
    told.append(cli.bare("config"))
    assert "70" in told[-1].out and "config.toml" in "".join(told[-1].out.split()), "a long path is folded anywhere"
    for outcome in told:
        said = outcome.out + outcome.err
        assert "127.0.0.1" in said
        for secret in ("alice", "sesame", "abcdef0123456789", "topsecret"):
            assert secret not in said


def test_a_witness_in_the_settings_does_not_concern_the_embedded_cluster(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEXROUTE_WITNESS_URL", "http://127.0.0.1:1")
    assert cli.json("quote", "1", "SOL", "USDC")["amount_out"]
