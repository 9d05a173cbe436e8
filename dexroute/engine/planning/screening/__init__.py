"""The last look at a message before it is signed: every instruction decoded and held against a policy, every account of ours held
to what the swap may do to it. Pure; knows nothing of how the message was built.

Read in this order: `policy` (what is allowed), `calls` (a message as instructions with resolved accounts), `rules` (each program's
instructions), `balances` (the simulated outcome), `swaps` (the limits it carries), `screen` (all of it), `table_screen` (the
wallet's own lookup tables).
"""

from __future__ import annotations

from dexroute.engine.planning.screening.calls import named_accounts
from dexroute.engine.planning.screening.evidence import Evidence, own_accounts
from dexroute.engine.planning.screening.policy import OUTCOME_RULES, SigningPolicy, SwapBounds
from dexroute.engine.planning.screening.screen import Screened, screen
from dexroute.engine.planning.screening.table_screen import TableBounds, TableVerb, screen_table_change

__all__ = [
    "OUTCOME_RULES",
    "Evidence",
    "Screened",
    "SigningPolicy",
    "SwapBounds",
    "TableBounds",
    "TableVerb",
    "named_accounts",
    "own_accounts",
    "screen",
    "screen_table_change",
]
