//! Price times seconds, summed.

use super::wide;

/// `cumulative + floor(numerator·2^64/denominator)·seconds`, wrapping. `denominator` is above 0.
#[inline(always)]
pub fn accumulated(cumulative: u128, numerator: u64, denominator: u64, seconds: u64) -> u128 {
    let price_x64 = wide::div_x64(numerator, denominator);
    let low = wide::mul(price_x64 as u64, seconds);
    let high = ((price_x64 >> 64) as u64).wrapping_mul(seconds);
    cumulative.wrapping_add(low).wrapping_add(u128::from(high) << 64)
}
