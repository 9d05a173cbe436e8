"""What every Solana cluster has and charges, the same everywhere."""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

LAMPORTS_PER_SIGNATURE: Final = 5_000
MAX_COMPUTE_UNITS: Final = 1_400_000
MAX_INSTRUCTIONS: Final = 64
"""That a transaction may execute, those its programs call included (agave, transaction-context, MAX_INSTRUCTION_TRACE_LENGTH)."""
DEFAULT_COMPUTE_UNITS: Final = 200_000
"""What an instruction that is no builtin adds to the limit of a transaction that sets none."""
MICRO_LAMPORTS: Final = 1_000_000
"""In a lamport; prices of compute units are in micro-lamports."""

# Programs are owned by one of these.
BPF_LOADER_1_ID: Final = Pubkey.from_string("BPFLoader1111111111111111111111111111111111")
BPF_LOADER_2_ID: Final = Pubkey.from_string("BPFLoader2111111111111111111111111111111111")
UPGRADEABLE_LOADER_ID: Final = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
LOADER_4_ID: Final = Pubkey.from_string("LoaderV411111111111111111111111111111111111")
LOADERS: Final = frozenset({BPF_LOADER_1_ID, BPF_LOADER_2_ID, UPGRADEABLE_LOADER_ID, LOADER_4_ID})
