"""What a cluster keeps: over a restart, over a SIGKILL, and against a second process."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.errors import DatabaseError, DatabaseUnavailable, DataDirBusy
from dexroute.localnet import ClusterOptions, EmbeddedCluster
from dexroute.localnet.faucet import airdrop
from dexroute.localnet.ledger import FILE_NAME
from dexroute.localnet.record import Refused, TransactionRecord
from dexroute.types.mints import NATIVE_MINT, TOKEN_PROGRAM_ID

HOLDER = Path(__file__).parent / "holder.py"


def pay(cluster: EmbeddedCluster, receiver: Pubkey, lamports: int = 10**9) -> TransactionRecord:
    outcome = airdrop(cluster.bank, cluster.genesis.faucet, receiver, lamports)
    assert isinstance(outcome, TransactionRecord)
    return outcome


def balance(cluster: EmbeddedCluster, address: Pubkey) -> int:
    account = cluster.bank.account(address)
    return 0 if account is None else account.lamports


async def answer(cluster: EmbeddedCluster, method: str, *params: Any) -> Any:
    async with httpx.AsyncClient(transport=cluster.transport) as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return (await http.post("http://cluster/", json=body)).json()["result"]


async def test_accounts_transactions_and_identity_survive(tmp_path: Path, time: Any) -> None:
    receiver = Keypair().pubkey()
    async with EmbeddedCluster.open(tmp_path, clock=time) as first:
        record = pay(first, receiver)
        genesis = first.genesis.hash
    time.pass_slots(1)
    async with EmbeddedCluster.open(tmp_path, clock=time) as second:
        assert second.genesis.hash == genesis
        assert balance(second, receiver) == 10**9
        (status,) = (await answer(second, "getSignatureStatuses", [str(record.signature)]))["value"]
        assert (status["slot"], status["confirmationStatus"]) == (record.slot, "confirmed")
        finalized = await answer(second, "getBalance", str(receiver))
        assert finalized["value"] == 0, "an older commitment still sees the older state"
        pay(second, receiver)
        assert balance(second, receiver) == 2 * 10**9


async def test_a_landed_transaction_is_still_a_duplicate_after_a_restart(tmp_path: Path, time: Any) -> None:
    async with EmbeddedCluster.open(tmp_path, clock=time) as first:
        wire = pay(first, Keypair().pubkey()).wire
    async with EmbeddedCluster.open(tmp_path, clock=time) as second:
        assert second.bank.submit(VersionedTransaction.from_bytes(wire)) == Refused(error="AlreadyProcessed")


async def test_programs_survive(tmp_path: Path, time: Any) -> None:
    program = Keypair().pubkey()
    async with EmbeddedCluster.open(tmp_path, clock=time) as first:
        elf = first.bank.account(TOKEN_PROGRAM_ID)
        assert elf is not None
        first.add_program(program, elf.data)
    async with EmbeddedCluster.open(tmp_path, clock=time) as second:
        kept = second.bank.account(program)
        assert kept is not None
        assert kept.executable
        assert kept.data == elf.data


async def test_time_goes_on_while_nobody_looks_and_never_back(tmp_path: Path, time: Any) -> None:
    async with EmbeddedCluster.open(tmp_path, clock=time) as first:
        pay(first, Keypair().pubkey())
    time.pass_slots(1000)
    async with EmbeddedCluster.open(tmp_path, clock=time) as second:
        assert second.bank.clock.tip().slot == 1001
        pay(second, Keypair().pubkey())
    time.pass_slots(-900)
    async with EmbeddedCluster.open(tmp_path, clock=time) as third:
        assert third.bank.clock.tip().slot == 1001
        time.pass_slots(2)
        assert third.bank.clock.tip().slot == 1003, "a host clock set back holds up nothing"


async def test_a_warp_skips_slots_but_not_blocks(tmp_path: Path, time: Any) -> None:
    async with EmbeddedCluster.open(tmp_path, clock=time, options=ClusterOptions(warp_slot=5000)) as first:
        tip = first.bank.clock.tip()
        assert (tip.slot, tip.height) == (5000, 2)
        record = pay(first, Keypair().pubkey())
        assert record.slot == 5000
        assert await answer(first, "getBlocks", 0, 6000, {"commitment": "confirmed"}) == [0, 1]
    time.pass_slots(3)
    async with EmbeddedCluster.open(tmp_path, clock=time) as second:
        tip = second.bank.clock.tip()
        assert (tip.slot, tip.height) == (5003, 5)


async def test_reset_forgets(tmp_path: Path, time: Any) -> None:
    receiver = Keypair().pubkey()
    async with EmbeddedCluster.open(tmp_path, clock=time) as first:
        pay(first, receiver)
        genesis = first.genesis.hash
    async with EmbeddedCluster.open(tmp_path, clock=time, options=ClusterOptions(reset=True)) as second:
        assert balance(second, receiver) == 0
        assert second.genesis.hash != genesis
        assert second.bank.account(NATIVE_MINT) is not None


def test_a_second_process_is_refused_and_told_who_holds_the_directory(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(HOLDER), str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(DataDirBusy, match=f"process {holder.pid}") as refused:
            EmbeddedCluster.open(tmp_path)
        assert refused.value.context["pid"] == holder.pid
        assert refused.value.retryable
        holder.communicate("")
    EmbeddedCluster.open(tmp_path).close()


def test_a_busy_directory_says_where_it_is_served(tmp_path: Path) -> None:
    cluster = EmbeddedCluster.open(tmp_path)
    cluster.announce("http://127.0.0.1:8899")
    with pytest.raises(DataDirBusy, match=r"-u http://127\.0\.0\.1:8899"):
        EmbeddedCluster.open(tmp_path)
    cluster.close()


def test_a_sigkill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    receiver = Keypair().pubkey()
    acknowledged: set[str] = set()
    command = [sys.executable, str(HOLDER), str(tmp_path), str(receiver)]
    for lines in (1, 7, 12):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
            assert sender.stdout is not None
            assert sender.stdout.readline() == "open\n"
            acknowledged |= {sender.stdout.readline().strip() for _ in range(lines)}
            sender.kill()
            acknowledged |= {line.strip() for line in sender.stdout if line.endswith("\n")}
        assert sender.returncode == -9
        cluster = EmbeddedCluster.open(tmp_path)
        kept = [cluster.bank.ledger.transaction(Signature.from_string(text)) for text in acknowledged]
        assert all(record is not None for record in kept)
        landed = cluster.bank.transaction_count
        assert len(acknowledged) <= landed <= len(acknowledged) + lines, "at most the unacknowledged ones beside them"
        assert balance(cluster, receiver) == landed * 1_000_000, "accounts and transactions are of one moment"
        cluster.close()
    assert len(acknowledged) >= 20


@pytest.mark.parametrize("damage", ["garbage", "cut off", "pages"])
def test_a_corrupt_file_is_named_and_left_alone(tmp_path: Path, damage: str) -> None:
    cluster = EmbeddedCluster.open(tmp_path)
    for _ in range(3):
        pay(cluster, Keypair().pubkey())
    cluster.close()
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    damaged = {
        "garbage": b"not a database at all" * 400,
        "cut off": whole[: len(whole) // 2],
        "pages": whole[:4096] + os.urandom(len(whole) - 4096),
    }[damage]
    path.write_bytes(damaged)
    with pytest.raises(DatabaseError, match=FILE_NAME) as refused:
        EmbeddedCluster.open(tmp_path)
    assert "--reset" in refused.value.message
    assert path.read_bytes() == damaged
    EmbeddedCluster.open(tmp_path, options=ClusterOptions(reset=True)).close()


def test_a_newer_file_is_refused_by_version(tmp_path: Path) -> None:
    EmbeddedCluster.open(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DatabaseError, match=r"format 99.*upgrade dexroute"):
        EmbeddedCluster.open(tmp_path)


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("CREATE TABLE accounts (something TEXT)")
    db.close()
    with pytest.raises(DatabaseError, match=FILE_NAME):
        EmbeddedCluster.open(tmp_path)


async def test_nothing_changes_when_the_disk_refuses(tmp_path: Path, time: Any) -> None:
    receiver = Keypair().pubkey()
    async with EmbeddedCluster.open(tmp_path, clock=time) as cluster:
        pay(cluster, receiver)
        other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # the real refusal: somebody else writes
        with pytest.raises(DatabaseUnavailable, match=r"locked; nothing is lost\. Wait for the other program"):
            pay(cluster, receiver)
        other.execute("ROLLBACK")
        other.close()
        assert balance(cluster, receiver) == 10**9
        assert cluster.bank.runtime.get(receiver) == cluster.bank.account(receiver)
        pay(cluster, receiver)
        assert balance(cluster, receiver) == 2 * 10**9


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    """The faucet's key is in it."""
    before = os.umask(0)
    try:
        with_cluster = EmbeddedCluster.open(tmp_path / "cluster")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "cluster").iterdir()}
        with_cluster.close()
    finally:
        os.umask(before)
    assert "cluster.sqlite3" in modes and set(modes.values()) == {0o600}, modes


FILLING = """
import resource, signal, sys
from pathlib import Path
from dexroute.errors import DatabaseUnavailable
from dexroute.localnet import EmbeddedCluster
from solders.keypair import Keypair
from tests.localnet.test_localnet_restart import pay

def filled():
    size = sum(file.stat().st_size for file in Path(sys.argv[1]).iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size) if sys.argv[2] == "paying" else (1_000, 1_000))

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as far as SQLite can tell, the disk is full
if sys.argv[2] == "opening":
    filled()
try:
    cluster = EmbeddedCluster.open(Path(sys.argv[1]))
    filled()
    for paid in range(1_000):
        print(pay(cluster, Keypair().pubkey()).position, flush=True)
except DatabaseUnavailable as error:
    print(error.message)
"""


@pytest.mark.parametrize("moment", ["opening", "paying"])
def test_a_full_disk_is_no_damage(tmp_path: Path, moment: str) -> None:
    """Nobody is told to throw away a cluster that only lacks room."""
    with closing(EmbeddedCluster.open(tmp_path)) as cluster:
        landed = pay(cluster, Keypair().pubkey()).position
    done = subprocess.run([sys.executable, "-c", FILLING, str(tmp_path), moment], capture_output=True, text=True, check=True)
    *paid, said = done.stdout.splitlines()
    assert "cannot be written" in said and "is it full?" in said and "--reset" not in said and "backup" not in said
    assert bool(paid) == (moment == "paying")
    with closing(EmbeddedCluster.open(tmp_path)) as cluster:
        assert cluster.bank.transaction_count == landed + len(paid), "what was acknowledged is there, and nothing else"
