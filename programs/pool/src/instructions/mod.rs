//! One file per instruction: load the accounts, compute, check the limit, store, move the tokens, tell.
//!
//! This target passes at most five words to a function and gives each 4 KiB of stack. So every instruction is a function of
//! its own (`inline(never)`), and what takes more than five words is inlined into it (`inline(always)`).

mod add_liquidity;
mod collect_protocol_fees;
mod initialize_pool;
mod liquidity;
mod remove_liquidity;
mod set_pool_status;
mod swap;
mod swap_exact_in;
mod swap_exact_out;

pub use add_liquidity::add_liquidity;
pub use collect_protocol_fees::collect_protocol_fees;
pub use initialize_pool::initialize_pool;
pub use remove_liquidity::remove_liquidity;
pub use set_pool_status::set_pool_status;
pub use swap_exact_in::swap_exact_in;
pub use swap_exact_out::swap_exact_out;

use crate::{
    errors::{PoolError, Result},
    math,
    state::{LeI64, LeU128, Observation, Oracle, Pool},
};

// sha256("global:<name>")[..8]
pub const INITIALIZE_POOL: u64 = u64::from_le_bytes([95, 180, 10, 172, 84, 174, 232, 40]);
pub const ADD_LIQUIDITY: u64 = u64::from_le_bytes([181, 157, 89, 67, 143, 182, 52, 72]);
pub const REMOVE_LIQUIDITY: u64 = u64::from_le_bytes([80, 85, 209, 72, 24, 206, 177, 108]);
pub const SWAP_EXACT_IN: u64 = u64::from_le_bytes([104, 104, 131, 86, 161, 189, 180, 216]);
pub const SWAP_EXACT_OUT: u64 = u64::from_le_bytes([250, 73, 101, 33, 38, 207, 75, 184]);
pub const COLLECT_PROTOCOL_FEES: u64 = u64::from_le_bytes([22, 67, 23, 98, 150, 178, 70, 220]);
pub const SET_POOL_STATUS: u64 = u64::from_le_bytes([112, 87, 135, 223, 83, 204, 132, 53]);

/// The u64 arguments of an instruction; anything but exactly `N` of them is refused.
#[inline(always)]
fn amounts<const N: usize>(arguments: &[u8]) -> Result<[u64; N]> {
    if arguments.len() != N * 8 {
        return Err(PoolError::InvalidInstruction);
    }
    let mut values = [0u64; N];
    for (value, bytes) in values.iter_mut().zip(arguments.chunks_exact(8)) {
        *value = bytes.first_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk));
    }
    Ok(values)
}

/// Runs the price sums up to now. Called before reserves change, so that every second counts with the price that stood in it
/// and swaps within one second count for nothing. Out of line: it costs the same and the program is a tenth smaller.
#[inline(never)]
fn accumulate_prices(pool: &mut Pool, oracle: &mut Oracle, now: i64) {
    let seconds = math::seconds_between(pool.cumulative_at.get(), now);
    let (reserve_a, reserve_b) = (pool.reserve_a.get(), pool.reserve_b.get());
    if seconds == 0 || reserve_a == 0 || reserve_b == 0 {
        return;
    }
    let a = LeU128::new(math::oracle::accumulated(pool.cumulative_a_x64.get(), reserve_b, reserve_a, seconds));
    let b = LeU128::new(math::oracle::accumulated(pool.cumulative_b_x64.get(), reserve_a, reserve_b, seconds));
    pool.cumulative_a_x64 = a;
    pool.cumulative_b_x64 = b;
    pool.cumulative_at = LeI64::new(now);
    oracle.observe(Observation { at: LeI64::new(now), cumulative_a_x64: a, cumulative_b_x64: b });
}
