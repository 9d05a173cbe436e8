"""The dictionary of error codes, and what it makes of the logs of failed transactions."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata

from dexroute import fetchers
from dexroute.fetchers import VENUES
from dexroute.fetchers.failures import failure_cause
from dexroute.fetchers.program_errors import all_errors, find_errors, program_at, program_named, programs
from dexroute.types.chain import TransactionError
from dexroute.types.program_errors import ErrorClass
from tests.vectors import load_states

FOREIGN = {"raydium-amm-v4", "raydium-cpmm", "raydium-clmm", "meteora-damm-v1", "meteora-damm-v2", "meteora-dlmm"}
CLMM = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"
DLMM = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"
AMM = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
OURS = str(VENUES["dexroute-pool"].program_id)


def custom(code: int) -> TransactionError:
    return TransactionError(raw={"InstructionError": [2, {"Custom": code}]}, instruction_index=2, custom_code=code)


def anchor_log(program: str, name: str, number: int) -> list[str]:
    return [
        f"Program {program} invoke [1]",
        "Program log: Instruction: SwapV2",
        f"Program log: AnchorError thrown in programs/amm/src/swap.rs:97. Error Code: {name}. Error Number: {number}. "
        "Error Message: What the program says.",
        f"Program {program} consumed 1 of 2 compute units",
        f"Program {program} failed: custom program error: {number:#x}",
    ]


# the dictionary


def test_every_program_has_its_codes_once_and_its_names_once() -> None:
    errors = all_errors()
    codes = [(error.program, error.edition, error.code) for error in errors if error.code is not None]
    names = [(error.program, error.edition, error.name.lower()) for error in errors]
    assert len(set(codes)) == len(codes) >= 600
    assert len(set(names)) == len(names) >= 700


def test_every_error_says_what_it_means_and_what_to_do() -> None:
    assert set(ErrorClass) == {error.class_ for error in all_errors()}
    for error in all_errors():
        for sentence in (error.meaning, error.next_step):
            assert len(sentence) >= 8 and not sentence.endswith(".") and sentence.strip() == sentence, error


@pytest.mark.parametrize(
    ("program", "edition", "first", "count"),
    [
        ("raydium-amm-v4", None, 0, 60),
        ("raydium-cpmm", None, 6000, 15),
        ("raydium-clmm", "since April 2026", 6000, 52),
        ("raydium-clmm", "until April 2026", 6000, 51),
        ("meteora-damm-v1", None, 6000, 53),
        ("meteora-vault", None, 6000, 20),
        ("meteora-damm-v2", None, 6000, 70),
        ("meteora-dlmm", None, 6000, 111),
        ("dexroute-pool", None, 6000, 25),
        ("spl-token", None, 0, 20),
        ("token-2022", None, 0, 69),
        ("system", None, 0, 9),
    ],
)
def test_codes_run_without_a_gap(program: str, edition: str | None, first: int, count: int) -> None:
    """As an Anchor enum or a C-like one counts: a line left out would move or tear the sequence."""
    codes = {error.code for error in all_errors() if (error.program, error.edition) == (program, edition)}
    assert codes >= set(range(first, first + count)) and first + count not in codes


def test_every_venue_is_in_the_dictionary_under_its_program() -> None:
    assert FOREIGN | {"dexroute-pool"} <= set(programs())
    for venue in VENUES:
        assert program_at(venue.program_id) == program_named(str(venue.program_id)) == venue.id


# what quotes raise


def modules_of(venue_id: str) -> Iterator[ModuleType]:
    package = type(VENUES[venue_id]).__module__.rpartition(".")[0]
    folder = importlib.import_module(package)
    for info in pkgutil.iter_modules(folder.__path__, f"{package}."):
        yield importlib.import_module(info.name)


def raised_codes(module: ModuleType) -> set[int]:
    """What a module gives as `program_error=`, where that is a constant."""
    assert module.__file__ is not None
    found = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.keyword) and node.arg == "program_error":
            try:
                value = eval(compile(ast.Expression(node.value), module.__file__, "eval"), vars(module))
            except NameError:  # a parameter, passed on
                continue
            if isinstance(value, int):
                found.add(int(value))
    return found


@pytest.mark.parametrize("venue_id", [venue.id for venue in VENUES])
def test_every_code_a_quote_raises_is_in_the_dictionary(venue_id: str) -> None:
    codes = {code for module in modules_of(venue_id) for code in raised_codes(module)}
    assert codes
    unknown = {
        code for code in codes if not find_errors(code=code, program=venue_id) and not find_errors(code=code, program="spl-token")
    }
    assert not unknown


@pytest.mark.parametrize("venue_id", sorted(FOREIGN))
def test_every_recorded_refusal_is_explained(venue_id: str) -> None:
    codes = {swap.error_code for state in load_states(venue_id) for swap in state.swaps if swap.error_code is not None}
    assert codes
    for code in codes:
        assert find_errors(code=code, program=venue_id) or find_errors(code=code, program="spl-token"), (venue_id, code)


# logs


@pytest.mark.parametrize(("number", "edition"), [(6018, "since April 2026"), (6022, "until April 2026")])
def test_the_name_in_the_log_decides_between_two_numberings(number: int, edition: str) -> None:
    cause = failure_cause(custom(number), anchor_log(CLMM, "TooLittleOutputReceived", number))
    (error,) = cause.errors
    assert (cause.program, cause.name, error.edition, cause.class_) == (
        "raydium-clmm",
        "TooLittleOutputReceived",
        edition,
        "requote",
    )
    assert str(cause).startswith(f"raydium-clmm: TooLittleOutputReceived ({number}): ")


def test_the_name_counts_even_under_a_number_nobody_knows() -> None:
    cause = failure_cause(custom(6199), anchor_log(CLMM, "TooLittleOutputReceived", 6199))
    assert {error.name for error in cause.errors} == {"TooLittleOutputReceived"} and cause.class_ is ErrorClass.REQUOTE


def test_a_name_nobody_knows_is_not_explained_by_its_number() -> None:
    cause = failure_cause(custom(6003), anchor_log(DLMM, "SomethingNew", 6003))
    assert cause.errors == () and cause.class_ is None
    assert "SomethingNew (6003)" in str(cause) and "What the program says" in str(cause)


def test_without_a_name_both_numberings_are_possible() -> None:
    logs = [f"Program {CLMM} failed: custom program error: 0x1786"]
    cause = failure_cause(custom(6022), logs)
    assert {error.name for error in cause.errors} == {"TooLittleOutputReceived", "TooSmallInputOrOutputAmount"}
    assert cause.name is None and " or " in str(cause)


def test_the_innermost_program_is_the_one_that_refused() -> None:
    logs = [
        f"Program {AMM} invoke [1]",
        f"Program {TOKEN} invoke [2]",
        "Program log: Error: insufficient funds",
        f"Program {TOKEN} failed: custom program error: 0x1",
        f"Program {AMM} failed: custom program error: 0x1",
    ]
    cause = failure_cause(custom(1), logs)
    assert (cause.program, cause.name) == ("spl-token", "InsufficientFunds")
    alone = failure_cause(custom(1), [f"Program {AMM} failed: custom program error: 0x1"])
    assert (alone.program, alone.name) == ("raydium-amm-v4", "InvalidProgramAddress")


def test_framework_errors_are_the_frameworks() -> None:
    cause = failure_cause(custom(3005), anchor_log(DLMM, "AccountNotEnoughKeys", 3005))
    (error,) = cause.errors
    assert (error.program, error.class_) == ("anchor", "rebuild")
    foreign = str(Pubkey.new_unique())
    assert failure_cause(custom(2006), anchor_log(foreign, "ConstraintSeeds", 2006)).errors[0].program == "anchor"
    assert failure_cause(custom(6003), anchor_log(foreign, "PoolDisabled", 6003)).errors == ()


def test_an_error_that_was_caught_before_is_not_the_reason() -> None:
    logs = [*anchor_log(CLMM, "NotApproved", 6000)[:3], f"Program {CLMM} failed: custom program error: 0x1786"]
    assert failure_cause(custom(6022), logs).name is None


def test_without_a_log_the_code_is_all_there_is() -> None:
    cause = failure_cause(custom(6005), ())
    assert cause.program_id is None and len(cause.errors) > 2
    assert "dex explain 6005" in str(cause)


@pytest.mark.parametrize(
    ("raw", "program", "class_"),
    [
        ("BlockhashNotFound", "transaction", "transient"),
        ("AlreadyProcessed", "transaction", "transient"),
        ("InsufficientFundsForFee", "transaction", "permanent"),
        ({"InsufficientFundsForRent": {"account_index": 3}}, "transaction", "permanent"),
        ({"DuplicateInstruction": 1}, "transaction", "rebuild"),
        ({"InstructionError": [0, "ComputationalBudgetExceeded"]}, "instruction", "rebuild"),
        ({"InstructionError": [0, {"BorshIoError": "x"}]}, "instruction", "rebuild"),
    ],
)
def test_errors_of_the_runtime_have_names(raw: object, program: str, class_: str) -> None:
    cause = failure_cause(TransactionError(raw=raw), ())
    (error,) = cause.errors
    assert (error.program, cause.class_) == (program, class_)


@pytest.mark.parametrize("raw", [None, 7, "NeverHeardOf", {}, {"InstructionError": []}, {"InstructionError": [0, {}]}])
def test_nonsense_is_not_explained_and_does_no_harm(raw: object) -> None:
    cause = failure_cause(
        TransactionError(raw=raw), ["Program 11 failed: x", f"Program {'1' * 44} failed: custom program error: 0x1"]
    )
    assert cause.errors == () and str(cause)


def test_a_real_runtimes_log_is_read() -> None:
    """The system program refuses a transfer of more than there is, in LiteSVM."""
    svm, payer = LiteSVM(), Keypair()
    svm.airdrop(payer.pubkey(), 10**9)
    greedy = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=Pubkey.new_unique(), lamports=10**10))
    outcome = svm.send_transaction(Transaction([payer], Message([greedy], payer.pubkey()), svm.latest_blockhash()))
    assert isinstance(outcome, FailedTransactionMetadata)
    cause = failure_cause(custom(1), outcome.meta().logs())
    assert (cause.program, cause.name, cause.class_) == ("system", "ResultWithNegativeLamports", "permanent")


def test_the_package_walk_finds_the_tables_of_every_folder() -> None:
    folders = {
        module.name.rpartition(".")[0]
        for module in pkgutil.walk_packages(fetchers.__path__, "dexroute.fetchers.")
        if module.name.endswith(".error_codes")
    }
    assert len(folders) == len(FOREIGN) + 1
