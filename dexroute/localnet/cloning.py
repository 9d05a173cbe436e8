"""Accounts of another cluster, copied: --clone ADDRESS --url CLUSTER."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import UsageError
from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.cluster import EmbeddedCluster
from dexroute.localnet.programs import PROGRAM_DATA_HEADER
from dexroute.ports import AccountReader
from dexroute.types.accounts import AccountData
from dexroute.types.network import BPF_LOADER_1_ID, BPF_LOADER_2_ID, UPGRADEABLE_LOADER_ID

_CHUNK: Final = 100  # getMultipleAccounts
_PROGRAM: Final = (2).to_bytes(4, "little")  # solana-loader-v3-interface: UpgradeableLoaderState::Program


async def clone(cluster: EmbeddedCluster, reader: AccountReader, addresses: Sequence[Pubkey]) -> None:
    """Copy accounts as they are now; a program comes with its code, upgradeable ones with their program data account.

    Raises UsageError when an account does not exist there or its program does not load here, NetworkError from the reader.
    """
    found = await _read(reader, addresses)
    program_data = {Pubkey(account.data[4:36]): address for address, account in found.items() if _is_upgradeable(account)}
    code = await _read(reader, [address for address in program_data if address not in found])
    for address, account in code.items():
        if account.owner != UPGRADEABLE_LOADER_ID or len(account.data) <= PROGRAM_DATA_HEADER:
            program = program_data[address]
            raise UsageError(f"program {program} is closed: its program data account {address} holds no code", address=str(program))
    cluster.place(
        {
            address: StoredAccount.holding(account, executable=_is_executable(account))
            for address, account in {**code, **found}.items()
        }
    )


async def _read(reader: AccountReader, addresses: Sequence[Pubkey]) -> Mapping[Pubkey, AccountData]:
    accounts: dict[Pubkey, AccountData] = {}
    for start in range(0, len(addresses), _CHUNK):
        answer = await reader.get_accounts(addresses[start : start + _CHUNK])
        for address, account in answer.accounts.items():
            if account is None:
                raise UsageError(
                    f"cannot clone {address}: no such account there; check the address and --url", address=str(address)
                )
            accounts[address] = account
    return accounts


def _is_upgradeable(account: AccountData) -> bool:
    return account.owner == UPGRADEABLE_LOADER_ID and account.data[:4] == _PROGRAM and len(account.data) >= 36


def _is_executable(account: AccountData) -> bool:
    """The port does not tell the flag, but the owner does: loaders own nothing else that a reader could ask for."""
    return account.owner in (BPF_LOADER_1_ID, BPF_LOADER_2_ID) or _is_upgradeable(account)
