"""The linker, on objects written by hand: what it links runs in the virtual machine, what cannot run there it refuses."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata

from programs.toolchain import archive, elf
from programs.toolchain.failure import BuildError
from programs.toolchain.link_command import main as link_command
from programs.toolchain.linker import link

CODE, CONSTANT, POINTERS = elf.SHF_ALLOC | elf.SHF_EXECINSTR, elf.SHF_ALLOC, elf.SHF_ALLOC | elf.SHF_WRITE
EXIT = bytes([0x95]) + bytes(7)
CALL = bytes([0x85, 0x10, 0, 0]) + b"\xff" * 4


def move(register: int, value: int) -> bytes:
    return struct.pack("<BBhi", 0xB7, register, 0, value)


def load_address(register: int, addend: int = 0) -> bytes:
    return struct.pack("<BBhI", 0x18, register, 0, addend) + bytes(8)


def load(register: int, base: int) -> bytes:
    return struct.pack("<BBhi", 0x79, base << 4 | register, 0, 0)


def symbol(name: str, section: int, value: int = 0, *, local: bool = False) -> elf.Symbol:
    return elf.Symbol(name=name, binding=elf.STB_LOCAL if local else elf.STB_GLOBAL, section=section, value=value)


def undefined(name: str) -> elf.Symbol:
    return symbol(name, elf.SHN_UNDEF)


def section(
    name: str, flags: int, content: bytes, *relocations: tuple[int, int, elf.Symbol], kind: int = elf.SHT_PROGBITS
) -> elf.Section:
    listed = tuple(elf.Relocation(offset=at, kind=relocation, symbol=target) for at, relocation, target in relocations)
    return elf.Section(name=name, kind=kind, flags=flags, align=8, content=content, size=len(content), relocations=listed)


NULL = section("", 0, b"")


def made(name: str, sections: Sequence[elf.Section], *symbols: elf.Symbol) -> elf.Object:
    """Sections count from 1, as in a file."""
    return elf.Object(name=name, sections=(NULL, *sections), symbols=symbols)


def run(program: bytes) -> tuple[bool, list[str]]:
    """Whether it returned 0, and its log lines."""
    svm = LiteSVM().with_sigverify(False).with_blockhash_check(False)
    address, payer = Pubkey.new_unique(), Keypair()
    svm.add_program(address, program)
    svm.airdrop(payer.pubkey(), 10**9)
    result = svm.send_transaction(Transaction.new_unsigned(Message([Instruction(address, b"", [])], payer.pubkey())))
    failed = isinstance(result, FailedTransactionMetadata)
    return not failed, list((result.meta() if isinstance(result, FailedTransactionMetadata) else result).logs())


LOG = undefined("sol_log_")


def logging(name: str, text: bytes) -> elf.Object:
    """An object whose function `name` logs `text`, which stands eight bytes into its constants."""
    code = load_address(1, addend=8) + move(2, len(text)) + CALL + move(0, 0) + EXIT
    constants = symbol(".rodata", 2, local=True)
    return made(
        f"{name}.o",
        [
            section(f".text.{name}", CODE, code, (0, elf.R_BPF_64_64, constants), (24, elf.R_BPF_64_32, LOG)),
            section(".rodata", CONSTANT, bytes(8) + text),
        ],
        symbol(name, 1),
    )


def calling(name: str) -> elf.Object:
    code = CALL + move(0, 0) + EXIT
    return made(
        "entry.o", [section(".text.entrypoint", CODE, code, (0, elf.R_BPF_64_32, undefined(name)))], symbol("entrypoint", 1)
    )


def test_calls_constants_and_syscalls_across_objects() -> None:
    program = link([calling("greet"), logging("greet", b"linked")])
    ok, logs = run(program)
    assert ok and "Program log: linked" in logs
    assert link([calling("greet"), logging("greet", b"linked")]) == program


def test_a_call_into_the_middle_of_a_section() -> None:
    """Two functions in one section: the compiler writes the second's place into the call."""
    two = section(".text.two", CODE, move(0, 1) + EXIT + move(0, 0) + EXIT)
    to_second = CALL[:4] + struct.pack("<i", 1)
    entry = section(".text.entrypoint", CODE, to_second + EXIT, (0, elf.R_BPF_64_32, symbol(".text.two", 2, local=True)))
    ok, _ = run(link([made("one.o", [entry, two], symbol("entrypoint", 1))]))
    assert ok
    by_name = section(".text.entrypoint", CODE, CALL + EXIT, (0, elf.R_BPF_64_32, symbol("second", 2, 16)))
    ok, _ = run(link([made("one.o", [by_name, two], symbol("entrypoint", 1), symbol("second", 2, 16))]))
    assert ok


def test_pointers_in_data_and_indirect_calls() -> None:
    """A table of one function: its address is loaded from the table and called."""
    callx = struct.pack("<BBhi", 0x8D, 3, 0, 0)  # as the compiler encodes it: the register where a destination stands
    table = section(".data.rel.ro.table", POINTERS, bytes(8), (0, elf.R_BPF_64_ABS64, undefined("greet")))
    code = load_address(3) + load(3, 3) + callx + move(0, 0) + EXIT
    entry = section(".text.entrypoint", CODE, code, (0, elf.R_BPF_64_64, symbol(".table", 2, local=True)))
    ok, logs = run(link([made("entry.o", [entry, table], symbol("entrypoint", 1)), logging("greet", b"through a table")]))
    assert ok and "Program log: through a table" in logs


def test_what_nothing_refers_to_stays_out() -> None:
    program = link([calling("greet"), logging("greet", b"wanted"), logging("other", b"unwanted")])
    assert b"wanted" in program
    assert b"unwanted" not in program


def test_a_library_gives_what_is_missing_only() -> None:
    library = {"greet.o": logging("greet", b"from the library")}
    ok, logs = run(link([calling("greet")], library))
    assert ok and "Program log: from the library" in logs
    assert b"from the library" not in link([calling("greet"), logging("greet", b"own")], library)


def test_a_trap_aborts() -> None:
    ok, logs = run(link([calling("__bpf_trap")]))
    assert not ok
    assert any("abort" in line.lower() or "panicked" in line.lower() for line in logs), logs


@pytest.mark.parametrize("name", ["__multi3", "__udivti3", "sol_log", "memcpy"])
def test_a_call_the_runtime_does_not_know_is_refused(name: str) -> None:
    with pytest.raises(BuildError, match=rf"\.text\.entrypoint \(in entry\.o\) calls {name}, .*src/math/wide\.rs"):
        link([calling(name)])


def test_a_program_needs_an_entrypoint() -> None:
    with pytest.raises(BuildError, match="no object defines entrypoint"):
        link([logging("greet", b"hello")])


@pytest.mark.parametrize("data", [section(".data", POINTERS, bytes(8)), section(".bss", POINTERS, b"", kind=elf.SHT_NOBITS)])
def test_mutable_statics_are_refused(data: elf.Section) -> None:
    entry = section(".text.entrypoint", CODE, load_address(1) + EXIT, (0, elf.R_BPF_64_64, symbol("state", 2, local=True)))
    with pytest.raises(BuildError, match=r"is writable: programs have no mutable statics"):
        link([made("entry.o", [entry, data], symbol("entrypoint", 1))])


def test_the_address_of_a_syscall_is_refused() -> None:
    entry = section(".text.entrypoint", CODE, load_address(1) + EXIT, (0, elf.R_BPF_64_64, LOG))
    with pytest.raises(BuildError, match="takes the address of sol_log_"):
        link([made("entry.o", [entry], symbol("entrypoint", 1))])


def test_an_unknown_relocation_is_refused() -> None:
    entry = section(".text.entrypoint", CODE, load_address(1) + EXIT, (0, 4, symbol("entrypoint", 1)))
    with pytest.raises(BuildError, match="a relocation of type 4"):
        link([made("entry.o", [entry], symbol("entrypoint", 1))])


@pytest.mark.parametrize(
    "word",
    [
        struct.pack("<BBhi", 0xDB, 0x10, 0, 1),  # atomic add
        struct.pack("<BBhi", 0x3F, 0x10, 1, 0),  # signed division, cpu v4
        struct.pack("<BBhi", 0xBF, 0x10, 8, 0),  # sign-extending move, cpu v4
        struct.pack("<BBhi", 0x06, 0, 0, 1),  # long jump, cpu v4
        struct.pack("<BBhi", 0x1E, 0x10, 1, 0),  # 32-bit jump, cpu v3
        struct.pack("<BBhi", 0x91, 0x10, 0, 0),  # sign-extending load, cpu v4
    ],
)
def test_instructions_of_newer_machines_are_refused(word: bytes) -> None:
    entry = section(".text.entrypoint", CODE, load_address(1) + word + EXIT)
    with pytest.raises(BuildError, match=f"{word.hex()} at byte 16"):
        link([made("entry.o", [entry], symbol("entrypoint", 1))])


def test_more_than_five_arguments_are_refused() -> None:
    sixth = struct.pack("<BBhi", 0x7B, 0x2B, -8, 0)  # *(u64 *)(r11 - 8) = r2, as LLVM 23 passes it
    entry = section(".text.entrypoint", CODE, sixth + EXIT)
    with pytest.raises(BuildError, match=r"\.text\.entrypoint passes or takes more than five arguments"):
        link([made("entry.o", [entry], symbol("entrypoint", 1))])


def _object_bytes() -> bytes:
    """A small object as a file: one section of code, one symbol, one relocation."""
    strings = b"\0.text\0.symtab\0.rel.text\0.strtab\0entrypoint\0sol_log_\0"
    text = CALL + EXIT
    symbols = bytes(24) + struct.pack("<IBBHQQ", strings.index(b"entrypoint"), 0x12, 0, 1, 0, 16)
    symbols += struct.pack("<IBBHQQ", strings.index(b"sol_log_"), 0x10, 0, 0, 0, 0)
    relocations = struct.pack("<QQ", 0, 2 << 32 | elf.R_BPF_64_32)
    body, heads = bytearray(64), [bytes(64)]
    for name, kind, flags, content, linked, info in (
        (b".text\0", elf.SHT_PROGBITS, CODE, text, 0, 0),
        (b".symtab\0", elf.SHT_SYMTAB, 0, symbols, 4, 1),
        (b".rel.text\0", elf.SHT_REL, 0, relocations, 2, 1),
        (b".strtab\0", 3, 0, strings, 0, 0),
    ):
        heads.append(struct.pack("<IIQQQQIIQQ", strings.index(name), kind, flags, 0, len(body), len(content), linked, info, 8, 0))
        body += content + bytes(-len(content) % 8)
    table = len(body)
    body[:64] = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01".ljust(16, b"\0"), 1, elf.EM_BPF, 1, 0, 0, table, 0, 64, 0, 0, 64, 5, 4
    )
    return bytes(body) + b"".join(heads)


def test_objects_are_read_as_files() -> None:
    found = elf.parse_object("small.o", _object_bytes())
    assert [part.name for part in found.sections] == ["", ".text", ".symtab", ".rel.text", ".strtab"]
    assert found.sections[1].content == CALL + EXIT
    assert [(entry.offset, entry.kind, entry.symbol.name) for entry in found.sections[1].relocations] == [
        (0, elf.R_BPF_64_32, "sol_log_")
    ]
    assert [entry.name for entry in found.symbols] == ["", "entrypoint", "sol_log_"]


def test_damaged_objects_are_refused_or_read_never_worse() -> None:
    whole = _object_bytes()
    refused = 0
    for length in range(0, len(whole), 3):
        with pytest.raises(BuildError):
            elf.parse_object("cut.o", whole[:length])
        refused += 1
    assert refused > 100
    chance = random.Random(5)
    for _ in range(2_000):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        try:
            link([elf.parse_object("damaged.o", bytes(damaged))])
        except BuildError:
            refused += 1
    assert refused > 300


def test_an_object_for_another_machine_is_refused() -> None:
    other = bytearray(_object_bytes())
    other[18] = 62
    with pytest.raises(BuildError, match="for machine 62, expected 247"):
        elf.parse_object("amd64.o", bytes(other))
    with pytest.raises(BuildError, match="no 64-bit little-endian ELF object"):
        elf.parse_object("bitcode.o", b"BC\xc0\xde")


def _member(label: str, content: bytes) -> bytes:
    return f"{label:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)


def test_archives() -> None:
    names = b"a_name_longer_than_fifteen_bytes.o/\n"
    raw = archive.MAGIC + _member("/", bytes(4)) + _member("//", names) + _member("/0", b"long") + _member("short.o/", b"odd")
    assert archive.members("library", raw) == {"a_name_longer_than_fifteen_bytes.o": b"long", "short.o": b"odd"}
    with pytest.raises(BuildError, match="no ar archive"):
        archive.members("library", b"!<thin>\n")
    with pytest.raises(BuildError, match="broken ar archive at byte"):
        archive.members("library", raw + b"rest")


def test_the_command_as_the_compiler_calls_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small, library, output = tmp_path / "small.o", tmp_path / "libcore.rlib", tmp_path / "program.so"
    small.write_bytes(_object_bytes())
    library.write_bytes(archive.MAGIC + _member("core.o/", b"BC\xc0\xdebitcode") + _member("lib.rmeta/", b"meta"))
    words = ["--export-symbols", "/nowhere/symbols", str(small), str(library), "-L", "/nowhere", "--cpu", "v2", "-O3", "--debug"]
    assert link_command([*words, "-o", str(output)]) == 0
    assert output.read_bytes() == link([elf.parse_object("small.o", _object_bytes())])
    assert link_command(words) == 1
    assert "the linker was given no -o" in capsys.readouterr().err
