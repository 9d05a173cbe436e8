"""Making a cluster, and finding it again: what is written once and holds for its life."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final

from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.errors import ConfigError
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID as POOL_PROGRAM_ID
from dexroute.localnet.account_files import read_account_dir, read_account_file, read_program_file
from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.bank import Bank
from dexroute.localnet.options import ClusterOptions
from dexroute.localnet.programs import native_mint, pool_program_elf, program_account
from dexroute.types.mints import NATIVE_MINT

LAMPORTS_PER_SOL: Final = 10**9
_MINT_SOL: Final = 500_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """A cluster's identity. The faucet's key is kept in the ledger: it owns nothing but test SOL."""

    hash: Hash
    faucet: Keypair
    identity: Pubkey
    ticks_per_slot: int
    slots_per_epoch: int

    @classmethod
    def new(cls, options: ClusterOptions) -> Genesis:
        return cls(
            hash=Hash(secrets.token_bytes(32)),
            faucet=Keypair(),
            identity=Keypair().pubkey(),
            ticks_per_slot=options.ticks_per_slot,
            slots_per_epoch=options.slots_per_epoch,
        )

    @classmethod
    def from_fact(cls, fact: dict[str, Any]) -> Genesis:
        return cls(
            hash=Hash.from_string(fact["hash"]),
            faucet=Keypair.from_seed(bytes.fromhex(fact["faucet"])),
            identity=Pubkey.from_string(fact["identity"]),
            ticks_per_slot=fact["ticks_per_slot"],
            slots_per_epoch=fact["slots_per_epoch"],
        )

    def to_fact(self) -> dict[str, Any]:
        return {
            "hash": str(self.hash),
            "faucet": bytes(self.faucet)[:32].hex(),
            "identity": str(self.identity),
            "ticks_per_slot": self.ticks_per_slot,
            "slots_per_epoch": self.slots_per_epoch,
        }


def genesis_accounts(genesis: Genesis, options: ClusterOptions, bank: Bank) -> dict[Pubkey, StoredAccount | None]:
    """What a new cluster starts with, besides the programs LiteSVM brings. Raises ConfigError for files that do not read."""
    accounts: dict[Pubkey, StoredAccount | None] = {
        NATIVE_MINT: native_mint(),
        genesis.faucet.pubkey(): _sol(options.faucet_sol),
        genesis.identity: _sol(500),
    }
    if options.mint is not None:
        accounts[options.mint] = _sol(_MINT_SOL)
    for directory in options.account_dirs:
        accounts.update(read_account_dir(directory))
    for address, path in options.accounts:
        named, account = read_account_file(path)
        accounts[address or named] = account
    for program_id, path in options.bpf_programs:
        program = read_program_file(path)
        accounts[program_id] = program_account(program.data, rent_lamports=bank.runtime.rent_exemption(len(program.data)))
    return accounts


def place_genesis(accounts: dict[Pubkey, StoredAccount | None], bank: Bank) -> None:
    """Raises ConfigError when a program among them does not load."""
    try:
        bank.place(accounts)
    except ValueError as error:
        raise ConfigError(f"{error}; was the program built for Solana (cargo build-sbf)?") from error


def refresh_pool_program(bank: Bank, facts: dict[str, Any]) -> None:
    """Put the packaged pool program on the cluster, unless somebody else put another one there. Raises ConfigError."""
    elf = pool_program_elf()
    if elf is None:
        return
    packaged = hashlib.sha256(elf).hexdigest()
    present = bank.account(POOL_PROGRAM_ID)
    found = None if present is None else hashlib.sha256(present.data).hexdigest()
    if found == packaged or (found is not None and found != facts.get("pool_program")):
        return
    place_genesis({POOL_PROGRAM_ID: program_account(elf, rent_lamports=bank.runtime.rent_exemption(len(elf)))}, bank)
    bank.ledger.place((), {"pool_program": packaged})


def _sol(amount: int) -> StoredAccount:
    return StoredAccount(owner=SYSTEM_PROGRAM_ID, lamports=amount * LAMPORTS_PER_SOL, data=b"")
