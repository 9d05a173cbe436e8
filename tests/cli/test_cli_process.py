"""`dex` as a process: terminals, signals, pipes, the console script, completion, the served cluster."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.runner import DEX, Cli, clean_environment, dex_process


class Terminal:
    """A command on a pseudo-terminal, 80 columns wide."""

    def __init__(self, arguments: tuple[str, ...], home: Path) -> None:
        self._master, slave = pty.openpty()
        environment = {**clean_environment(home), "COLUMNS": "80", "TERM": "xterm"}
        self.process = subprocess.Popen(
            [*DEX, *arguments], stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.shown = ""

    def until(self, text: str, *, timeout_s: float = 120) -> None:
        """Read until `text` was shown; fails when the command ends or the time passes before."""
        deadline = time.monotonic() + timeout_s
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if not select.select([self._master], [], [], 0.2)[0]:
                assert self.process.poll() is None, self.shown
                continue
            try:
                self.shown += os.read(self._master, 65536).decode(errors="replace")
            except OSError:  # the other side is closed
                assert text in self.shown, self.shown

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def ended(self, *, timeout_s: float = 120) -> int:
        """Read the rest; the exit code. A command that does not end is killed and fails the test."""
        deadline = time.monotonic() + timeout_s
        while True:
            if not select.select([self._master], [], [], 0.2)[0]:
                if time.monotonic() > deadline:
                    self.process.kill()
                    raise AssertionError(f"still running: {self.shown}")
                continue
            try:
                piece = os.read(self._master, 65536)
            except OSError:
                break
            if not piece:
                break
            self.shown += piece.decode(errors="replace")
        os.close(self._master)
        return self.process.wait(120)


def test_a_terminal_is_asked_and_no_means_no(cli: Cli, home: Path) -> None:
    before = cli.balances()
    terminal = Terminal(("swap", "1", "SOL", "USDC", *cli.here), home)
    terminal.until("Sign and send this swap? [y/N]:")
    for part in ("at least", "price impact", "slot", "dexroute-pool"):
        assert part in terminal.shown, "what is to be signed is shown first"
    assert len(terminal.shown.splitlines()) < 20, f"it fits 80 columns: {terminal.shown}"
    terminal.type("n\n")
    assert terminal.ended() == 0
    assert "nothing was signed" in terminal.shown
    assert cli.json("orders", "list") == {"orders": []}
    assert cli.balances() == before


def test_a_terminal_is_asked_and_yes_swaps_showing_how_it_goes(cli: Cli, home: Path) -> None:
    terminal = Terminal(("swap", "1", "SOL", "USDC", *cli.here), home)
    terminal.until("[y/N]:")
    terminal.type("y\n")
    assert terminal.ended() == 0
    assert "waiting for the cluster to confirm" in terminal.shown
    assert "CONFIRMED" in terminal.shown
    (order,) = cli.json("orders", "list")["orders"]
    assert order["state"] == "CONFIRMED"


def test_ctrl_c_at_the_question_signs_nothing(cli: Cli, home: Path) -> None:
    terminal = Terminal(("swap", "1", "SOL", "USDC", *cli.here), home)
    terminal.until("[y/N]:")
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.ended() == 130
    assert "Traceback" not in terminal.shown
    assert cli.json("orders", "list") == {"orders": []}


def test_a_reader_that_leaves_is_no_trouble(cli: Cli, home: Path) -> None:
    command = subprocess.Popen(
        [*DEX, "orders", "list", "--format", "json", *cli.here],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(home), text=True,
    )  # fmt: skip
    assert command.stdout is not None and command.stderr is not None
    command.stdout.close()
    assert command.wait(120) == 141
    assert command.stderr.read() == ""


def test_a_terminal_that_knows_no_unicode(cli: Cli, home: Path) -> None:
    told = dex_process("quote", "1", "SOL", "USDC", *cli.here, home=home, environment={"PYTHONIOENCODING": "ascii"})
    assert told.code == 0
    assert "1 SOL" in told.out and "USDC" in told.out


def test_help_and_version_import_nothing_heavy(home: Path) -> None:
    probe = "import sys; from dexroute.cli.entry import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", probe], env=clean_environment(home), capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.replace("'", '"')))
    heavy = {"solders", "solana", "sqlmodel", "sqlalchemy", "alembic", "httpx", "anchorpy", "litesvm", "uvicorn", "asyncio", "yaml"}
    heavy |= {"numpy", "wasmtime"}
    assert "typer" in loaded
    assert not loaded & (heavy | {"rich.console", "rich.table", "rich.markdown"})
    assert not {name for name in loaded if name.startswith("dexroute.")} - {
        name for name in loaded if name.startswith(("dexroute.cli", "dexroute.errors", "dexroute.lazy", "dexroute.types"))
    }
    for command in ("quote", "swap", "orders", "pools", "wallet", "airdrop", "localnet", "demo", "config", "doctor"):
        assert command in done.stdout


def test_reading_the_journal_brings_no_router_along(cli: Cli, home: Path) -> None:
    """Nor a venue or HTTP, where the tokens are on a list."""
    probe = "import sys; from dexroute.cli.entry import run; run(sys.argv[1:]); print(sorted(sys.modules), file=sys.stderr)"
    command = [sys.executable, "-c", probe, "orders", "list", *cli.here]
    done = subprocess.run(command, env=clean_environment(home), capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.replace("'", '"')))
    assert {"sqlmodel", "dexroute.sdk.journal_view"} <= loaded
    heavy = {"httpx", "numpy", "wasmtime", "tenacity", "dexroute.sdk.dex", "dexroute.engine.routing", "dexroute.fetchers.venues"}
    assert not loaded & heavy


def test_every_command_has_help(cli: Cli) -> None:
    commands = ["quote", "swap", "airdrop", "localnet", "demo", "config", "doctor"]
    commands += [f"orders {name}" for name in ("list", "show", "cancel", "resume")]
    commands += [f"pools {name}" for name in ("list", "show", "add")] + [f"wallet {name}" for name in ("new", "address", "balance")]
    for command in commands:
        told = cli.bare(*command.split(), "--help").out
        assert f"dex {command}" in told
        assert "--format" in told and "[bold]" not in told


def test_the_console_script_is_the_same(home: Path) -> None:
    script = Path(sys.executable).with_name("dex")
    if not script.exists():
        pytest.skip("the package is not installed with its scripts here")
    done = subprocess.run([script, "--version"], env=clean_environment(home), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("dexroute ")


def test_completion(home: Path) -> None:
    words = {"COMP_WORDS": "dex wal", "COMP_CWORD": "1", "_DEX_COMPLETE": "complete_bash"}
    completed = dex_process(home=home, environment=words)
    assert completed.out.split() == ["wallet"]


@contextmanager
def served(directory: Path, home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`dex localnet` on free ports; (process, RPC URL)."""
    process = subprocess.Popen(
        [*DEX, "localnet", "--rpc-port", "0", "--data-dir", str(directory), "--format", "json"],
        env=clean_environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        announced = ""
        while not announced.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, process.communicate()
            announced += line
        yield process, json.loads(announced)["rpc_url"]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_served_cluster_takes_the_whole_flow(cli: Cli, home: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.json"
    own = tmp_path / "own"
    own.mkdir()
    (own / "tokens.json").write_text((cli.market / "tokens.json").read_text())
    with served(cli.market, home) as (process, url):
        busy = cli.json("quote", "1", "SOL", "USDC", code=5)
        assert busy["code"] == "DATA_DIR_BUSY" and url in busy["message"], "the message says where to go instead"
        there = ("-u", url, "--data-dir", str(own), "-k", str(fresh), "--format", "json")
        cli.bare("wallet", "new", "-k", str(fresh))
        cli.bare("airdrop", "5", *there)
        quote = cli.bare("quote", "1", "SOL", "USDC", *there).json
        assert len(quote["candidates"]) >= 2
        order = cli.bare("swap", "1", "SOL", "USDC", "--yes", "--key", "http", *there).json
        assert order["state"] == "CONFIRMED"
        held = cli.bare("wallet", "balance", *there).json
        assert {token["mint"]: token["amount"] for token in held["tokens"]} == {order["output_mint"]: order["amount_out"]}
        costs = {name: int(value) for name, value in order["costs"].items() if name.endswith("_lamports")}
        assert int(held["lamports"]) == 4_000_000_000 - costs["network_fee_lamports"] - costs["rent_lamports"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    assert cli.bare("wallet", "balance", *cli.here[:4], "-k", str(fresh), "--format", "json").json == held, "state stays"


def test_a_port_in_use_and_ctrl_c(cli: Cli, home: Path) -> None:
    with served(cli.market, home) as (process, url):
        port = url.rpartition(":")[2]
        told = cli.bare("localnet", "--rpc-port", port, "--data-dir", str(home / "other"), "--format", "json", code=2)
        assert f"127.0.0.1:{port}" in told.error["message"] and "--rpc-port" in told.error["message"]
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
    assert cli.json("quote", "1", "SOL", "USDC")["amount_out"], "the directory is free again"


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--bpf-program", "nonsense", "/nowhere.so"], "not an address"),
        (["--bpf-program", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T", "/nowhere.so"], "/nowhere.so"),
        (["--account", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T", "/nowhere.json"], "/nowhere.json"),
        (["--bpf-program", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"], "takes two values"),
        (["--clone", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T", "-u", "embedded"], "--url"),
        (["--rpc-port", "70000"], "--rpc-port"),
        (["--rpc-port", "65535"], "--rpc-port"),
        (["--slots-per-epoch", "0"], "0"),
        (["--faucet-sol", "-1"], "-1"),
        (["--ticks-per-slot", "0"], "0"),
        (["--warp-slot", "-1"], "-1"),
    ],
)
def test_localnet_flags_that_cannot_be_meant(cli: Cli, tmp_path: Path, flags: list[str], why: str) -> None:
    told = cli.bare("localnet", "--data-dir", str(tmp_path / "net"), "--format", "json", *flags, code=2)
    assert why in told.error["message"]
