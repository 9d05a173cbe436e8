"""Instructions of Anchor programs: the discriminator of a name, arguments packed one behind the other, accounts by a short mark."""

from __future__ import annotations

import hashlib

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

Marked = Pubkey | tuple[Pubkey, str]
"""An account of an instruction: a bare address is read-only, ("w") writable, ("s") signing, ("ws") both."""

SYSTEM_PROGRAM = Pubkey.default()
RENT_SYSVAR = Pubkey.from_string("SysvarRent111111111111111111111111111111111")


def u8(value: int) -> bytes:
    return value.to_bytes(1, "little")


def u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def u128(value: int) -> bytes:
    return value.to_bytes(16, "little")


def i32(value: int) -> bytes:
    return value.to_bytes(4, "little", signed=True)


def i64(value: int) -> bytes:
    return value.to_bytes(8, "little", signed=True)


def discriminator(name: str) -> bytes:
    """What an Anchor instruction's data begins with."""
    return hashlib.sha256(f"global:{name}".encode()).digest()[:8]


def account_discriminator(name: str) -> bytes:
    """What an Anchor account's data begins with."""
    return hashlib.sha256(f"account:{name}".encode()).digest()[:8]


def metas(*accounts: Marked) -> list[AccountMeta]:
    pairs = [account if isinstance(account, tuple) else (account, "") for account in accounts]
    return [AccountMeta(address, "s" in mark, "w" in mark) for address, mark in pairs]


def instruction(program: Pubkey, name: str, arguments: bytes, *accounts: Marked) -> Instruction:
    return Instruction(program, discriminator(name) + arguments, metas(*accounts))


def derived(program: Pubkey, *seeds: bytes | Pubkey) -> Pubkey:
    return Pubkey.find_program_address([bytes(seed) for seed in seeds], program)[0]
