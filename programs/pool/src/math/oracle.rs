//! Price times seconds, summed.

use super::wide;

/// `cumulative + floor(numerator·2^64/denominator)·seconds`, wrapping. `denominator` is above 0.
#[inline(always)]
pub fn accumulated(cumulative: u128, numerator: u64, denominator: u64, seconds: u64) -> u128 {
    cumulative.wrapping_add(wide::wrapping_mul(wide::div_x64(numerator, denominator), seconds))
}
