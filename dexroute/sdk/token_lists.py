"""Looking after a data directory's token lists: listing, naming and forgetting tokens, fetching the verified list anew."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dexroute.chain.token_lists.changes import ListChanges, changes_between
from dexroute.chain.token_lists.document import CheckedList, check_list
from dexroute.chain.token_lists.kept import KeptList, read_kept, write_kept
from dexroute.chain.tokens import MAINNET_GENESIS, ListedToken, TokenList, pinned_tokens, remove_token
from dexroute.config import Settings
from dexroute.errors import ConfigError, UnknownToken, UsageError
from dexroute.sdk.connection import connect

if TYPE_CHECKING:
    import httpx

_LARGEST_FILE: Final = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshedList:
    """What a refresh brought. `path` is where the list is kept now; `notes` are addresses that were asked in vain before."""

    kept: KeptList
    checked: CheckedList
    changes: ListChanges
    path: Path
    notes: tuple[str, ...]


async def cluster_of(settings: Settings) -> str:
    """The cluster's genesis hash, which names it in the token lists; mainnet-beta is not asked for it. Raises NetworkError."""
    if settings.is_mainnet:
        return MAINNET_GENESIS
    async with connect(settings) as connection:
        return connection.genesis_hash


def listed_tokens(settings: Settings, cluster: str) -> tuple[tuple[ListedToken, ...], KeptList | None]:
    """Every token that has a symbol on a cluster, the user's first, and the verified list they are partly from: it is
    mainnet-beta's, so None elsewhere. Raises ConfigError."""
    kept = read_kept(settings.data_dir) if cluster == MAINNET_GENESIS else None
    return TokenList.open(settings.data_dir, cluster).tokens, kept


def forget_token(settings: Settings, cluster: str, symbol_or_mint: str) -> tuple[ListedToken, ...]:
    """Take back a name the user gave. Raises UsageError for a pinned or verified token, UnknownToken for none, ConfigError."""
    removed = remove_token(settings.data_dir, cluster, symbol_or_mint)
    if removed:
        return removed
    for token in TokenList.open(settings.data_dir, cluster).tokens:
        if symbol_or_mint in (token.symbol, str(token.mint)):
            remedy = "the next `dex tokens refresh` decides about it" if token.source == "verified" else "it ships with dexroute"
            raise UsageError(f"{token.symbol} ({token.mint}) was not added by you and cannot be removed: {remedy}")
    shown = symbol_or_mint if len(symbol_or_mint) <= 60 else f"{symbol_or_mint[:60]}…"
    raise UnknownToken(
        f"you added no token {shown!r} on this cluster; `dex tokens list` shows what there is, case matters here",
        token=shown,
        near=[],
    )


async def refresh_verified(
    settings: Settings, *, file: Path | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> RefreshedList:
    """Fetch Jupiter's verified list, or read the same from `file`; judge every entry; keep what may be used.

    A failure leaves the list kept before as it was. Raises UsageError on a cluster that is known not to be mainnet-beta,
    NetworkError when no address answers, ConfigError when the document is no token list or has no usable token.
    """
    if settings.cluster not in ("mainnet-beta", "custom"):
        raise UsageError(f"the verified list is mainnet-beta's, not {settings.cluster}'s; leave out -u, or say -u mainnet-beta")
    before = _kept_if_sound(settings.data_dir)
    notes: tuple[str, ...] = ()
    if file is not None:
        document, sha256 = _read(file)
        source = str(file)
    else:
        from dexroute.chain.apis.jupiter import fetch_verified_list

        fetched = await fetch_verified_list(transport=transport)
        document, sha256, source, notes = fetched.document, fetched.sha256, fetched.source, fetched.failures
    checked = check_list(document, {str(token.mint): token.symbol or "" for token in pinned_tokens()}, where=source)
    if not checked.entries:
        raise ConfigError(
            f"{source}: none of its {len(checked.refused) + checked.pinned} tokens adds to the pinned ones"
            + (f" (the first: {checked.refused[0].reason})" if checked.refused else "")
            + "; the list kept before stays in use",
            source=source,
        )
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    kept = KeptList(source=_printable(source), fetched_at=now, sha256=sha256, entries=checked.entries)
    path = write_kept(settings.data_dir, kept)
    changes = changes_between(before.entries if before else (), kept.entries)
    return RefreshedList(kept=kept, checked=checked, changes=changes, path=path, notes=notes)


def _kept_if_sound(data_dir: Path) -> KeptList | None:
    """A damaged list is about to be replaced: that is the cure, so it may not stand in the way."""
    try:
        return read_kept(data_dir)
    except ConfigError:
        return None


def _read(file: Path) -> tuple[Any, str]:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}", file=str(file)) from None
    if len(content) > _LARGEST_FILE:
        raise ConfigError(f"{file}: larger than {_LARGEST_FILE} bytes, which no token list is; it is refused", file=str(file))
    try:
        return json.loads(content, parse_float=Decimal), hashlib.sha256(content).hexdigest()
    except (ValueError, ArithmeticError, RecursionError):
        raise ConfigError(f"{file}: not JSON; give a list as Jupiter serves it", file=str(file)) from None


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:500]
