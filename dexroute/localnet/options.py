"""What a cluster is made with: solana-test-validator's flags as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from solders.pubkey import Pubkey

from dexroute.errors import ConfigError
from dexroute.localnet.cluster_clock import DEFAULT_SLOTS_PER_EPOCH, DEFAULT_TICKS_PER_SLOT


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Every field is the flag of the same name. All but `reset` and `warp_slot` shape genesis: like solana-test-validator, a
    cluster that already exists keeps what it was made with, and `EmbeddedCluster.ignored` names the options that had no effect."""

    bpf_programs: tuple[tuple[Pubkey, Path], ...] = ()  # --bpf-program ADDRESS PATH
    accounts: tuple[tuple[Pubkey | None, Path], ...] = ()  # --account ADDRESS FILE; None where ADDRESS is "-"
    account_dirs: tuple[Path, ...] = ()  # --account-dir DIRECTORY
    mint: Pubkey | None = None  # --mint: receives 500 million SOL
    faucet_sol: int = 1_000_000  # --faucet-sol
    ticks_per_slot: int = DEFAULT_TICKS_PER_SLOT  # --ticks-per-slot: 64 make 400 ms, 8 make 50 ms
    slots_per_epoch: int = DEFAULT_SLOTS_PER_EPOCH  # --slots-per-epoch
    warp_slot: int | None = None  # --warp-slot: no effect when the cluster is past it
    reset: bool = False  # --reset: forget the cluster that is there

    def __post_init__(self) -> None:
        """Raises ConfigError for values no cluster can have."""
        limits = (
            ("--faucet-sol", self.faucet_sol, 0, 10**9),
            ("--ticks-per-slot", self.ticks_per_slot, 2, 2**20),
            ("--slots-per-epoch", self.slots_per_epoch, 32, 2**32),
            ("--warp-slot", self.warp_slot or 0, 0, 2**48),
        )
        for flag, value, least, most in limits:
            if not least <= value <= most:
                raise ConfigError(f"{flag} {value} is out of range: choose {least} to {most}", option=flag)

    def genesis_flags(self) -> tuple[str, ...]:
        """The flags given that only a new cluster heeds."""
        plain = ClusterOptions()
        names = ("bpf_programs", "accounts", "account_dirs", "mint", "faucet_sol", "ticks_per_slot", "slots_per_epoch")
        given = (name for name in names if getattr(self, name) != getattr(plain, name))
        return tuple(
            "--" + name.removesuffix("s").replace("_", "-") if name in names[:3] else "--" + name.replace("_", "-")
            for name in given
        )
