"""Pools that are none: every address somebody may name is read as untrusted bytes."""

from __future__ import annotations

import asyncio

import pytest
from solders.pubkey import Pubkey

from dexroute.localnet import EmbeddedCluster
from dexroute.types.accounts import AccountData
from tests.cli.runner import Cli

FORGED = Pubkey.from_string("4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T")
COMMANDS = (
    ["pools", "show"],
    ["pools", "add"],
    ["quote", "1", "SOL", "USDC", "--pool"],
    ["swap", "1", "SOL", "USDC", "--yes", "--pool"],
)


def _forge(
    cli: Cli, like: str, *, length: int | None = None, owner: Pubkey | None = None, after: int = 8, fill: int | None = None
) -> str:
    """Put an account on the cluster that begins as a copy of a real pool."""

    async def work() -> None:
        async with EmbeddedCluster.open(cli.market / "embedded") as cluster:
            real = cluster.bank.account(Pubkey.from_string(like))
            assert real is not None
            data = bytes(real.data) if fill is None else bytes(real.data[:after]) + bytes([fill]) * (len(real.data) - after)
            data = data[:length] if length is None or length <= len(data) else data.ljust(length, b"\x00")
            cluster.set_account(FORGED, AccountData(owner=owner or real.owner, lamports=real.lamports, data=data))

    asyncio.run(work())
    return str(FORGED)


def _refused(cli: Cli, address: str, why: str) -> None:
    before = cli.json("pools", "list")["pools"]
    for command in COMMANDS:
        error = cli.json(*command, address, code=2)
        assert error["code"] in ("DECODE", "MISSING_ACCOUNTS"), error
        assert address in error["message"] and why in error["message"]
        assert error["context"]["pool"] == address
    assert [pool["address"] for pool in cli.json("pools", "list")["pools"]] == [pool["address"] for pool in before]
    assert cli.json("orders", "list") == {"orders": []}


def test_addresses_of_something_else(cli: Cli) -> None:
    wallet = cli.json("wallet", "address")["address"]
    mint = cli.json("quote", "1", "SOL", "USDC")["output_mint"]
    _refused(cli, wallet, "no venue's program")
    _refused(cli, mint, "no venue's program")
    _refused(cli, str(FORGED), "no such account")


def test_a_pool_of_the_wrong_owner(cli: Cli) -> None:
    _refused(cli, _forge(cli, cli.facts()["pools"][0], owner=Pubkey.from_string(str(FORGED))), "no venue's program")


@pytest.mark.parametrize("venue", ["dexroute-pool", "raydium-cpmm", "meteora-damm-v2"])
def test_pools_of_the_wrong_length_or_full_of_nonsense(cli: Cli, venue: str) -> None:
    facts = cli.facts()
    real = facts["pools"][0] if venue == "dexroute-pool" else facts["recorded"][venue]
    for length in (0, 8, -1, 4000):
        error = cli.json("pools", "show", _forge(cli, real, length=length), code=2)
        assert error["code"] == "DECODE"
        assert str(FORGED) in error["message"] and "byte" in error["message"]
    for fill in (0x00, 0xFF):
        error = cli.json("pools", "show", _forge(cli, real, fill=fill), code=2)
        assert error["code"] in ("DECODE", "MISSING_ACCOUNTS")
        assert str(FORGED) in error["message"]


def test_a_forged_pool_spoils_no_other(cli: Cli) -> None:
    honest = cli.json("quote", "1", "SOL", "USDC")
    real = cli.facts()["pools"][0]
    forged = _forge(cli, real, after=109, fill=0xFF)  # the mints are the real pool's, the rest is nonsense
    quote = cli.json("quote", "1", "SOL", "USDC")
    assert (quote["amount_out"], quote["route"]) == (honest["amount_out"], honest["route"])
    assert [entry["pool"] for entry in quote["unusable_pools"]] == [forged]
    assert "unusable" in cli("quote", "1", "SOL", "USDC").out
    assert cli.json("swap", "1", "SOL", "USDC", "--yes")["state"] == "CONFIRMED"
