"""Does this installation quote what the venues' programs did? Recorded swaps, quoted again and compared to the unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dexroute.errors import ConfigError, DexError, QuoteError, UsageError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool
from dexroute.fetchers.recorded import PACKAGED, RecordedState, RecordedSwap, read_recorded, recorded_files


@dataclass(slots=True, kw_only=True)
class VenueResult:
    """What came of one venue's recordings. `worst_difference` is the largest distance between an amount quoted and executed, base
    units; a swap quoted that was refused, or refused that was executed, has none and shows in `equal` alone. `faults` say what
    differed, the first of each state."""

    venue: str
    states: int = 0
    swaps: int = 0
    equal: int = 0
    worst_difference: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.equal == self.swaps


def run_selftest(paths: Sequence[Path] = (), progress: Callable[[str], None] = lambda text: None) -> tuple[VenueResult, ...]:
    """The recordings in `paths` (files and directories), or those that ship with dexroute, by venue.

    A pool that cannot be decoded, as one of a venue this dexroute does not have, counts as unequal in all its swaps. Raises
    ConfigError for a file that is no recording, UsageError when there is nothing to run.
    """
    files = _files(paths)
    results: dict[str, VenueResult] = {}
    for number, path in enumerate(files, start=1):
        state = read_recorded(path)
        progress(f"{number} of {len(files)}: {state}")
        _check(state, results.setdefault(state.venue, VenueResult(venue=state.venue)))
    return tuple(results.values())


def _files(paths: Sequence[Path]) -> list[Path]:
    for path in paths:
        if not path.exists():
            raise ConfigError(f"{path} is not there; name a recording (.json.gz) or a directory of recordings", path=str(path))
    files = list(dict.fromkeys(file for path in paths or (PACKAGED,) for file in recorded_files(path)))
    if not files:
        raise UsageError(f"no recordings (*.json.gz) under {', '.join(map(str, paths))}; name a file or directory that has some")
    return files


def _check(state: RecordedState, result: VenueResult) -> None:
    result.states += 1
    result.swaps += len(state.swaps)
    try:
        pool = VENUES.decode_pool(state.pool, state.snapshot)
    except DexError as error:
        result.faults.append(f"{state}: {error.message}")
        return
    faults = [fault for swap in state.swaps if (fault := _fault(pool, swap, result)) is not None]
    result.equal += len(state.swaps) - len(faults)
    if faults:
        result.faults.append(f"{state}: {len(faults)} of {len(state.swaps)} swaps, the first: {faults[0]}")


def _fault(pool: Pool, swap: RecordedSwap, result: VenueResult) -> str | None:
    """What differs, None when nothing does: amounts for an executed swap, the program's code for a refused one."""
    asked = f"{swap.request.mode} of {swap.request.amount}, {swap.request.input_mint} to {swap.request.output_mint}"
    try:
        quote = pool.quote(swap.request)
    except QuoteError as error:
        if swap.succeeded:
            return f"{asked} was executed ({swap.amount_in} for {swap.amount_out}) and is refused here: {error.message}"
        if error.program_error == swap.error_code:
            return None
        return f"{asked} was refused with code {swap.error_code}, here with {error.program_error}"
    except DexError as error:
        return f"{asked} cannot be quoted here: {error.message}"
    if swap.amount_in is None or swap.amount_out is None:
        return f"{asked} was refused ({swap.error_text}) and is quoted here: {quote.amount_in} for {quote.amount_out}"
    difference = max(abs(quote.amount_in - swap.amount_in), abs(quote.amount_out - swap.amount_out))
    result.worst_difference = max(result.worst_difference, difference)
    if difference == 0:
        return None
    return f"{asked} moved {swap.amount_in} for {swap.amount_out}, quoted here: {quote.amount_in} for {quote.amount_out}"


def all_equal(results: Iterable[VenueResult]) -> bool:
    """Whether every recorded swap of every venue is quoted as it was executed."""
    return all(result.ok for result in results)
