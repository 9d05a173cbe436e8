"""From a route to a message ready to sign: instructions, limits, fees, funds, simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dexroute.lazy import loader

if TYPE_CHECKING:
    from dexroute.engine.planning.attempt import PlannedSwap, PreparedAttempt, SwapBuilder
    from dexroute.engine.planning.guards import check_price_impact
    from dexroute.engine.planning.limits import check_slippage, swap_limit
    from dexroute.engine.planning.lookup_tables import as_tables, decode_lookup_table, require_usable
    from dexroute.engine.planning.message import build_message, unsigned_wire
    from dexroute.engine.planning.priority_fee import PriorityFeePolicy
    from dexroute.engine.planning.programs import swappable_venues
    from dexroute.engine.planning.room import OneTransaction
    from dexroute.engine.planning.swap_plan import PlanOptions, SwapPlan, held_mints, plan_swap, route_mints
    from dexroute.engine.planning.wallet import Wallet, decode_wallet, unread_wallet, wallet_accounts
else:
    __getattr__ = loader(
        __name__,
        {
            "dexroute.engine.planning.attempt": ("PlannedSwap", "PreparedAttempt", "SwapBuilder"),
            "dexroute.engine.planning.guards": ("check_price_impact",),
            "dexroute.engine.planning.limits": ("check_slippage", "swap_limit"),
            "dexroute.engine.planning.lookup_tables": ("as_tables", "decode_lookup_table", "require_usable"),
            "dexroute.engine.planning.message": ("build_message", "unsigned_wire"),
            "dexroute.engine.planning.priority_fee": ("PriorityFeePolicy",),
            "dexroute.engine.planning.programs": ("swappable_venues",),
            "dexroute.engine.planning.room": ("OneTransaction",),
            "dexroute.engine.planning.swap_plan": ("PlanOptions", "SwapPlan", "held_mints", "plan_swap", "route_mints"),
            "dexroute.engine.planning.wallet": ("Wallet", "decode_wallet", "unread_wallet", "wallet_accounts"),
        },
    )

__all__ = [
    "OneTransaction",
    "PlanOptions",
    "PlannedSwap",
    "PreparedAttempt",
    "PriorityFeePolicy",
    "SwapBuilder",
    "SwapPlan",
    "Wallet",
    "as_tables",
    "build_message",
    "check_price_impact",
    "check_slippage",
    "decode_lookup_table",
    "decode_wallet",
    "held_mints",
    "plan_swap",
    "require_usable",
    "route_mints",
    "swap_limit",
    "swappable_venues",
    "unread_wallet",
    "unsigned_wire",
    "wallet_accounts",
]
