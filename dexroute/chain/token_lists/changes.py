"""What a refreshed list says otherwise than the one before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from dexroute.chain.token_file import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanges:
    """`changed` are sentences about mints whose symbol or decimals changed and symbols that went over to other mints."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    changed: tuple[str, ...]


def changes_between(before: Iterable[Entry], after: Iterable[Entry]) -> ListChanges:
    """Compare two lists, each with every mint once."""
    old, new = ({str(entry["mint"]): entry for entry in entries} for entries in (before, after))
    changed = []
    for mint in old.keys() & new.keys():
        changed += [
            f"{mint}: {field} was {old[mint][field]}, is {new[mint][field]}"
            for field in ("symbol", "decimals")
            if old[mint][field] != new[mint][field]
        ]
    carriers_before, carriers_now = _carriers(old.values()), _carriers(new.values())
    for symbol in carriers_before.keys() & carriers_now.keys():
        if not carriers_before[symbol] & carriers_now[symbol]:
            was, now = (", ".join(sorted(carriers[symbol])) for carriers in (carriers_before, carriers_now))
            changed.append(f"{symbol} meant {was}, now means {now}")
    return ListChanges(
        added=tuple(entry for mint, entry in new.items() if mint not in old),
        removed=tuple(entry for mint, entry in old.items() if mint not in new),
        changed=tuple(sorted(changed)),
    )


def _carriers(entries: Iterable[Entry]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        found[str(entry["symbol"])].add(str(entry["mint"]))
    return found
