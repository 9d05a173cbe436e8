"""Files that are missing, open to others, damaged, of the future, or in use: refused in words, and left as they were."""

from __future__ import annotations

import json
import sqlite3
import stat
from pathlib import Path

import pytest

from dexroute.host.lock import DirectoryLock, hold
from tests.cli.runner import Cli


def _swap_with(cli: Cli, keypair: Path, code: int = 2) -> str:
    here = ("-u", "embedded", "--data-dir", str(cli.market), "-k", str(keypair), "--format", "json")
    error = cli.bare("swap", "1", "SOL", "USDC", "--yes", *here, code=code).error
    assert error["code"] == "KEYPAIR"
    return str(error["message"])


def test_missing_keypair(cli: Cli, tmp_path: Path) -> None:
    message = _swap_with(cli, tmp_path / "none.json")
    assert "no keypair at" in message and "dex wallet new" in message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666])
def test_keypair_others_can_read(cli: Cli, mode: int) -> None:
    cli.wallet.chmod(mode)
    assert "chmod 600" in _swap_with(cli, cli.wallet)
    cli.wallet.chmod(0o600)
    assert cli.json("wallet", "address")["address"]


@pytest.mark.parametrize(
    "content", ["", "hello", "[1,2,3]", json.dumps([0] * 64), json.dumps([256] * 64), '{"key": 1}', "[" * 5000]
)
def test_malformed_keypair(cli: Cli, tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    path.chmod(0o600)
    message = _swap_with(cli, path)
    assert str(path) in message
    assert content[:9] not in message.replace(str(path), "") or not content, "nothing of a key is repeated"


def test_a_folder_is_no_keypair(cli: Cli, tmp_path: Path) -> None:
    assert "not a regular file" in _swap_with(cli, tmp_path)


def test_wallet_new_is_private_and_never_overwrites(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "id.json"
    made = cli.bare("wallet", "new", "-k", str(path), "--format", "json").json
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made["address"] == cli.bare("wallet", "address", "-k", str(path)).out.strip()
    before = path.read_bytes()
    assert "never overwritten" in cli.bare("wallet", "new", "-k", str(path), code=2).err
    assert path.read_bytes() == before


def _journal(cli: Cli) -> Path:
    return cli.market / "journal.sqlite3"


def _refused_journal(cli: Cli, why: str) -> None:
    before = _journal(cli).read_bytes()
    for command in (["orders", "list"], ["swap", "1", "SOL", "USDC", "--yes"]):
        error = cli.json(*command, code=2)
        assert error["code"] == "DATABASE"
        assert why in error["message"] and str(_journal(cli)) in error["message"]
    assert _journal(cli).read_bytes() == before, "not a byte was changed"


def test_a_journal_that_is_no_database(cli: Cli) -> None:
    _journal(cli).write_bytes(b"these are my notes, do not lose them\n" * 100)
    _refused_journal(cli, "corrupt")


def test_a_journal_with_a_damaged_page(cli: Cli) -> None:
    cli.json("swap", "1", "SOL", "USDC", "--yes")
    content = bytearray(_journal(cli).read_bytes())
    content[4096:12288] = b"\xa5" * 8192
    _journal(cli).write_bytes(content)
    _refused_journal(cli, "corrupt")


def test_a_journal_of_the_future(cli: Cli) -> None:
    cli.json("orders", "list")
    with sqlite3.connect(_journal(cli)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    _refused_journal(cli, "newer")


def test_somebody_elses_database(cli: Cli) -> None:
    _journal(cli).unlink(missing_ok=True)
    with sqlite3.connect(_journal(cli)) as database:
        database.execute("CREATE TABLE recipes (name TEXT)")
    database.close()
    _refused_journal(cli, "not a journal of dexroute")


def test_a_damaged_cluster(cli: Cli) -> None:
    file = cli.market / "embedded" / "cluster.sqlite3"
    file.write_bytes(b"SQLite format 3\x00" + b"\x00" * 5000)
    error = cli.json("quote", "1", "SOL", "USDC", code=2)
    assert error["code"] == "DATABASE"
    assert str(file) in error["message"] or "embedded" in error["message"]


def test_damaged_token_list(cli: Cli) -> None:
    (cli.market / "tokens.json").write_text("{]")
    assert "tokens.json" in cli.json("quote", "1", "SOL", "USDC", code=2)["message"]


def test_two_commands_on_one_data_directory(cli: Cli) -> None:
    before = cli.balances()
    lock = DirectoryLock(cli.market / "embedded", "cluster", what="the embedded cluster")
    try:
        for command in (["quote", "1", "SOL", "USDC"], ["swap", "1", "SOL", "USDC", "--yes"], ["orders", "resume"]):
            error = cli.json(*command, code=5)
            assert (error["code"], error["retryable"]) == ("DATA_DIR_BUSY", True)
            assert "in use by process" in error["message"]
    finally:
        lock.release()
    assert cli.balances() == before


def test_a_journal_in_use(cli: Cli) -> None:
    with hold(cli.market, "journal.sqlite3", what="the journal"):
        for command in (["swap", "1", "SOL", "USDC", "--yes"], ["orders", "resume"]):
            assert cli.json(*command, code=5)["code"] == "DATA_DIR_BUSY"
    assert cli.json("orders", "list") == {"orders": []}


def test_a_data_directory_that_cannot_be(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    told = cli.bare("quote", "1", "SOL", "USDC", "-u", "embedded", "--data-dir", str(file / "inside"), "--format", "json", code=2)
    assert str(file) in told.error["message"]


@pytest.mark.parametrize(
    ("content", "why"),
    [("url = ", "not valid TOML"), ('urll = "x"', "did you mean 'url'"), ("slippage_bps = 20000", "out of range"), ("\xff", "")],
)
def test_broken_settings(cli: Cli, home: Path, content: str, why: str) -> None:
    path = home / ".config" / "dexroute" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode("latin-1"))
    error = cli.json("quote", "1", "SOL", "USDC", code=2)
    assert error["code"] == "CONFIG"
    assert why in error["message"] and str(path) in error["message"]


def test_broken_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEXROUTE_SLIPPAGE_BPS", "lots")
    assert "DEXROUTE_SLIPPAGE_BPS" in cli.json("quote", "1", "SOL", "USDC", code=2)["message"]
