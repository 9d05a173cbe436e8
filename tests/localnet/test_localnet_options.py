"""solana-test-validator's flags: account files, programs, clones, and what a cluster that exists ignores."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.errors import ConfigError, UsageError
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID as POOL_PROGRAM_ID
from dexroute.localnet import ClusterOptions, EmbeddedCluster, base58
from dexroute.localnet.cloning import clone
from dexroute.localnet.programs import pool_program_elf
from dexroute.localnet.recorded import place_recorded, recorded_pools
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountFilter, AccountsAtSlot, Commitment
from dexroute.types.mints import TOKEN_PROGRAM_ID
from dexroute.types.network import UPGRADEABLE_LOADER_ID

OWNER = Keypair().pubkey()


def account_file(path: Path, address: Pubkey, **changes: Any) -> Path:
    account = {
        "lamports": 5,
        "data": [base64.b64encode(b"hello").decode(), "base64"],
        "owner": str(OWNER),
        "executable": False,
        "rentEpoch": 1.8446744073709552e19,  # as tools write it that read JSON numbers as doubles
        "space": 5,
    }
    path.write_text(json.dumps({"pubkey": str(address), "account": {**account, **changes}}))
    return path


@pytest.fixture
def elf() -> bytes:
    with_programs = EmbeddedCluster.open(None)
    account = with_programs.bank.account(TOKEN_PROGRAM_ID)
    with_programs.close()
    assert account is not None
    return account.data


def test_account_files_are_placed(tmp_path: Path) -> None:
    named, elsewhere, other = (Keypair().pubkey() for _ in range(3))
    directory = tmp_path / "accounts"
    directory.mkdir()
    account_file(directory / "other.json", other, data=base58.encode(b"old form"))
    file = account_file(tmp_path / "a.json", named)
    options = ClusterOptions(accounts=((None, file), (elsewhere, file)), account_dirs=(directory,), mint=OWNER)
    cluster = EmbeddedCluster.open(None, options=options)
    for address, data in ((named, b"hello"), (elsewhere, b"hello"), (other, b"old form")):
        account = cluster.bank.account(address)
        assert account is not None
        assert (account.data, account.owner, account.rent_epoch) == (data, OWNER, 2**64 - 1)
    rich = cluster.bank.account(OWNER)
    assert rich is not None
    assert rich.lamports == 500_000_000 * 10**9
    cluster.close()


def test_files_that_do_not_read_are_named(tmp_path: Path) -> None:
    address = Keypair().pubkey()
    (tmp_path / "text.json").write_text("hello")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "program.so").write_bytes(b"\x7fELF but no more")
    (tmp_path / "empty.so").write_bytes(b"")
    bad: list[ClusterOptions] = [
        ClusterOptions(accounts=((None, tmp_path / "absent.json"),)),
        ClusterOptions(accounts=((None, tmp_path / "text.json"),)),
        ClusterOptions(accounts=((None, tmp_path / "list.json"),)),
        ClusterOptions(accounts=((None, account_file(tmp_path / "1.json", address, lamports=-5)),)),
        ClusterOptions(accounts=((None, account_file(tmp_path / "2.json", address, data=["%%", "base64"])),)),
        ClusterOptions(accounts=((None, account_file(tmp_path / "3.json", address, data=["", "utf8"])),)),
        ClusterOptions(accounts=((None, account_file(tmp_path / "4.json", address, owner="nobody")),)),
        ClusterOptions(account_dirs=(tmp_path / "absent",)),
        ClusterOptions(bpf_programs=((address, tmp_path / "absent.so"),)),
        ClusterOptions(bpf_programs=((address, tmp_path / "empty.so"),)),
        ClusterOptions(bpf_programs=((address, tmp_path / "program.so"),)),
    ]
    for index, options in enumerate(bad):
        data_dir = tmp_path / f"cluster{index}"
        with pytest.raises(ConfigError):
            EmbeddedCluster.open(data_dir, options=options)
        EmbeddedCluster.open(data_dir).close()  # and the directory is free and usable
    assert len(bad) == 11


def test_values_no_cluster_can_have_are_refused() -> None:
    impossible: tuple[dict[str, Any], ...] = (
        {"faucet_sol": -1},
        {"ticks_per_slot": 0},
        {"slots_per_epoch": 31},
        {"warp_slot": 2**60},
    )
    for values in impossible:
        with pytest.raises(ConfigError, match="out of range"):
            ClusterOptions(**values)


async def test_a_program_file_runs(tmp_path: Path, elf: bytes) -> None:
    program = Keypair().pubkey()
    (tmp_path / "token.so").write_bytes(elf)
    async with EmbeddedCluster.open(None, options=ClusterOptions(bpf_programs=((program, tmp_path / "token.so"),))) as cluster:
        account = cluster.bank.account(program)
        assert account is not None
        assert account.executable
        assert account.lamports == cluster.bank.runtime.rent_exemption(len(elf))
        with pytest.raises(UsageError, match="cargo build-sbf"):
            cluster.add_program(Keypair().pubkey(), b"\x7fELF nonsense")


def test_an_existing_cluster_ignores_what_shapes_genesis(tmp_path: Path) -> None:
    options = ClusterOptions(mint=OWNER, ticks_per_slot=8, warp_slot=90)
    first = EmbeddedCluster.open(tmp_path)
    assert first.ignored == ()
    first.close()
    second = EmbeddedCluster.open(tmp_path, options=options)
    assert (first.is_new, second.is_new) == (True, False)
    assert second.ignored == ("--mint", "--ticks-per-slot")
    assert second.bank.account(OWNER) is None
    assert second.bank.clock.tip().slot >= 90
    second.close()


def test_the_pool_program_is_there_and_stays_what_someone_else_made_it(tmp_path: Path, elf: bytes) -> None:
    packaged = pool_program_elf()
    if packaged is None:
        pytest.skip("this checkout was made without the pool program")
    cluster = EmbeddedCluster.open(tmp_path)
    present = cluster.bank.account(POOL_PROGRAM_ID)
    assert present is not None
    assert present.data == packaged
    cluster.add_program(POOL_PROGRAM_ID, elf)
    cluster.close()
    again = EmbeddedCluster.open(tmp_path)
    kept = again.bank.account(POOL_PROGRAM_ID)
    assert kept is not None
    assert kept.data == elf
    again.close()


class Elsewhere:
    """Another cluster, as far as cloning asks it."""

    def __init__(self, accounts: Mapping[Pubkey, AccountData]) -> None:
        self.accounts = accounts

    async def get_accounts(
        self,
        addresses: Sequence[Pubkey],
        *,
        min_context_slot: int | None = None,
        commitment: Commitment = Commitment.CONFIRMED,
    ) -> AccountsAtSlot:
        assert len(addresses) <= 100
        return AccountsAtSlot(slot=1, accounts={address: self.accounts.get(address) for address in addresses})

    async def get_program_accounts(
        self, program_id: Pubkey, filters: Sequence[AccountFilter], *, data_slice: tuple[int, int] | None = None
    ) -> Mapping[Pubkey, AccountData]:
        raise NotImplementedError


async def test_cloning_brings_accounts_and_upgradeable_programs(elf: bytes, tmp_path: Path) -> None:
    program, code = Keypair().pubkey(), Keypair().pubkey()
    plain = [Keypair().pubkey() for _ in range(120)]
    there = {address: AccountData(owner=OWNER, lamports=7, data=b"x") for address in plain}
    there[program] = AccountData(owner=UPGRADEABLE_LOADER_ID, lamports=10**9, data=(2).to_bytes(4, "little") + bytes(code))
    there[code] = AccountData(owner=UPGRADEABLE_LOADER_ID, lamports=10**9, data=(3).to_bytes(4, "little") + bytes(41) + elf)
    async with EmbeddedCluster.open(tmp_path) as cluster:
        await clone(cluster, Elsewhere(there), [*plain, program])
        assert all(cluster.bank.account(address) is not None for address in plain)
        cloned = cluster.bank.account(program)
        assert cloned is not None
        assert cloned.executable
    async with EmbeddedCluster.open(tmp_path) as again:
        assert again.bank.account(program) == cloned, "and it loads from the file"
        with pytest.raises(UsageError, match="no such account"):
            await clone(again, Elsewhere(there), [Keypair().pubkey()])
        with pytest.raises(UsageError, match="is closed"):
            await clone(again, Elsewhere({**there, code: AccountData(owner=OWNER, lamports=1, data=b"")}), [program])


def test_recorded_pools_are_placed_whole() -> None:
    recorded = recorded_pools()
    assert {pool.venue for pool in recorded} == {"raydium-cpmm", "meteora-damm-v2"}
    cluster = EmbeddedCluster.open(None)
    for pool in recorded:
        place_recorded(cluster, pool)
        for address, account in pool.accounts.items():
            placed = cluster.bank.account(address)
            assert placed is not None
            assert placed.data == account.data or address in (TOKEN_PROGRAM_ID,)
        state = cluster.bank.account(pool.pool)
        assert state is not None
        assert state.owner == pool.program_id
        assert cluster.bank.account(pool.program_id) is None, "quote-only: the program is not here"
    cluster.close()
