//! `dexroute.engine.routing.flow` for WebAssembly: the same method, the same constants, one call for all steps. Floats only, which
//! propose routes; amounts are decided elsewhere, in integers. No imports: the module can do nothing but compute.
//!
//! The caller asks `reserve` for room, lays the arrays of a `Problem` there one after the other, calls `best_flow` and reads the
//! answer in the same place.
#![no_std]

extern crate alloc;

mod arena;
mod elimination;
mod interior_point;
mod problem;

use problem::Problem;

/// Room for the arrays of a problem of up to so many bytes, the same for every problem: a larger one may overwrite the last.
/// Null where there is no such room.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(bytes: usize) -> *mut u8 {
    arena::reserve(bytes)
}

/// Solves the problem laid out at `at` (see `Problem`), in room for it that `reserve` gave.
///
/// # Safety
/// `at` is what `reserve` returned for at least as many bytes, all indices are below `mints`, and there are at least two mints.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn best_flow(at: *mut u8, pieces: usize, mints: usize, tolerance: f64) {
    let problem = unsafe { Problem::at(at, pieces, mints) };
    interior_point::solve(problem, tolerance);
    arena::release();
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
