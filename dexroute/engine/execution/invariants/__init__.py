"""What must be true of a journal at every moment, checked after the fact. Pure: histories in, violations out.

`check_order` holds one order's rows against each other; `PromisedTotals` what open orders promise against the totals kept;
`check_on_chain` a landed attempt against what a node shows now. The executor keeps these rules while it runs; this is the second
pair of eyes that reads only what was written.
"""

from __future__ import annotations

from dexroute.engine.execution.invariants.chain_rules import check_on_chain
from dexroute.engine.execution.invariants.order_rules import check_order
from dexroute.engine.execution.invariants.promise_rules import PromisedTotals
from dexroute.engine.execution.invariants.rules import Rule, Violation

__all__ = ["PromisedTotals", "Rule", "Violation", "check_on_chain", "check_order"]
