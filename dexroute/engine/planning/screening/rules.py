"""What each program may be asked to do. Whatever is not named here is refused.

Layouts: solana-sdk system-interface/src/instruction.rs (bincode, u32 tags); solana-program/token interface/src/instruction.rs and
token-2022 (u8 tags); associated-token-account interface/src/instruction.rs; compute-budget-interface/src/lib.rs (borsh, u8 tags).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from solders.compute_budget import ID as COMPUTE_BUDGET_PROGRAM_ID
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.engine.planning.screening.calls import Call
from dexroute.engine.planning.screening.policy import SigningPolicy, SwapBounds, refused
from dexroute.errors import PolicyRefused
from dexroute.fetchers.tokens import TOKEN_ACCOUNT_LENGTH
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

MEMO_PROGRAM_IDS: Final = frozenset(
    map(Pubkey.from_string, ("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo"))
)
_TOKEN_PROGRAMS: Final = (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)
_SYSTEM: Final = {
    0: "CreateAccount", 1: "Assign", 4: "AdvanceNonceAccount", 5: "WithdrawNonceAccount", 6: "InitializeNonceAccount",
    7: "AuthorizeNonceAccount", 8: "Allocate", 9: "AllocateWithSeed", 10: "AssignWithSeed", 11: "TransferWithSeed",
    12: "UpgradeNonceAccount",
}  # fmt: skip
_TOKEN: Final = {
    0: "InitializeMint",
    1: "InitializeAccount", 3: "Transfer", 4: "Approve", 5: "Revoke", 6: "SetAuthority", 7: "MintTo", 8: "Burn",
    10: "FreezeAccount", 11: "ThawAccount", 12: "TransferChecked", 13: "ApproveChecked", 14: "MintToChecked", 15: "BurnChecked",
    16: "InitializeAccount2",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What the calls add up to. `opened` are token accounts of ours the message opens; `temporary` those of them it may close."""

    units: int | None = None
    price_micro_lamports: int = 0
    budget_tags: set[int] = field(default_factory=set)
    others: int = 0
    tip_lamports: int = 0
    opened: dict[Pubkey, Pubkey] = field(default_factory=dict)  # to their mint
    temporary: set[Pubkey] = field(default_factory=set)
    closed: set[Pubkey] = field(default_factory=set)


def check_call(call: Call, bounds: SwapBounds, policy: SigningPolicy, ledger: Ledger) -> None:
    """Raises PolicyRefused unless this call is one a swap of ours makes."""
    if call.program == COMPUTE_BUDGET_PROGRAM_ID:
        check_budget(call, ledger)
        return
    ledger.others += 1
    if policy.venues.by_program(call.program) is not None or call.program in policy.programs:
        return  # `swaps` reads the venues' calls; what any does to our accounts is for the simulated balances to show
    rule = _RULES.get(call.program)
    if rule is None:
        raise refused(
            "program",
            f"instruction {call.index} calls {call.program}, which is no venue or program a swap needs; allow it in "
            "policy_programs if it is meant",
            instruction=call.index,
            program=str(call.program),
        )
    try:
        rule(call, bounds, policy, ledger)
    except (IndexError, struct.error):
        raise refused("malformed", f"instruction {call.index} to {call.program} is not complete", instruction=call.index) from None


def check_budget(call: Call, ledger: Ledger) -> None:
    """A compute budget setting, each at most once. Raises PolicyRefused."""
    tag = call.data[0] if call.data else -1
    if tag in ledger.budget_tags or {1: 5, 2: 5, 3: 9, 4: 5}.get(tag) != len(call.data):
        raise refused(
            "compute-budget", f"instruction {call.index} is no compute budget setting, or one set twice", instruction=call.index
        )
    ledger.budget_tags.add(tag)
    if tag == 2:
        (ledger.units,) = struct.unpack_from("<I", call.data, 1)
    elif tag == 3:
        (ledger.price_micro_lamports,) = struct.unpack_from("<Q", call.data, 1)


def _system(call: Call, bounds: SwapBounds, policy: SigningPolicy, ledger: Ledger) -> None:
    (tag,) = struct.unpack_from("<I", call.data)
    if tag == 2 and len(call.data) == 12:
        (lamports,) = struct.unpack_from("<Q", call.data, 4)
        payer, receiver = call.accounts[:2]
        if receiver in policy.tip_accounts and payer == bounds.wallet:
            ledger.tip_lamports += lamports
            if ledger.tip_lamports > policy.max_tip_lamports:
                raise refused(
                    "tip",
                    f"it tips {ledger.tip_lamports} lamports and the cap is {policy.max_tip_lamports}",
                    tip_lamports=str(ledger.tip_lamports),
                    cap_lamports=str(policy.max_tip_lamports),
                )
        elif payer != bounds.wallet or ledger.opened.get(receiver) != NATIVE_MINT:
            raise _stranger(call, f"transfers {lamports} lamports", receiver)
    elif tag == 3:
        _create_with_seed(call, bounds, ledger)
    else:
        name = _SYSTEM.get(tag, f"instruction {tag}")
        why = "a durable nonce would let this transaction land at any time" if "Nonce" in name else "a swap needs no such thing"
        raise refused("system", f"instruction {call.index} asks the system program for {name}; {why}", instruction=call.index)


def _create_with_seed(call: Call, bounds: SwapBounds, ledger: Ledger) -> None:
    """The temporary account for wrapped SOL: paid, derived and owned by the wallet, so no one else can ever control it."""
    base = Pubkey(call.data[4:36])
    (length,) = struct.unpack_from("<Q", call.data, 36)
    if length > 32 or len(call.data) != 44 + length + 48:
        raise IndexError
    seed = call.data[44 : 44 + length]
    _, space = struct.unpack_from("<QQ", call.data, 44 + length)
    owner = Pubkey(call.data[60 + length :])
    payer, created = call.accounts[:2]
    sound = payer == base == bounds.wallet and owner == TOKEN_PROGRAM_ID and space == TOKEN_ACCOUNT_LENGTH and seed.isascii()
    if not sound or created != Pubkey.create_with_seed(base, seed.decode(), owner):
        raise _stranger(call, "creates an account that is no temporary account of the wallet", created)
    ledger.opened[created] = NATIVE_MINT
    ledger.temporary.add(created)


def _token(call: Call, bounds: SwapBounds, policy: SigningPolicy, ledger: Ledger) -> None:
    tag = call.data[0]
    account = call.accounts[0]
    if tag == 18 and len(call.data) == 33:
        if account not in ledger.temporary or call.accounts[1] != NATIVE_MINT or Pubkey(call.data[1:]) != bounds.wallet:
            raise _stranger(call, "initializes a token account that is not the wallet's own", account)
    elif tag == 9 and len(call.data) == 1:
        _, receiver, authority = call.accounts[:3]
        if receiver != bounds.wallet or authority != bounds.wallet:
            raise _stranger(call, f"closes {account}", receiver)
        if account not in ledger.temporary:
            raise refused(
                "close", f"instruction {call.index} closes {account}, which this transaction did not open", instruction=call.index
            )
        ledger.closed.add(account)
    elif tag == 17 and len(call.data) == 1:
        if account not in ledger.temporary:
            raise _stranger(call, "syncs the lamports of an account that is not this transaction's", account)
    else:
        name = _TOKEN.get(tag, f"instruction {tag}")
        raise refused(
            "token",
            f"instruction {call.index} asks the token program for {name}; a swap of ours never does",
            instruction=call.index,
        )


def _associated(call: Call, bounds: SwapBounds, policy: SigningPolicy, ledger: Ledger) -> None:
    payer, account, owner, mint, _, program = call.accounts[:6]
    if call.data not in (b"", b"\x00", b"\x01") or program not in _TOKEN_PROGRAMS:
        raise refused("associated", f"instruction {call.index} is no opening of an associated account", instruction=call.index)
    derived = Pubkey.find_program_address([bytes(bounds.wallet), bytes(program), bytes(mint)], ASSOCIATED_TOKEN_PROGRAM_ID)[0]
    if payer != bounds.wallet or owner != bounds.wallet or account != derived:
        raise _stranger(call, "opens a token account for another owner", owner)
    if mint not in bounds.mints:
        raise refused("mint", f"instruction {call.index} opens an account of {mint}, which is not in the route", mint=str(mint))
    ledger.opened[account] = mint


def _memo(call: Call, bounds: SwapBounds, policy: SigningPolicy, ledger: Ledger) -> None:
    if any(account != bounds.wallet for account in call.accounts):
        raise refused("memo", f"instruction {call.index} has a memo signed by others", instruction=call.index)


def _stranger(call: Call, what: str, whom: Pubkey) -> PolicyRefused:
    return refused(
        "recipient",
        f"instruction {call.index} {what}, and {whom} is not the wallet or an account it opens here",
        instruction=call.index,
        recipient=str(whom),
    )


_RULES: Final[dict[Pubkey, Callable[[Call, SwapBounds, SigningPolicy, Ledger], None]]] = {
    SYSTEM_PROGRAM_ID: _system,
    TOKEN_PROGRAM_ID: _token,
    TOKEN_2022_PROGRAM_ID: _token,
    ASSOCIATED_TOKEN_PROGRAM_ID: _associated,
    **dict.fromkeys(MEMO_PROGRAM_IDS, _memo),
}
