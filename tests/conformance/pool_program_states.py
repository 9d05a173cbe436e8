"""Accounts of our own pool program, written byte by byte from programs/pool/README.md (section Accounts), not by the code
that reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

PROGRAM: Final = Pubkey.from_string("dexF9oMdp9VqCYTe5k1EdprE8efsUr5y98pZXG1xMhL")
CLOCK: Final = ChainClock(slot=1_000, epoch=10, unix_timestamp=1_800_000_000)
LENT: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenState:
    name: str
    address: Pubkey
    snapshot: AccountSnapshot
    dynamic: bool


def pool_program_states() -> Iterator[WrittenState]:
    """Plain, volatile, disabled, tiny and huge pools, with and without Token-2022 transfer fees."""
    yield _state("plain", reserves=(500_000_000_000, 75_000_000_000))
    yield _state("no-fee", base_fee_ppm=0)
    yield _state("fees-owed", protocol_fees=(123_456_789, 987_654))
    yield _state("tiny", reserves=(1_001, 1_500), lp_supply=1_100)
    yield _state("huge", reserves=(2**63 + 12_345, 2**63 - 99), lp_supply=2**63)
    yield _state("swaps-off", status=1)
    yield _state("adding-and-removing-off", status=6)
    yield _state("empty", reserves=(0, 0), lp_supply=0)
    yield _state("calm", dynamic_fee_ppm=2_000)
    yield _state("just-swapped", dynamic_fee_ppm=2_000, volatility_bps=350, last_swap_at=CLOCK.unix_timestamp)
    yield _state("cooling", dynamic_fee_ppm=5_000, volatility_bps=900, last_swap_at=CLOCK.unix_timestamp - 200)
    yield _state("transfer-fee-a", transfer_fees=((100, 2**64 - 1), None))
    yield _state("transfer-fees-both", transfer_fees=((300, 5_000), (50, 10**9)))
    yield _state("transfer-fee-whole", transfer_fees=((10_000, 777), None))


def _state(
    name: str,
    *,
    reserves: tuple[int, int] = (1_000_000_000, 2_000_000_000),
    protocol_fees: tuple[int, int] = (0, 0),
    lp_supply: int = 1_000_000_000,
    status: int = 0,
    base_fee_ppm: int = 2_500,
    dynamic_fee_ppm: int = 0,
    volatility_bps: int = 0,
    last_swap_at: int = 0,
    transfer_fees: tuple[tuple[int, int] | None, tuple[int, int] | None] = (None, None),
) -> WrittenState:
    mint_a, mint_b = sorted((_named(f"{name} mint {side}") for side in range(2)), key=bytes)
    address, bump = _derived(b"pool", bytes(mint_a), bytes(mint_b), (0).to_bytes(2, "little"))
    vaults = tuple(_derived(b"vault", bytes(address), bytes(mint))[0] for mint in (mint_a, mint_b))
    lp_mint, oracle = _derived(b"lp_mint", bytes(address))[0], _derived(b"oracle", bytes(address))[0]
    dynamic = dynamic_fee_ppm > 0
    pool = bytearray(400)

    def write(offset: int, value: bytes | Pubkey) -> None:
        content = bytes(value)
        pool[offset : offset + len(content)] = content

    def number(offset: int, value: int, width: int) -> None:
        write(offset, value.to_bytes(width, "little"))

    write(0, _discriminator("Pool"))
    number(8, 1, 1)
    number(9, bump, 1)
    number(10, status, 1)
    write(13, _named("admin"))
    for offset, key in zip((45, 77, 109, 141, 173, 205), (mint_a, mint_b, *vaults, lp_mint, oracle), strict=True):
        write(offset, key)
    for offset, amount in zip((237, 245, 253, 261, 269), (*reserves, *protocol_fees, lp_supply), strict=True):
        number(offset, amount, 8)
    terms = (base_fee_ppm, 200_000, dynamic_fee_ppm, 5_000 if dynamic else 0, 30 if dynamic else 0, 600 if dynamic else 0)
    for offset, term in zip(range(277, 301, 4), terms, strict=True):
        number(offset, term, 4)
    number(301, volatility_bps, 4)
    if last_swap_at:
        number(305, reserves[0] - reserves[0] // 100, 8)
        number(313, reserves[1] + reserves[1] // 100, 8)
        number(321, last_swap_at, 8)
    number(361, last_swap_at or CLOCK.unix_timestamp - 1_000, 8)
    accounts = {
        address: AccountData(owner=PROGRAM, lamports=LENT, data=bytes(pool)),
        oracle: AccountData(owner=PROGRAM, lamports=LENT, data=_discriminator("Oracle") + bytes(address) + bytes(5_164 - 40)),
        lp_mint: _mint(None),
    }
    for side, mint in enumerate((mint_a, mint_b)):
        accounts[mint] = _mint(transfer_fees[side])
        owner = TOKEN_2022_PROGRAM_ID if transfer_fees[side] else TOKEN_PROGRAM_ID
        held = reserves[side] + protocol_fees[side]
        content = bytes(mint) + bytes(address) + held.to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)
        accounts[vaults[side]] = AccountData(owner=owner, lamports=LENT, data=content)
    return WrittenState(name=name, address=address, snapshot=AccountSnapshot(clock=CLOCK, accounts=dict(accounts)), dynamic=dynamic)


def _mint(transfer_fee: tuple[int, int] | None) -> AccountData:
    plain = bytes(36) + (2**64 - 1).to_bytes(8, "little") + bytes([6, 1]) + bytes(36)
    if transfer_fee is None:
        return AccountData(owner=TOKEN_PROGRAM_ID, lamports=LENT, data=plain)
    bps, maximum = transfer_fee
    record = bytes(8) + maximum.to_bytes(8, "little") + bps.to_bytes(2, "little")
    extension = (1).to_bytes(2, "little") + (108).to_bytes(2, "little") + bytes(72) + record + record
    return AccountData(owner=TOKEN_2022_PROGRAM_ID, lamports=LENT, data=plain + bytes(83) + b"\x01" + extension)


def _named(name: str) -> Pubkey:
    return Pubkey.from_bytes(hashlib.sha256(name.encode()).digest())


def _derived(*seeds: bytes) -> tuple[Pubkey, int]:
    return Pubkey.find_program_address(list(seeds), PROGRAM)


def _discriminator(account: str) -> bytes:
    return hashlib.sha256(f"account:{account}".encode()).digest()[:8]
