"""Where a program's pool account has what every venue needs of it: its discriminator, its two mints and its two vaults."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader, checked_reader, require_account
from dexroute.fetchers.tokens import decode_mint, decode_token_amount
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.chain import AccountFilter
from dexroute.types.mints import Mint


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSides:
    """The two tokens of a pool in its own order; `vault_amounts` are the vaults' balances in base units."""

    mints: tuple[Mint, Mint]
    vaults: tuple[Pubkey, Pubkey]
    vault_amounts: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLayout:
    """Offsets count from the start of the account. `discriminator` is empty where a program has none; `reference_offsets` hold
    further accounts that quoting needs; `side_names` are what the program calls its two sides, for messages."""

    program_id: Pubkey
    discriminator: bytes
    length: int
    mint_offsets: tuple[int, int]
    vault_offsets: tuple[int, int]
    side_names: tuple[str, str]
    reference_offsets: tuple[int, ...] = ()

    @property
    def filters(self) -> tuple[AccountFilter, ...]:
        """getProgramAccounts filters that find this program's pools."""
        size = AccountFilter(data_size=self.length)
        return (size, AccountFilter(offset=0, bytes_=self.discriminator)) if self.discriminator else (size,)

    def reader(self, address: Pubkey, snapshot: AccountSnapshot) -> Reader:
        """The pool account's fields; owner, length and discriminator are checked. Raises DecodeError."""
        return checked_reader(
            require_account(snapshot, address, pool=address, field="pool"),
            pool=address,
            field="pool",
            owner=self.program_id,
            discriminator=self.discriminator,
            length=self.length,
        )

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        """The pool first, then what it refers to; empty once all is known. Raises DecodeError when the pool's bytes are wrong."""
        if address not in known.accounts:
            return frozenset({address})
        reader = self.reader(address, known)
        offsets = (*self.mint_offsets, *self.vault_offsets, *self.reference_offsets)
        return frozenset(reader.pubkey(offset) for offset in offsets) - known.accounts.keys()

    def sides(self, address: Pubkey, reader: Reader, snapshot: AccountSnapshot) -> PoolSides:
        """Both mints and vaults, decoded. Raises DecodeError."""
        mints = reader.pubkey(self.mint_offsets[0]), reader.pubkey(self.mint_offsets[1])
        vaults = reader.pubkey(self.vault_offsets[0]), reader.pubkey(self.vault_offsets[1])
        if mints[0] == mints[1] or vaults[0] == vaults[1]:
            raise DecodeError(f"pool {address}: both sides are the same token or vault", pool=str(address), field="pool.mints")
        first, second = self.side_names
        return PoolSides(
            mints=(
                decode_mint(snapshot, mints[0], pool=address, field=f"mint_{first}"),
                decode_mint(snapshot, mints[1], pool=address, field=f"mint_{second}"),
            ),
            vaults=vaults,
            vault_amounts=(
                decode_token_amount(snapshot, vaults[0], mint=mints[0], pool=address, field=f"vault_{first}"),
                decode_token_amount(snapshot, vaults[1], mint=mints[1], pool=address, field=f"vault_{second}"),
            ),
        )
