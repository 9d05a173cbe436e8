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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_deposit_must_exceed_what_it_locks() {
        assert_eq!(first_lp(1_000, 1_000), Err(PoolError::AmountTooSmall));
        assert_eq!(first_lp(1_001, 1_001), Ok(1_001));
        assert_eq!(first_lp(u64::MAX, u64::MAX), Ok(u64::MAX));
        assert_eq!(first_lp(0, u64::MAX), Err(PoolError::AmountTooSmall));
    }

    #[test]
    fn a_maximum_meant_as_no_limit_is_none() {
        assert_eq!(later_lp(10, u64::MAX, 100, 7, 1_000), Ok(100));
        assert_eq!(later_lp(u64::MAX, u64::MAX, 1, 1, 1_000), Err(PoolError::MathOverflow));
        assert_eq!(later_lp(0, 10, 100, 100, 1_000), Err(PoolError::AmountTooSmall));
    }

    #[test]
    fn shares_never_redeem_more_than_they_cost() {
        let mut cases = 0;
        for reserve in [1, 7, 1_000_003, u64::MAX / 3] {
            for supply in [1_001, 1_000_000_007, u64::MAX / 5] {
                for lp in [1, 2, 1_000, supply - 1_000] {
                    if let Ok(cost) = needed(lp, reserve, supply) {
                        assert!(redeemed(lp, reserve + cost, supply + lp).unwrap() <= cost);
                        cases += 1;
                    }
                }
            }
        }
        assert!(cases > 40);
    }
}
