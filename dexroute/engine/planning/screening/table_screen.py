"""Lookup tables of the wallet's own: the only messages beside swaps that are ever signed, held to the one change asked for.

Layout: solana-program/address-lookup-table program/src/instruction.rs (bincode: a u32 variant, then its fields; every instruction
names the table first and its authority second).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Literal

from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.address_lookup_table_account import derive_lookup_table_address
from solders.compute_budget import ID as COMPUTE_BUDGET_PROGRAM_ID
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.engine.planning.lookup_tables import decode_lookup_table
from dexroute.engine.planning.screening.balances import check_wallet
from dexroute.engine.planning.screening.calls import Call, calls_of
from dexroute.engine.planning.screening.evidence import Evidence
from dexroute.engine.planning.screening.policy import SigningPolicy, refused
from dexroute.engine.planning.screening.rules import Ledger, check_budget
from dexroute.engine.planning.screening.screen import Screened, check_fees, check_signers
from dexroute.errors import LookupTableUnusable, PolicyRefused, RpcError
from dexroute.types.accounts import AccountData
from dexroute.types.network import LAMPORTS_PER_SIGNATURE

TableVerb = Literal["create", "extend", "deactivate", "close"]

_CREATE, _EXTEND, _DEACTIVATE, _CLOSE = 0, 2, 3, 4
_ALLOWED: Final[dict[TableVerb, frozenset[int]]] = {
    "create": frozenset({_CREATE, _EXTEND}),
    "extend": frozenset({_EXTEND}),
    "deactivate": frozenset({_DEACTIVATE}),
    "close": frozenset({_CLOSE}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBounds:
    """The one change of `table` that may be signed: at most `max_rent_lamports` move from the wallet into it, and nothing but
    `addresses` is added to it."""

    wallet: Pubkey
    verb: TableVerb
    table: Pubkey
    addresses: frozenset[Pubkey]
    max_rent_lamports: int


def screen_table_change(message: MessageV0, bounds: TableBounds, policy: SigningPolicy, evidence: Evidence) -> Screened:
    """Hold a message to one change of one table. `evidence` shows the wallet and the table before, and as the simulation of this
    very message left them. Raises PolicyRefused, and RpcError where the node left gaps."""
    check_signers(message, bounds.wallet)
    if message.address_table_lookups:
        raise refused("lookup-table", "a change of a lookup table looks up no accounts in others")
    ledger = Ledger()
    calls = calls_of(message, message.account_keys)
    for call in calls:
        if call.program == COMPUTE_BUDGET_PROGRAM_ID:
            check_budget(call, ledger)
            continue
        ledger.others += 1
        if call.program != LOOKUP_TABLE_PROGRAM_ID:
            raise refused(
                "program",
                f"instruction {call.index} calls {call.program}, and a change of a lookup table calls only its program",
                instruction=call.index,
                program=str(call.program),
            )
        try:
            _check_table_call(call, bounds)
        except (IndexError, ValueError, struct.error):
            raise refused(
                "malformed", f"instruction {call.index} to {call.program} is not complete", instruction=call.index
            ) from None
    if not ledger.others:
        raise refused("lookup-table", f"it does not {bounds.verb} lookup table {bounds.table}")
    priority = check_fees(ledger, policy)
    _check_outcome(bounds, evidence, priority)
    return Screened(network_fee_lamports=LAMPORTS_PER_SIGNATURE, priority_fee_lamports=priority, tip_lamports=0, calls=len(calls))


def _check_table_call(call: Call, bounds: TableBounds) -> None:
    (tag,) = struct.unpack_from("<I", call.data)
    body = call.data[4:]
    if tag not in _ALLOWED[bounds.verb]:
        raise refused(
            "lookup-table", f"instruction {call.index} (number {tag}) does not {bounds.verb} a table", instruction=call.index
        )
    table, authority = call.accounts[:2]
    if table != bounds.table:
        raise _stranger(call, "is about table", table)
    if authority != bounds.wallet:
        raise _stranger(call, "acts for", authority)
    if tag in (_CREATE, _EXTEND):
        payer, system = call.accounts[2:]
        if payer != bounds.wallet or system != SYSTEM_PROGRAM_ID:
            raise _stranger(call, "is paid by", payer)
    if tag == _CREATE:
        slot, bump = struct.unpack("<QB", body)
        if derive_lookup_table_address(bounds.wallet, slot) != (table, bump):
            raise _stranger(call, "creates", table)
    elif tag == _EXTEND:
        (count,) = struct.unpack_from("<Q", body)
        added = body[8:]
        if not count or len(added) != 32 * count:
            raise IndexError
        for start in range(0, len(added), 32):
            if (address := Pubkey(added[start : start + 32])) not in bounds.addresses:
                raise _stranger(call, "adds", address)
    elif tag == _DEACTIVATE:
        if body or len(call.accounts) != 2:
            raise IndexError
    else:
        (receiver,) = call.accounts[2:]
        if body:
            raise IndexError
        if receiver != bounds.wallet:
            raise _stranger(call, "gives the rent to", receiver)


def _check_outcome(bounds: TableBounds, evidence: Evidence, priority: int) -> None:
    """What leaves the wallet beyond fees is in the table, and what leaves the table is in the wallet; the table stays ours."""
    for key in (bounds.wallet, bounds.table):
        if key not in evidence.before or key not in evidence.after:
            raise RpcError(f"the node simulated without returning account {key}; use another RPC endpoint", account=str(key))
    wallet, table = ((evidence.before[key], evidence.after[key]) for key in (bounds.wallet, bounds.table))
    check_wallet(bounds.wallet, *wallet)
    rent = _lamports(table[1]) - _lamports(table[0])
    spent = _lamports(wallet[0]) - _lamports(wallet[1]) - LAMPORTS_PER_SIGNATURE
    if spent - rent not in (0, priority):
        raise refused(
            "balance", f"it would take {spent - rent} lamports that neither fees nor the table explain", lamports=str(spent - rent)
        )
    if rent > bounds.max_rent_lamports:
        raise refused(
            "balance",
            f"it would lock {rent} lamports in table {bounds.table}, and {bounds.max_rent_lamports} were asked for",
            lamports=str(rent),
        )
    gone = table[1] is None or not table[1].data
    if bounds.verb == "close":
        if not gone:
            raise refused("lookup-table", f"it would not close table {bounds.table}")
        return
    try:
        after = decode_lookup_table(bounds.table, table[1], 0)
    except LookupTableUnusable as error:
        raise refused("lookup-table", error.message) from None
    if after.authority != bounds.wallet:
        raise refused("lookup-table", f"it would leave table {bounds.table} to {after.authority}")


def _lamports(account: AccountData | None) -> int:
    return account.lamports if account is not None else 0


def _stranger(call: Call, what: str, whom: Pubkey) -> PolicyRefused:
    return refused(
        "recipient",
        f"instruction {call.index} {what} {whom}, which is not what was asked for",
        instruction=call.index,
        recipient=str(whom),
    )
