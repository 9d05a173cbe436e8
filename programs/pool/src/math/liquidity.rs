//! Shares of a pool. Whoever deposits or withdraws gets the rounded-down side.

use super::wide;
use crate::errors::{PoolError, Result};

/// Locked at the first deposit and never minted: a first depositor cannot make one share worth a fortune.
pub const LOCKED_LP: u64 = 1_000;

/// Shares of the first deposit, the locked ones included.
#[inline(always)]
pub fn first_lp(net_a: u64, net_b: u64) -> Result<u64> {
    let lp = wide::isqrt(wide::mul(net_a, net_b));
    if lp > LOCKED_LP { Ok(lp) } else { Err(PoolError::AmountTooSmall) }
}

/// `min(floor(net_a·S/R_a), floor(net_b·S/R_b))`. One of the two may exceed u64 (a maximum meant as "no limit").
#[inline(always)]
pub fn later_lp(net_a: u64, net_b: u64, reserve_a: u64, reserve_b: u64, supply: u64) -> Result<u64> {
    let for_a = wide::mul_div_floor(net_a, supply, reserve_a);
    let for_b = wide::mul_div_floor(net_b, supply, reserve_b);
    let lp = match (for_a, for_b) {
        (Some(a), Some(b)) => a.min(b),
        (Some(lp), None) | (None, Some(lp)) => lp,
        (None, None) => return Err(PoolError::MathOverflow),
    };
    if lp == 0 { Err(PoolError::AmountTooSmall) } else { Ok(lp) }
}

/// Tokens that buy `lp` shares: `ceil(lp·R/S)`.
#[inline(always)]
pub fn needed(lp: u64, reserve: u64, supply: u64) -> Result<u64> {
    wide::mul_div_ceil(lp, reserve, supply).ok_or(PoolError::MathOverflow)
}

/// Tokens that `lp` shares redeem: `floor(lp·R/S)`.
#[inline(always)]
pub fn redeemed(lp: u64, reserve: u64, supply: u64) -> Result<u64> {
    wide::mul_div_floor(lp, reserve, supply).ok_or(PoolError::MathOverflow)
}
