"""What stopped a simulation, in the venue's words."""

from __future__ import annotations

import re
from typing import Any, Final

from dexroute.engine.planning.message import BUDGET_INSTRUCTIONS
from dexroute.engine.planning.swap_plan import TIP_STEP, Step, SwapPlan
from dexroute.errors import DexError, InsufficientFunds, SimulationFailed, SlippageExceeded, StaleData
from dexroute.fetchers.failures import failure_cause
from dexroute.fetchers.registry import VenueRegistry
from dexroute.types.chain import Simulation, TransactionError
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.program_errors import ErrorClass
from dexroute.types.requests import SwapMode

_LOG_LINES: Final = 8
_FAILED: Final = re.compile(r"^Program (\w+) failed: ")
_OF_THE_WALLET: Final = ({"account_index": 0}, None)
_NO_FUNDS: Final = ("AccountNotFound", "InsufficientFundsForFee", "InsufficientFundsForRent")


def require_success(plan: SwapPlan, simulation: Simulation, registry: VenueRegistry) -> None:
    """Raises SlippageExceeded when a venue says its limit was not met, StaleData when the node does not know the blockhash,
    InsufficientFunds when the cluster says the wallet cannot pay; otherwise SimulationFailed naming program, instruction and
    code."""
    if simulation.error is not None:
        raise _meaning(plan, simulation, simulation.error, registry)


def _meaning(plan: SwapPlan, simulation: Simulation, error: TransactionError, registry: VenueRegistry) -> DexError:
    facts: dict[str, Any] = {"slot": simulation.slot, "error": error.raw, "logs": list(simulation.logs[-_LOG_LINES:])}
    kind = error.raw if isinstance(error.raw, str) else next(iter(error.raw), "") if isinstance(error.raw, dict) else ""
    if kind == "BlockhashNotFound":
        return StaleData(f"the node did not know the blockhash at slot {simulation.slot}; try again", **facts)
    if kind == "InsufficientFundsForRent" and isinstance(error.raw, dict) and error.raw[kind] not in _OF_THE_WALLET:
        return _too_poor_to_exist(plan, error.raw[kind], facts)
    if kind in _NO_FUNDS:
        return InsufficientFunds(
            f"the cluster says {plan.wallet.user} cannot pay for this transaction ({kind}) at slot {simulation.slot}; it had "
            f"{plan.wallet.lamports} lamports at slot {plan.wallet.slot}. Fund it or swap less",
            wallet=str(plan.wallet.user),
            mint=str(NATIVE_MINT),
            have=str(plan.wallet.lamports),
            **facts,
        )
    index = error.instruction_index
    step = _step(plan, index)
    program = _failed_program(simulation.logs) or (str(step.instruction.program_id) if step else "unknown")
    cause = failure_cause(error, simulation.logs)
    facts |= {
        "instruction_index": index,
        "custom_code": error.custom_code,
        "program": program,
        "cause": str(cause),
        "error_class": cause.class_,
    }
    if step is None:
        return SimulationFailed(
            f"the transaction failed in simulation at slot {simulation.slot}: {error.raw}; nothing was sent. Try again, and "
            "report it when it stays",
            **facts,
        )
    facts["step"] = step.label
    if step.hop is not None:
        facts["venue"] = plan.venues[step.hop][0]
        if program == str(step.instruction.program_id) and _means_slippage(facts["venue"], error.custom_code, registry):
            request = plan.request
            exact_in = request.mode is SwapMode.EXACT_IN
            limited = request.output_mint if exact_in else request.input_mint
            why = "the market moved since the quote"
            if plan.limit == (plan.quote.amount_out if exact_in else plan.quote.amount_in):
                why += ", or its program rounds, and the whole quote as the limit leaves no room for either"
            return SlippageExceeded(
                f"{step.label} would not meet its limit at slot {simulation.slot}: {why} (limit of the swap: {plan.limit} "
                f"base units of {limited}); nothing was sent. Quote again, or allow more slippage",
                limit=str(plan.limit),
                mode=plan.request.mode.value,
                **facts,
            )
    code = f" with code {error.custom_code}" if error.custom_code is not None else f": {error.raw}"
    return SimulationFailed(
        f"{step.label} failed in simulation at slot {simulation.slot}: program {program}, instruction {index}{code}; nothing was "
        f"sent. {cause}",
        **facts,
    )


def _too_poor_to_exist(plan: SwapPlan, account: Any, facts: dict[str, Any]) -> SimulationFailed:
    """Not the wallet's lamports are too few, but those of an account the transaction pays into."""
    tipped = next((str(step.instruction.accounts[1].pubkey) for step in plan.steps if step.label == TIP_STEP), None)
    remedy = f". It may be Jito's tip account {tipped}, if this cluster lacks it: leave jito_url out there" if tipped else ""
    return SimulationFailed(
        f"an account of the transaction ({account}) would be left with too few lamports to exist at slot {facts['slot']}; nothing "
        f"was sent{remedy}",
        tip_account=tipped,
        error_class=ErrorClass.PERMANENT,
        **facts,
    )


def _step(plan: SwapPlan, index: int | None) -> Step | None:
    place = -1 if index is None else index - BUDGET_INSTRUCTIONS
    return plan.steps[place] if 0 <= place < len(plan.steps) else None


def _failed_program(logs: tuple[str, ...]) -> str | None:
    """The innermost program that failed: it logs first, its callers after it."""
    return next((match[1] for match in map(_FAILED.match, logs) if match), None)


def _means_slippage(venue_id: str, code: int | None, registry: VenueRegistry) -> bool:
    return any(venue.id == venue_id and code in venue.capabilities.slippage_error_codes for venue in registry)
