//! `dexroute.engine.routing.flow` for WebAssembly: the same method, the same constants, one call for all steps. Floats only, which
//! propose routes; amounts are decided elsewhere, in integers. No imports: the module can do nothing but compute.
//!
//! The caller asks `reserve` for room, lays the arrays of a `Problem` there one after the other, calls `best_flow` and reads the
//! answer in the same place. A call has no parameters: wasmtime's Python takes longer to hand over one than many flows take.
#![no_std]

extern crate alloc;

mod arena;
mod elimination;
mod interior_point;
mod pair;
mod problem;

use problem::Problem;

/// Room for the arrays of a problem of up to so many bytes, the same for every problem: a larger one may overwrite the last.
/// Null where there is no such room.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(bytes: usize) -> *mut u8 {
    arena::reserve(bytes)
}

/// Solves the problem that lies at the start of the reserved room (see `Problem`).
///
/// # Safety
/// The room is large enough for it, all mints are below their number, and there are at least two.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn best_flow() {
    interior_point::solve(unsafe { Problem::at(arena::start()) });
    arena::release();
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
