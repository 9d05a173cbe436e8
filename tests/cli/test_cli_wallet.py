"""`dex wallet` with keys that are not in plain files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.cli.runner import Cli


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dexroute.chain.signers.encrypted._SCRYPT_N", 2**10)


def test_an_encrypted_wallet_from_new_to_swap(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    market, sealed = ("-u", "embedded", "--data-dir", str(cli.market)), str(tmp_path / "wallet.enc")
    told = cli.bare("wallet", "import", str(cli.wallet), "--encrypt", "-k", sealed, "--format", "json", code=2)
    assert "DEXROUTE_PASSPHRASE" in told.error["message"]
    monkeypatch.setenv("DEXROUTE_PASSPHRASE", "correct horse")
    made = cli.bare("wallet", "import", str(cli.wallet), "--encrypt", "-k", sealed, "--format", "json").json
    assert made["keypair"] == sealed and stat.S_IMODE(Path(sealed).stat().st_mode) == 0o600
    monkeypatch.setenv("DEXROUTE_PASSPHRASE", "wrong horse")
    # the address and quotes need no passphrase; a swap asks before it records anything
    assert cli.bare("wallet", "address", "-k", sealed).out.strip() == made["address"]
    assert cli.bare("quote", "1", "SOL", "USDC", "-k", sealed, *market).out
    refused = cli.bare("swap", "1", "SOL", "USDC", "--yes", "-k", sealed, *market, "--format", "json", code=2)
    assert refused.error["code"] == "WRONG_PASSPHRASE" and "horse" not in refused.err
    assert cli.json("orders", "list") == {"orders": []}
    monkeypatch.setenv("DEXROUTE_PASSPHRASE", "correct horse")
    order = cli.bare("swap", "1", "SOL", "USDC", "--yes", "-k", sealed, *market, "--format", "json").json
    assert order["state"] == "CONFIRMED"
    plain = tmp_path / "plain.json"
    cli.bare("wallet", "export", str(plain), "-k", sealed)
    assert json.loads(plain.read_text()) == json.loads(cli.wallet.read_text()) and stat.S_IMODE(plain.stat().st_mode) == 0o600


def test_a_key_is_never_replaced(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEXROUTE_PASSPHRASE", "correct horse")
    target = str(tmp_path / "a")
    cli.bare("wallet", "new", "--encrypt", "-k", target)
    for words in (("new",), ("new", "--encrypt"), ("import", str(cli.wallet))):
        assert "never overwritten" in cli.bare("wallet", *words, "-k", target, code=2).err
    assert "remote signer" in cli.bare("wallet", "new", "-k", "remote:https://signer.example", code=2).err


def test_most_commands_take_one_key_and_cancelling_takes_none(cli: Cli, tmp_path: Path) -> None:
    second = str(tmp_path / "second.json")
    cli.bare("wallet", "new", "-k", second)
    for words in (("swap", "1", "SOL", "USDC", "--yes"), ("submit", "1", "SOL", "USDC", "--yes"), ("wallet", "address")):
        told = cli.json(*words, "-k", second, code=2)
        assert told["code"] == "USAGE" and "for one wallet" in told["message"]
    waiting = cli.json("submit", "1", "SOL", "USDC", "--yes")
    here = ("-u", "embedded", "--data-dir", str(cli.market), "-k", str(tmp_path / "nothing.json"), "--format", "json")
    left = cli.bare("orders", "resume", *here, code=2).json
    assert left["orders"][0]["state"] == "PENDING" and "no keypair at" in left["still_open"][0]["message"]
    assert cli.bare("orders", "cancel", waiting["id"], *here).json["state"] == "CANCELLED"
    findings = {finding["detail"] for finding in cli.json("doctor", "-k", second)["checks"] if finding["check"] == "keypair"}
    assert len(findings) == 2, findings


def test_keys_named_on_the_command_line_are_the_only_ones(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEXROUTE_KEYPAIRS", "/keys/second.json keychain:third")
    there = ("config", "-u", "embedded", "--format", "json")
    assert cli.bare(*there).json["keypairs"]["value"] == "/keys/second.json, keychain:third"
    assert cli.bare(*there, "-k", "/keys/one.json").json["keypairs"] == {"value": None, "source": "flag"}
