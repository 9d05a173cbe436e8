//! How far the price moved in the present burst of swaps, and how fast that is forgotten.

use super::{BPS, wide};

/// Volatility before a swap: kept through the filter period, then fading linearly until the decay period ends.
#[inline(always)]
pub fn faded_bps(volatility_bps: u32, elapsed: u64, filter_period_s: u32, decay_period_s: u32) -> u32 {
    let (filter, decay) = (u64::from(filter_period_s), u64::from(decay_period_s));
    if elapsed <= filter {
        return volatility_bps;
    }
    if elapsed >= decay {
        return 0;
    }
    // filter < elapsed < decay; two factors below 2^32; the quotient is below volatility_bps.
    (u64::from(volatility_bps).wrapping_mul(decay - elapsed) / (decay - filter)) as u32
}

/// Significant bits kept of the two products: `(2^50 - 1)·10,000` still fits u64.
const KEPT_BITS: u32 = 50;

/// `floor(|x - y|·10,000/y)` with `x = reserve_b·reference_a` and `y = reference_b·reserve_a` cut to 50 bits; `None` for y = 0.
#[inline(always)]
fn moved_bps(reserve_a: u64, reserve_b: u64, reference_a: u64, reference_b: u64) -> Option<u64> {
    let x = wide::mul(reserve_b, reference_a);
    let y = wide::mul(reference_b, reserve_a);
    let (high, low) = (((x | y) >> 64) as u64, (x | y) as u64);
    let bits = if high == 0 { 64 - low.leading_zeros() } else { 128 - high.leading_zeros() };
    let shift = bits.saturating_sub(KEPT_BITS);
    let (x, y) = (shifted(x, shift), shifted(y, shift));
    x.abs_diff(y).wrapping_mul(BPS).checked_div(y)
}

/// The low 64 bits of `value >> shift`: a variable shift of 128 bits would need a library call this target does not have.
#[inline(always)]
fn shifted(value: u128, shift: u32) -> u64 {
    let (high, low) = ((value >> 64) as u64, value as u64);
    match shift {
        0 => low,
        1..64 => (low >> shift) | (high << (64 - shift)),
        _ => high >> (shift - 64),
    }
}

/// Volatility after a swap: what was carried into the burst plus how far the price is from the `reference` reserves of a and b.
#[inline(always)]
pub fn after_swap_bps(carried_bps: u32, max_volatility_bps: u32, reserves: (u64, u64), reference: (u64, u64)) -> u32 {
    if max_volatility_bps == 0 {
        return 0;
    }
    let max = u64::from(max_volatility_bps);
    let moved = moved_bps(reserves.0, reserves.1, reference.0, reference.1).unwrap_or(max);
    // The minimum is at most max_volatility_bps, a u32.
    moved.saturating_add(u64::from(carried_bps)).min(max) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_measured_against_the_reference() {
        assert_eq!(moved_bps(1_000, 1_000, 1_000, 1_000), Some(0));
        assert_eq!(moved_bps(1_000, 1_010, 1_000, 1_000), Some(100));
        assert_eq!(moved_bps(u64::MAX, u64::MAX, u64::MAX, u64::MAX), Some(0));
        assert_eq!(moved_bps(1, u64::MAX, u64::MAX, 1), None);
    }

    #[test]
    fn volatility_waits_then_fades() {
        assert_eq!(faded_bps(300, 10, 10, 20), 300);
        assert_eq!(faded_bps(300, 15, 10, 20), 150);
        assert_eq!(faded_bps(300, 20, 10, 20), 0);
        assert_eq!(faded_bps(300, 0, 0, 0), 300);
        assert_eq!(faded_bps(300, 1, 0, 0), 0);
    }
}
