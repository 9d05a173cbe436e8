"""What a transaction pays: LiteSVM charges signatures only, a cluster charges the compute-unit price too.

solana-fee `calculate_fee` and solana-compute-budget-instruction: 5,000 lamports per signature (precompile signatures
included), plus ceil(price · limit / 10^6), the limit defaulting to 3,000 per builtin and 200,000 per other instruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solders.compute_budget import ID as COMPUTE_BUDGET_PROGRAM_ID
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.types.amounts import U64_MAX
from dexroute.types.network import DEFAULT_COMPUTE_UNITS, LAMPORTS_PER_SIGNATURE, LOADERS, MAX_COMPUTE_UNITS, MICRO_LAMPORTS

_BUILTIN_UNITS: Final = 3_000
_VOTE_PROGRAM_ID: Final = Pubkey.from_string("Vote111111111111111111111111111111111111111")
_BUILTINS: Final = LOADERS | {SYSTEM_PROGRAM_ID, COMPUTE_BUDGET_PROGRAM_ID, _VOTE_PROGRAM_ID}
_PRECOMPILES: Final = frozenset(
    Pubkey.from_string(program)
    for program in (
        "Ed25519SigVerify111111111111111111111111111",
        "KeccakSecp256k11111111111111111111111111111",
        "Secp256r1SigVerify1111111111111111111111111",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFee:
    """Lamports, by reason; `price_micro_lamports` per compute unit is what getRecentPrioritizationFees tells."""

    signatures_lamports: int
    priority_lamports: int
    price_micro_lamports: int

    @property
    def total_lamports(self) -> int:
        return self.signatures_lamports + self.priority_lamports


def transaction_fee(message: Message | MessageV0) -> TransactionFee:
    """The fee of a sanitized message. Compute-budget instructions that do not parse count for nothing here; the runtime
    refuses them."""
    signatures = message.header.num_required_signatures
    limit: int | None = None
    price = 0
    default_limit = 0
    for instruction in message.instructions:
        program = message.account_keys[instruction.program_id_index]
        default_limit += _BUILTIN_UNITS if program in _BUILTINS or program in _PRECOMPILES else DEFAULT_COMPUTE_UNITS
        data = instruction.data
        if program in _PRECOMPILES and data:
            signatures += data[0]
        elif program == COMPUTE_BUDGET_PROGRAM_ID and data[:1] == b"\x02" and len(data) >= 5:
            limit = int.from_bytes(data[1:5], "little")
        elif program == COMPUTE_BUDGET_PROGRAM_ID and data[:1] == b"\x03" and len(data) >= 9:
            price = int.from_bytes(data[1:9], "little")
    units = min(default_limit if limit is None else limit, MAX_COMPUTE_UNITS)
    return TransactionFee(
        signatures_lamports=LAMPORTS_PER_SIGNATURE * signatures,
        priority_lamports=min(-(-price * units // MICRO_LAMPORTS), U64_MAX),
        price_micro_lamports=price,
    )
