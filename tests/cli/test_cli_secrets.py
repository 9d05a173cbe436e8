"""No command ever shows a credential that is in a URL of the settings: not on stdout or stderr, in no log, in no file it leaves."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from dexroute.cli.app import app
from dexroute.cli.entry import run
from dexroute.localnet import EmbeddedCluster, serve
from tests.cli.runner import Cli

NOBODY: Final = "127.0.0.1:9"
KEY: Final = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
SWAP: Final = ["0.1", "SOL", "USDC"]
# {order}, {pool}, {wallet}, {folder} are filled in; every command there is has its line
COMMANDS: Final[dict[str, list[str]]] = {
    "config": [],
    "doctor": [],
    "wallet new": ["-k", "{folder}/new.json"],
    "wallet import": ["{wallet}", "-k", "{folder}/imported.json"],
    "wallet export": ["{folder}/exported.json"],
    "wallet address": [],
    "wallet balance": [],
    "airdrop": ["1"],
    "quote": SWAP,
    "route": [*SWAP, "--explain"],
    "depth": ["SOL", "USDC"],
    "swap": [*SWAP, "--yes", "--key", "one"],
    "submit": [*SWAP, "--yes", "--key", "two"],
    "worker": ["--until-idle"],
    "orders list": [],
    "orders stats": [],
    "orders restored": [],
    "orders show": ["{order}"],
    "orders watch": ["--no-follow"],
    "orders cancel": ["{order}"],
    "orders resume": [],
    "export": [],
    "explain": ["{signature}"],
    "pools list": [],
    "pools show": ["{pool}"],
    "pools record": [],
    "pools graph": [],
    "pools add": ["{pool}"],
    "tables list": [],
    "tables create": ["--pool", "{pool}", "--yes"],
    "tables extend": [KEY, "--pool", "{pool}", "--yes"],
    "tables deactivate": [KEY, "--yes"],
    "tables close": [KEY, "--yes"],
    "tables add": [KEY],
    "tables forget": [KEY],
    "tokens list": [],
    "tokens add": ["MINE", "{mint}"],
    "tokens remove": ["MINE"],
    "tokens refresh": ["--file", "/nowhere"],
    "localnet": ["--clone", KEY, "--rpc-port", "65535"],
    "demo": [],
    "selftest": ["/nowhere"],
}
MORE: Final[list[tuple[str, list[str]]]] = [
    ("doctor", ["--invariants", "--chain"]),
    ("swap", ["--dry-run", *SWAP]),
    ("explain", ["--program", "dexroute-pool", "6018"]),
]
BOTH: Final = ("config", "doctor", "quote")
# how node, signer and journal fare, the format most commands are asked for then, and which of them where not all
MANNERS: Final = {"answers": "json", "is dead": "table", "signer is dead": "json", "journal is dead": "table"}
ONLY: Final = {
    "signer is dead": ("doctor", "wallet address", "swap", "submit", "worker", "orders resume", "tables create", "airdrop"),
    "journal is dead": ("config", "doctor", "swap", "worker", "orders list", "orders watch", "orders resume", "export"),
}


def secret_url(scheme: str, where: str, name: str) -> str:
    """A URL with a credential in each place where one may be; every one of them contains `hush`."""
    return f"{scheme}://hush-{name}-user:hush-{name}-word@{where}/hush-{name}-path/v1?api-key=hush-{name}-key#hush-{name}-end"


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The playground over HTTP, in a thread of its own: HOST:PORT."""
    loop, ready, there = asyncio.new_event_loop(), threading.Event(), [""]

    def on_ready(at: Any) -> None:
        there[0] = at.rpc_url.removeprefix("http://")
        ready.set()

    async def work() -> None:
        async with EmbeddedCluster.open(directory / "embedded") as cluster:
            await serve(cluster, rpc_port=0, on_ready=on_ready)

    task = loop.create_task(work())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True)), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield there[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)
        assert not thread.is_alive()
        loop.close()


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    if not hasattr(command, "commands"):
        yield " ".join(path)
        return
    for name, below in command.commands.items():
        yield from leaves(below, (*path, name))


async def once(call: Any, *_: Any, **__: Any) -> Any:
    return await call()


@pytest.mark.parametrize("manner", MANNERS)
def test_no_command_shows_a_credential(
    cli: Cli,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    manner: str,
) -> None:
    assert set(leaves(get_command(app))) == set(COMMANDS), "every command has its line"
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("dexroute.chain.rpc.client.with_retries", once)  # a dead node is dead: nobody waits here
    own = tmp_path / "own"
    own.mkdir()
    (own / "tokens.json").write_text((cli.market / "tokens.json").read_text())
    with served(cli.market) as alive:
        first = NOBODY if manner == "is dead" else alive
        urls = {
            "RPC_URLS": f"{secret_url('http', NOBODY, 'second')},{secret_url('http', first, 'third')}",
            "WITNESS_URL": secret_url("https", NOBODY, "witness"),
            "SEND_URLS": secret_url("http", NOBODY, "send"),
            "JITO_URL": secret_url("http", NOBODY, "jito"),
            "JITO_TIP_LAMPORTS": "1000000",  # the tip account is to be made: this cluster lacks it
            "WS_URL": secret_url("ws", NOBODY, "ws"),
            "REDIS_URL": f"redis://hush-redis-user:hush-redis-word@{NOBODY}/0",
            "HTTP_DISCOVERY": "no",
            "RPC_TIMEOUT_MS": "2000",
            "KEYPAIR": f"remote:{secret_url('https', NOBODY, 'signer')}" if manner == "signer is dead" else str(cli.wallet),
        }
        if manner == "journal is dead":
            urls["DATABASE_URL"] = f"postgresql://me:hush-db-word@{NOBODY}/orders?password=hush-db-key"
        for name, value in urls.items():
            monkeypatch.setenv(f"DEXROUTE_{name}", value)
        filled = {
            "order": "none",
            "signature": "none",
            "pool": cli.facts()["pools"][0],
            "mint": KEY,
            "wallet": str(cli.wallet),
            "folder": str(tmp_path),
        }
        said: dict[str, str] = {}
        shared = ["-u", secret_url("http", first, "url"), "--data-dir", str(own)]
        for command, arguments in [*COMMANDS.items(), *MORE]:
            if command not in ONLY.get(manner, COMMANDS):
                continue
            for format_ in ("table", "json") if command in BOTH else ("csv",) if command == "export" else (MANNERS[manner],):
                words = [*command.split(), *(argument.format(**filled) for argument in arguments), *shared, "--format", format_]
                code = run(words)
                out, err = capsys.readouterr()
                assert code != 1, (command, err)
                said[" ".join([command, *arguments[:1], format_])] = out + err
                if command == "swap" and "--dry-run" not in arguments and code == 0:
                    filled |= {"order": json.loads(out)["id"], "signature": json.loads(out)["signature"]}
    shown = {command: text for command, text in said.items() if "hush" in text}
    assert not shown
    named = [command for command, text in said.items() if "127.0.0.1" in text]
    assert len(named) > 3, "what it is about is named all the same"
    assert "hush" not in "\n".join(record.getMessage() for record in caplog.records) + caplog.text
    written = [path for folder in (own, home) for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "journal.sqlite3" for path in written) or manner.endswith("dead")
    assert not [path for path in written if b"hush" in path.read_bytes()]
    if manner == "answers":
        assert "CONFIRMED" in said["swap 0.1 json"], said["swap 0.1 json"]
