"""The embedded cluster: one Solana cluster in one process, kept in one directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from solders.hash import ParseHashError
from solders.pubkey import Pubkey

from dexroute.errors import DatabaseError, UsageError
from dexroute.host.clock import HostClock
from dexroute.host.lock import DirectoryLock
from dexroute.localnet.accounts import AccountVersions, StoredAccount
from dexroute.localnet.bank import Bank
from dexroute.localnet.blockhashes import Blockhashes
from dexroute.localnet.cluster_clock import ClusterClock, Stretch
from dexroute.localnet.genesis import Genesis, genesis_accounts, place_genesis, refresh_pool_program
from dexroute.localnet.ledger import FILE_NAME, Ledger
from dexroute.localnet.options import ClusterOptions
from dexroute.localnet.programs import program_account
from dexroute.localnet.rpc.dispatch import Dispatcher
from dexroute.localnet.runtime import Runtime
from dexroute.ports import Clock
from dexroute.types.accounts import AccountData

if TYPE_CHECKING:
    from dexroute.localnet.transport import EmbeddedTransport


class EmbeddedCluster:
    """LiteSVM behind Solana JSON-RPC. Use `async with EmbeddedCluster.open(directory) as cluster`, or `close()` it.

    `transport` answers JSON-RPC in process (`httpx.AsyncClient(transport=cluster.transport)`); `dexroute.localnet.serve` answers
    over HTTP and WebSocket. `bank` executes and reads without RPC. `is_new` says whether opening made the cluster; `ignored` names
    the flags that then had no effect.
    """

    def __init__(
        self, *, bank: Bank, genesis: Genesis, ledger: Ledger, lock: DirectoryLock | None, is_new: bool, ignored: tuple[str, ...]
    ) -> None:
        self.bank = bank
        self.genesis = genesis
        self.is_new = is_new
        self.ignored = ignored
        self.dispatcher = Dispatcher(bank, genesis)
        self._ledger = ledger
        self._lock = lock

    @classmethod
    def open(
        cls, data_dir: Path | None = None, *, options: ClusterOptions | None = None, clock: Clock | None = None
    ) -> EmbeddedCluster:
        """Open the cluster kept in `data_dir`, making it when there is none; None keeps it in memory only.

        Raises DataDirBusy (another process has it open), DatabaseError (its file is corrupt or newer), DatabaseUnavailable (its
        disk is full), ConfigError (an option's file does not read).
        """
        options = options or ClusterOptions()
        lock = DirectoryLock(data_dir, "cluster", what="the embedded cluster") if data_dir else None
        ledger: Ledger | None = None
        try:
            if data_dir and options.reset:
                _forget(data_dir)
            ledger = Ledger(data_dir)
            return cls._assembled(ledger, lock, options, clock or HostClock())
        except BaseException:
            if ledger:
                ledger.close()
            if lock:
                lock.release()
            raise

    @classmethod
    def _assembled(cls, ledger: Ledger, lock: DirectoryLock | None, options: ClusterOptions, host: Clock) -> EmbeddedCluster:
        facts = ledger.facts()
        is_new = "genesis" not in facts
        try:
            genesis = Genesis.new(options) if is_new else Genesis.from_fact(facts["genesis"])
            clock = _cluster_clock(genesis, facts, host)
        except (KeyError, TypeError, ValueError, ParseHashError) as error:
            raise DatabaseError(
                f"{ledger.path} does not say which cluster it holds ({error!r}); restore it from a backup or use --reset",
                path=str(ledger.path),
            ) from error
        versions = AccountVersions(ledger.accounts())
        runtime = Runtime(slots_per_epoch=genesis.slots_per_epoch)
        present = sorted(versions.all_at(clock.tip().slot), key=lambda item: item[1].executable)
        try:
            for address, account in present:
                runtime.put(address, account)
        except ValueError as error:
            raise DatabaseError(
                f"{ledger.path} holds a program that does not load: {error}; restore it from a backup or use --reset",
                path=str(ledger.path),
            ) from error
        bank = Bank(runtime=runtime, versions=versions, ledger=ledger, clock=clock, blockhashes=Blockhashes(genesis.hash))
        if is_new:
            place_genesis(genesis_accounts(genesis, options, bank), bank)
            # Written last: a cluster whose making was cut short is made anew.
            ledger.place((), {"genesis": genesis.to_fact(), **bank.time_facts()})
        refresh_pool_program(bank, facts)
        if options.warp_slot:
            bank.warp(options.warp_slot)
        ignored = () if is_new else options.genesis_flags()
        return cls(bank=bank, genesis=genesis, ledger=ledger, lock=lock, is_new=is_new, ignored=ignored)

    @property
    def transport(self) -> EmbeddedTransport:
        """For httpx: the cluster answers every POST, whatever the URL."""
        from dexroute.localnet.transport import EmbeddedTransport

        return EmbeddedTransport(self.dispatcher)

    def set_account(self, address: Pubkey, account: AccountData, executable: bool = False) -> None:
        """Place an account, as if it had always been there. Raises UsageError for a program that does not load."""
        self.place({address: StoredAccount.holding(account, executable=executable)})

    def set_accounts(self, accounts: Mapping[Pubkey, AccountData]) -> None:
        """Place several accounts in one step."""
        self.place({address: StoredAccount.holding(account) for address, account in accounts.items()})

    def add_program(self, program_id: Pubkey, elf_bytes: bytes) -> None:
        """Place a program. Raises UsageError when its bytes do not load."""
        rent = self.bank.runtime.rent_exemption(len(elf_bytes))
        self.place({program_id: program_account(elf_bytes, rent_lamports=rent)})

    def place(self, accounts: dict[Pubkey, StoredAccount | None]) -> None:
        """Place several accounts at once, all or none. Raises UsageError for a program that does not load."""
        try:
            self.bank.place(accounts)
        except ValueError as error:
            raise UsageError(f"{error}; give the ELF that cargo build-sbf makes") from error

    def announce(self, url: str) -> None:
        """Tell processes that find the data directory locked where this cluster is served."""
        if self._lock:
            self._lock.describe(url)

    def close(self) -> None:
        """Release the data directory. Everything acknowledged is already on disk."""
        self._ledger.close()
        if self._lock:
            self._lock.release()

    async def __aenter__(self) -> EmbeddedCluster:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _cluster_clock(genesis: Genesis, facts: dict[str, Any], host: Clock) -> ClusterClock:
    stretches: Sequence[Sequence[int]] = facts.get("stretches", ()) if "genesis" in facts else ()
    return ClusterClock(
        host,
        stretches=tuple(Stretch(slot=slot, height=height, start_ms=start_ms) for slot, height, start_ms in stretches),
        last_seen_ms=facts.get("last_seen_ms", 0),
        ticks_per_slot=genesis.ticks_per_slot,
        slots_per_epoch=genesis.slots_per_epoch,
    )


def _forget(data_dir: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        (data_dir / (FILE_NAME + suffix)).unlink(missing_ok=True)
