"""Tips to Jito's block engine: a transfer to one of its accounts, in the same transaction as the swap, paid only when it lands.

Source: https://docs.jito.wtf/lowlatencytxnsend/ (tip accounts, from its getTipAccounts; at least 1,000 lamports; a read-only
account whose address begins with `jitodontfront` in any instruction keeps bundles from putting others in front).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from solders.instruction import AccountMeta, Instruction
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID
from solders.system_program import TransferParams, transfer

JITO_TIP_ACCOUNTS: Final = frozenset(
    map(
        Pubkey.from_string,
        (
            "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
            "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
            "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
            "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
            "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
            "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
            "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
            "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
        ),
    )
)
JITO_DONT_FRONT: Final = Pubkey.from_string("jitodontfront111111111111111111111111111111")
TIP_ACCOUNTS: Final = JITO_TIP_ACCOUNTS | {JITO_DONT_FRONT}
"""What stands in the message itself, whatever lookup tables hold: a block engine looks there, and so do our own books."""
_TRANSFER: Final = b"\x02\0\0\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """`lamports` to an account chosen at random, so that tips do not wait for each other. `dont_front` forbids bundles
    that put another transaction before ours. A replacement of what expired may tip more, up to `most_lamports`."""

    lamports: int
    dont_front: bool = False
    most_lamports: int = 0

    def at_least(self, lamports: int) -> Tip:
        """This tip raised to `lamports`, or as far as it may be; never lowered."""
        return replace(self, lamports=max(self.lamports, min(lamports, self.most_lamports)))


def tip_instruction(payer: Pubkey, tip: Tip) -> Instruction:
    """The transfer of the tip."""
    receiver = secrets.choice(sorted(JITO_TIP_ACCOUNTS, key=bytes))
    paid = transfer(TransferParams(from_pubkey=payer, to_pubkey=receiver, lamports=tip.lamports))
    if not tip.dont_front:
        return paid
    marked = [*paid.accounts, AccountMeta(JITO_DONT_FRONT, is_signer=False, is_writable=False)]
    return Instruction(paid.program_id, paid.data, marked)


def tip_lamports(message: Message | MessageV0) -> int:
    """What a message pays to tip accounts when it succeeds. They are never looked up in tables."""
    keys = message.account_keys
    return sum(
        int.from_bytes(bytes(call.data)[4:12], "little")
        for call in message.instructions
        if keys[call.program_id_index] == SYSTEM_PROGRAM_ID
        and bytes(call.data)[:4] == _TRANSFER
        and _named(keys, bytes(call.accounts)[1:2]) in JITO_TIP_ACCOUNTS
    )


def _named(keys: list[Pubkey], indexes: Iterable[int]) -> Pubkey | None:
    return next((keys[index] for index in indexes if index < len(keys)), None)
