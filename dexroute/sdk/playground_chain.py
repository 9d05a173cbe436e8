"""The transactions a playground is made of: one wallet, one instruction list at a time, each confirmed before the next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.transaction import VersionedTransaction

from dexroute.chain.rpc.client import RpcClient
from dexroute.chain.signers import KeypairSigner
from dexroute.engine.planning.token_accounts import associated_token_address, close_to_owner, create_associated_account
from dexroute.errors import DexError, OutcomeUnknown
from dexroute.types.accounts import AccountData
from dexroute.types.mints import NATIVE_MINT, TOKEN_PROGRAM_ID, Mint, TransferFee

if TYPE_CHECKING:
    from dexroute.localnet.cluster import EmbeddedCluster

_MINT_LENGTH = 82
_FEE_MINT_LENGTH = 165 + 1 + 4 + 108  # padded to an account's length, account type, then the transfer-fee entry
_INITIALIZE_MINT_2, _MINT_TO, _SYNC_NATIVE, _TRANSFER_FEE = b"\x14", b"\x07", b"\x11", b"\x1a\x00"
_TRIES, _POLL_S = 150, 0.2


class PlaygroundChain:
    """Runs instructions for one wallet. Test clusters only: it sends without the executor's care."""

    def __init__(self, client: RpcClient, signer: KeypairSigner) -> None:
        self._client = client
        self._signer = signer
        self.user = signer.pubkey
        self._last: Signature | None = None
        self._native = Mint(address=NATIVE_MINT, decimals=9, token_program=TOKEN_PROGRAM_ID)

    def account_of(self, mint: Mint) -> Pubkey:
        """The wallet's associated account."""
        return associated_token_address(self.user, mint)

    def open_account(self, mint: Mint) -> Instruction:
        return create_associated_account(self.user, mint)

    def wrap(self, lamports: int) -> tuple[Instruction, ...]:
        """Opens the wallet's wrapped-SOL account and puts lamports into it."""
        account = self.account_of(self._native)
        return (
            self.open_account(self._native),
            transfer(TransferParams(from_pubkey=self.user, to_pubkey=account, lamports=lamports)),
            Instruction(TOKEN_PROGRAM_ID, _SYNC_NATIVE, [AccountMeta(account, is_signer=False, is_writable=True)]),
        )

    def unwrap(self) -> Instruction:
        return close_to_owner(self.account_of(self._native), self.user)

    async def create_token(self, decimals: int, supply: int, program: Pubkey, fee: TransferFee | None) -> Mint:
        """A new mint under the wallet's authority, its whole supply in the wallet's associated account."""
        key = Keypair()
        mint = Mint(address=key.pubkey(), decimals=decimals, token_program=program, transfer_fee=fee)
        length = _FEE_MINT_LENGTH if fee else _MINT_LENGTH
        rent = await self._client.rent_exemption(length)
        created = create_account(
            CreateAccountParams(from_pubkey=self.user, to_pubkey=mint.address, lamports=rent, space=length, owner=program)
        )
        writable_mint = AccountMeta(mint.address, is_signer=False, is_writable=True)
        configure = []
        if fee:
            no_authorities = b"\x00\x00"
            settings = fee.bps.to_bytes(2, "little") + fee.maximum.to_bytes(8, "little")
            configure.append(Instruction(program, _TRANSFER_FEE + no_authorities + settings, [writable_mint]))
        initialize = Instruction(program, _INITIALIZE_MINT_2 + bytes([decimals]) + bytes(self.user) + b"\x00", [writable_mint])
        mint_to = Instruction(
            program,
            _MINT_TO + supply.to_bytes(8, "little"),
            [
                writable_mint,
                AccountMeta(self.account_of(mint), is_signer=False, is_writable=True),
                AccountMeta(self.user, is_signer=True, is_writable=False),
            ],
        )
        await self.run([created, *configure, initialize, self.open_account(mint), mint_to], also_signing=[key])
        return mint

    def place_holding(self, embedded: EmbeddedCluster, mint: Mint, amount: int) -> None:
        """Write a balance of a mint nobody here can mint (only the keeper of a cluster can): a plain SPL token account."""
        state = bytes(mint.address) + bytes(self.user) + amount.to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)
        embedded.set_account(self.account_of(mint), AccountData(owner=mint.token_program, lamports=2_039_280, data=state))

    async def run(self, instructions: Sequence[Instruction], *, also_signing: Sequence[Keypair] = ()) -> Signature:
        """Sign, send and wait until the transaction is in a block. Raises DexError with its logs when it failed."""
        lifetime = await self._client.latest_blockhash()
        message = MessageV0.try_compile(self.user, list(instructions), [], lifetime.blockhash)
        own = await self._signer.sign(message)
        others = {key.pubkey(): key for key in also_signing}
        signers = message.account_keys[: message.header.num_required_signatures]
        raw = to_bytes_versioned(message)
        signatures = [own if address == self.user else others[address].sign_message(raw) for address in signers]
        wire = bytes(VersionedTransaction.populate(message, signatures))
        await self._client.send(wire)
        signature = signatures[0]
        for _ in range(_TRIES):
            _, (status,) = await self._client.signature_statuses([signature], search_history=False)
            if status is not None:
                if status.error is None:
                    self._last = signature
                    return signature
                landed = await self._client.transaction(signature)
                logs = landed.logs[-6:] if landed else ()
                raise DexError(f"the cluster refused a step of the playground: {status.error.raw}; {' | '.join(logs)}")
            await asyncio.sleep(_POLL_S)
        raise OutcomeUnknown(f"transaction {signature} of the playground did not land in time", signature=str(signature))

    async def settle(self) -> None:
        """Wait until everything run so far is confirmed, so that a reader at `confirmed` sees all of it."""
        for _ in range(_TRIES):
            if self._last is None:
                return
            _, (status,) = await self._client.signature_statuses([self._last], search_history=False)
            if status is not None and status.commitment != "processed":
                return
            await asyncio.sleep(_POLL_S / 4)
        raise OutcomeUnknown(f"transaction {self._last} of the playground is not confirmed in time", signature=str(self._last))
