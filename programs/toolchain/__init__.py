"""Builds the on-chain programs with public Rust packages instead of Solana's tools: `python -m programs.toolchain build`.

`rust` finds the compiler, `sysroot` compiles `core` for the target, `crate` runs cargo, which calls `linker` at its end;
`manifest` ties a committed .so to its sources and `check` proves that the tie holds.
"""
