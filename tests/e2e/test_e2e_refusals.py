"""What must not happen, seen from the server: nothing is sent, or one transaction fails on chain and is told as that."""

from __future__ import annotations

from solders.keypair import Keypair

from tests.e2e.chain import TOKEN
from tests.e2e.conftest import Opener
from tests.e2e.stage import NATIVE, Stage, token_account


async def test_what_cannot_be_swapped_is_refused_before_anything_is_sent(open_stage: Opener) -> None:
    stage: Stage = await open_stage()
    a, b = stage.token(6), stage.token(9)
    pool = stage.own_pool(a, b, (10**12, 2 * 10**12))
    other = stage.own_pool(NATIVE, a, (10**12, 10**12))
    look_alike, pool_account = Keypair().pubkey(), stage.chain.account(pool)
    assert pool_account is not None
    stage.chain.put(look_alike, TOKEN, pool_account.data)
    stage.give(a, 10**6)
    swap = ("swap", "5", str(a), str(b), "--yes")

    poor = (await stage.dex(*swap, code=4))["error"]
    assert poor["code"] == "INSUFFICIENT_FUNDS" and not poor["retryable"]
    assert (poor["context"]["have"], poor["context"]["need"], poor["context"]["short"]) == ("1000000", "5000000", "4000000")
    for named, code, exit_code in ((look_alike, "DECODE", 2), (other, "NO_ROUTE", 3)):
        refused = (await stage.dex(*swap, "--pool", str(named), code=exit_code))["error"]
        assert refused["code"] == code, refused
    assert stage.node.sent == [] and stage.holding(a) == 10**6


async def test_a_swap_the_chain_refuses_is_told_as_that_and_not_tried_again(open_stage: Opener) -> None:
    stage: Stage = await open_stage()
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    lamports = stage.chain.lamports(stage.wallet.pubkey())

    def spend_elsewhere(method: str) -> None:
        """Between simulation and landing the tokens leave the wallet."""
        if method == "sendTransaction" and not stage.node.sent:
            stage.chain.put(stage.account_of(a), TOKEN, token_account(a, stage.wallet.pubkey(), 17))

    stage.node.on_request = spend_elsewhere
    words = ("swap", "5", str(a), str(b), "--yes", "--key", "monday")
    first = (await stage.dex(*words, code=6))["error"]
    assert first["code"] == "LANDED_WITH_ERROR" and stage.landed() == [first["context"]["signature"]]
    again = (await stage.dex(*words, code=6))["error"]
    assert again == first and len(stage.landed()) == 1
    assert stage.holding(a) == 17 and stage.holding(b) == 0
    assert lamports - stage.chain.lamports(stage.wallet.pubkey()) == int(first["context"]["fee_lamports"]) >= 5_000
