"""Jupiter's verified token list, entry by entry: what of it can be used, and what is refused and why.

An array of token objects, in either of the shapes Jupiter has published:
- since 2025 (GET /tokens/v2/tag?query=verified; dev.jup.ag/api-reference/tokens/v2/tag):
  `{"id", "name", "symbol", "decimals", "tokenProgram", "isVerified", "tags", ...}`
- before (tokens.jup.ag/tokens?tags=verified, token.jup.ag/strict):
  `{"address", "chainId"?, "name", "symbol", "decimals", "tags", ...}`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.chain.token_file import Entry
from dexroute.chain.token_lists.symbols import look_of, refusal, shown
from dexroute.errors import ConfigError
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

MOST_TOKENS: Final = 100_000
_SOLANA_MAINNET: Final = 101  # chainId of the SPL token list
_TOKEN_PROGRAMS: Final = frozenset({str(TOKEN_PROGRAM_ID), str(TOKEN_2022_PROGRAM_ID)})
_LONGEST_ADDRESS: Final = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedToken:
    """An entry that is not used. `symbol` and `mint` are safe to print; `mint` is empty when the entry has none that is one."""

    symbol: str
    mint: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedList:
    """`entries` may be used, sorted by symbol and mint. `pinned` counts those about mints dexroute names itself."""

    entries: tuple[Entry, ...]
    refused: tuple[RefusedToken, ...]
    pinned: int


def check_list(document: Any, pinned: Mapping[str, str], *, where: str) -> CheckedList:
    """Judge every entry. `pinned` is {mint: symbol} of the shipped list: no entry can name those mints or imitate those symbols.

    Raises ConfigError when `document` (named by `where`) is no list of tokens at all.
    """
    if not isinstance(document, list):
        raise ConfigError(f"{where}: not a list of tokens, as Jupiter publishes them; the list kept before stays in use")
    if len(document) > MOST_TOKENS:
        raise ConfigError(f"{where}: {len(document)} tokens, more than the {MOST_TOKENS} a list may have; it is refused whole")
    looks = look_of(pinned.values())
    accepted: dict[str, Entry] = {}
    refused: list[RefusedToken] = []
    contradicted: set[str] = set()
    pinned_count = 0
    for item in document:
        if isinstance(item, dict) and _address(item) in pinned:
            pinned_count += 1
            continue
        reason = _refusal(item, looks)
        if reason is None:
            entry = _entry(item)
            mint = str(entry["mint"])
            known = accepted.setdefault(mint, entry)
            if known is entry:
                continue
            if known != entry:
                contradicted.add(mint)
            reason = "its mint is listed twice"
        refused.append(RefusedToken(symbol=shown(_symbol(item)), mint=_printable_mint(item), reason=reason))
    for mint in contradicted:
        entry = accepted.pop(mint)
        refused.append(RefusedToken(symbol=shown(entry["symbol"]), mint=mint, reason="its mint is listed twice, differently"))
    return CheckedList(entries=_sorted(accepted.values()), refused=tuple(refused), pinned=pinned_count)


def _refusal(item: Any, looks: Mapping[str, str]) -> str | None:
    if not isinstance(item, dict):
        return "is no token object"
    if not _is_mint(_address(item)):
        return "its mint is not a base58 address"
    decimals = item.get("decimals")
    if type(decimals) is not int or not 0 <= decimals <= 255:
        return "its decimals are not 0 to 255"
    if item.get("chainId", _SOLANA_MAINNET) != _SOLANA_MAINNET:
        return "is not on mainnet-beta"
    program = item.get("tokenProgram")
    if program is not None and (not isinstance(program, str) or program not in _TOKEN_PROGRAMS):
        return "its token program is not one of the two there are"
    if not _is_verified(item):
        return "is not verified"
    return refusal(item.get("symbol"), looks)


def _is_verified(item: Mapping[str, Any]) -> bool:
    """The newer shape says so itself; the older is served as a verified list, and marks what is not as unknown."""
    tags = item.get("tags")
    named = tags if isinstance(tags, list) else []
    if "isVerified" in item or "id" in item:
        return item.get("isVerified") is True or ("isVerified" not in item and "verified" in named)
    return "unknown" not in named


def _entry(item: Mapping[str, Any]) -> Entry:
    return {"symbol": item["symbol"], "mint": _address(item), "decimals": item["decimals"]}


def _address(item: Mapping[str, Any]) -> str:
    value = item.get("id") if "id" in item else item.get("address")
    return value if isinstance(value, str) and len(value) <= _LONGEST_ADDRESS else ""


def _is_mint(text: str) -> bool:
    try:
        return str(Pubkey.from_string(text)) == text
    except ValueError:
        return False


def _symbol(item: Any) -> object:
    return item.get("symbol") if isinstance(item, dict) else None


def _printable_mint(item: Any) -> str:
    text = _address(item) if isinstance(item, dict) else ""
    return text if _is_mint(text) else ""


def _sorted(entries: Any) -> tuple[Entry, ...]:
    found: Sequence[Entry] = sorted(entries, key=lambda entry: (str(entry["symbol"]).lower(), str(entry["mint"])))
    return tuple(found)
