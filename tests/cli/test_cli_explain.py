"""`dex explain`: codes, names, and transactions that a cluster carried out."""

from __future__ import annotations

import asyncio

import pytest
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from dexroute import Dex, KeypairSigner, QuoteRequest, SwapRequest
from dexroute.engine.planning.token_accounts import associated_token_address
from dexroute.types.mints import NATIVE_MINT
from tests.cli.runner import Cli


async def land(cli: Cli, *, fails: bool) -> Signature:
    """A swap beyond its limit, or a transfer, on the playground; its signature once it landed."""
    signer = KeypairSigner.load(cli.wallet)
    async with Dex(url="embedded", data_dir=cli.market, signer=signer) as dex:
        client = dex.connection.client
        instruction = transfer(TransferParams(from_pubkey=signer.pubkey, to_pubkey=signer.pubkey, lamports=1))
        if fails:
            pools = await dex.load_pools([Pubkey.from_string(address) for address in cli.facts()["pools"]])
            pool = next(found for found in pools.values() if all(mint.address != NATIVE_MINT for mint in found.mints))
            paid, got = pool.mints
            instruction = pool.swap_instruction(
                SwapRequest(
                    quote=QuoteRequest(input_mint=paid.address, output_mint=got.address, amount=1_000_000),
                    limit=2**63,
                    user=signer.pubkey,
                    source=associated_token_address(signer.pubkey, paid),
                    destination=associated_token_address(signer.pubkey, got),
                )
            )
        lifetime = await client.latest_blockhash()
        message = MessageV0.try_compile(signer.pubkey, [instruction], [], lifetime.blockhash)
        signature = await signer.sign(message)
        await client.send(bytes(VersionedTransaction.populate(message, [signature])))
        for _ in range(100):
            if await client.transaction(signature) is not None:
                return signature
            await asyncio.sleep(0.1)
        raise AssertionError(f"{signature} never landed")


def test_a_failed_transaction_is_explained_by_its_log(cli: Cli) -> None:
    signature = asyncio.run(land(cli, fails=True))
    found = cli.json("explain", str(signature))
    assert not found["succeeded"] and found["signature"] == str(signature)
    assert (found["code"], found["name"], found["instruction_index"]) == (6018, "SlippageExceeded", 0)
    (error,) = found["errors"]
    assert (error["program"], error["class"]) == ("dexroute-pool", "requote")
    assert found["program_id"] in error["program_ids"]
    told = cli("explain", str(signature)).out
    assert "SlippageExceeded" in told and "quote again" in told and "failed in instruction 0" in told


def test_a_transaction_that_succeeded_needs_no_explaining(cli: Cli) -> None:
    signature = asyncio.run(land(cli, fails=False))
    found = cli.json("explain", str(signature))
    assert found["succeeded"] and found["errors"] == [] and found["error"] is None
    assert "succeeded" in cli("explain", str(signature)).out


def test_a_transaction_nobody_knows_is_said_so(cli: Cli) -> None:
    error = cli.json("explain", str(Signature(bytes(range(64)))), code=2)
    assert error["code"] == "USAGE" and "knows no confirmed transaction" in error["message"]


def test_a_code_means_something_else_in_every_program(cli: Cli) -> None:
    errors = cli.bare("explain", "6005", "--format", "json").json["errors"]
    meanings = {(error["program"], error["name"]) for error in errors}
    assert {
        ("raydium-cpmm", "ExceededSlippage"),
        ("meteora-dlmm", "CompositionFactorFlawed"),
        ("dexroute-pool", "InvalidTokenProgram"),
        ("raydium-clmm", "TickInvalidOrder"),
        ("raydium-clmm", "ZeroMintAmount"),
    } <= meanings
    assert cli.bare("explain", "0x1775", "--format", "json").json["errors"] == errors


@pytest.mark.parametrize("program", ["raydium-cpmm", "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"])
def test_one_program_by_its_name_or_address(cli: Cli, program: str) -> None:
    (error,) = cli.bare("explain", "6005", "--program", program, "--format", "json").json["errors"]
    assert error["name"] == "ExceededSlippage" and error["class"] == "requote"
    told = cli.bare("explain", "6005", "--venue", program).out
    assert "6005 (0x1775) ExceededSlippage" in told and "next: " in told


def test_names_are_found_in_any_letter_case_and_in_both_numberings(cli: Cli) -> None:
    errors = cli.bare("explain", "toolittleoutputreceived", "--format", "json").json["errors"]
    assert [(error["code"], error["edition"]) for error in errors] == [
        (6018, "since April 2026"),
        (6022, "until April 2026"),
    ]
    (busy,) = cli.bare("explain", "BlockhashNotFound", "--format", "json").json["errors"]
    assert (busy["code"], busy["class"]) == (None, "transient")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("ExceddedSlippage",), "did you mean ExceededSlippage"),
        (("999999",), "no error '999999'"),
        (("0x1ffffffff",), "32 bits"),
        (("6000", "--program", "nowhere"), "known programs: "),
        (("6099", "--venue", "raydium-cpmm"), "of raydium-cpmm"),
    ],
)
def test_what_is_not_known_is_a_usage_error(cli: Cli, asked: tuple[str, ...], says: str) -> None:
    assert says in cli.bare("explain", *asked, "--format", "json", code=2).error["message"]


def test_framework_codes_belong_to_anchor_programs_only(cli: Cli) -> None:
    (error,) = cli.bare("explain", "2006", "--venue", "meteora-dlmm", "--format", "json").json["errors"]
    assert (error["program"], error["name"]) == ("anchor", "ConstraintSeeds")
    cli.bare("explain", "2006", "--venue", "raydium-amm-v4", code=2)


def test_the_address_of_a_wallet_is_no_signature(cli: Cli) -> None:
    assert "no error" in cli.bare("explain", str(Pubkey.default()), "--format", "json", code=2).error["message"]


def test_every_error_of_our_own_is_explained(cli: Cli) -> None:
    """What stands in brackets behind `error` can be looked up."""
    from dexroute.sdk.explaining import own_errors

    errors = own_errors()
    assert len(errors) > 50 and len({error.name for error in errors}) == len(errors)
    for error in errors:
        assert error.meaning and error.next_step
    told = cli.bare("explain", "funds_promised").out
    assert told.splitlines() == [
        "dexroute FUNDS_PROMISED [requote]",
        "  open orders already promise these coins",
        "  next: change the limit or the amount, or take a new quote",
    ]
    (torn,) = cli.bare("explain", "TORN_SNAPSHOT", "--format", "json").json["errors"]
    assert torn["class"] == "transient" and torn["program"] == "dexroute"
    assert "did you mean NO_ROUTE?" in cli.bare("explain", "NO_ROUT", code=2).err
