"""The instructions SBPF version 0 knows (solana-sbpf, ebpf.rs and verifier.rs), which are fewer than the compiler's."""

from __future__ import annotations

from programs.toolchain.elf import INSTRUCTION
from programs.toolchain.failure import BuildError

LDDW, CALL, CALLX = 0x18, 0x85, 0x8D
_ALU = {
    base | form for base in range(0x04, 0xD0, 0x10) for form in (0x00, 0x03, 0x08, 0x0B)
}  # 32 and 64 bit, immediate and register
_NO_NEG_OF_REGISTER = {0x8C, 0x8F}
_ENDIAN = {0xD4, 0xDC}
_LOADS = {0x61, 0x69, 0x71, 0x79}
_STORES = {0x62, 0x6A, 0x72, 0x7A, 0x63, 0x6B, 0x73, 0x7B}
_JUMPS = {base | form for base in range(0x05, 0xE0, 0x10) for form in (0x00, 0x08)} - {0x0D, 0x95, 0x9D, CALL, CALLX}
_EXIT = 0x95
_LAST_REGISTER = 10
KNOWN = frozenset((_ALU - _NO_NEG_OF_REGISTER) | _ENDIAN | _LOADS | _STORES | _JUMPS | {LDDW, CALL, CALLX, _EXIT})


def adapt(code: bytearray) -> None:
    """Moves the register of an indirect call to where version 0 looks for it: the immediate."""
    at = 0
    while at < len(code):
        if code[at] == CALLX:
            register = code[at + 1] & 0x0F
            code[at + 1] = 0
            code[at + 4 : at + 8] = register.to_bytes(4, "little")
        at += 2 * INSTRUCTION if code[at] == LDDW else INSTRUCTION


def check(name: str, code: bytes | bytearray) -> None:
    """Raises BuildError when `code` holds an instruction that version 0 does not know, or ends within one."""
    if len(code) % INSTRUCTION or not code:
        raise BuildError(f"{name} is no whole number of instructions: {len(code)} bytes")
    at = 0
    while at < len(code):
        opcode = code[at]
        # Newer kernels gave the offset of arithmetic instructions a meaning (signed division, sign-extending move).
        widened = opcode in _ALU and code[at + 2 : at + 4] != b"\0\0"
        if opcode not in KNOWN or widened:
            word = bytes(code[at : at + INSTRUCTION]).hex()
            raise BuildError(
                f"{name} holds an instruction that SBPF version 0 does not know, {word} at byte {at}; "
                "was it compiled for a newer CPU than v2, or does it use atomics?"
            )
        # LLVM 23 passes what exceeds five arguments by way of a register that the virtual machine does not have.
        if code[at + 1] & 0x0F > _LAST_REGISTER or code[at + 1] >> 4 > _LAST_REGISTER:
            raise BuildError(f"{name} passes or takes more than five arguments; inline it, or hand over a struct by reference")
        at += 2 * INSTRUCTION if opcode == LDDW else INSTRUCTION
