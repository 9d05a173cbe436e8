//! The dexroute pool program. `README.md` beside this crate is its specification.

// On the host the standard library is linked, for tests and tools; the code itself uses `core` only.
#![cfg_attr(any(target_os = "solana", target_arch = "bpf"), no_std)]

pub mod accounts;
pub mod entrypoint;
pub mod errors;
pub mod events;
pub mod instructions;
pub mod math;
pub mod state;
pub mod syscalls;
pub mod system;
pub mod token;

/// Nothing unwinds here: a panic is a fault of this program and ends the transaction, with nothing kept.
#[cfg(any(target_os = "solana", target_arch = "bpf"))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    // SAFETY: takes no arguments and does not return.
    unsafe { pinocchio::syscalls::abort() }
}
