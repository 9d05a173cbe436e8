//! The swap fee: a base, and a part that grows with the square of volatility.

use super::{BPS, PPM, wide};
use crate::errors::{PoolError, Result};

/// No fee exceeds 10 %, whatever the volatility.
pub const MAX_FEE_PPM: u32 = 100_000;

/// `min(base + ceil(dynamic·v²/10,000), 100,000)`: at 100 bps of volatility `dynamic_fee_ppm` is added once.
/// Every factor is at most 100,000 and `v` 10,000, so u64 holds the product.
#[inline(always)]
pub fn fee_ppm(base_fee_ppm: u32, dynamic_fee_ppm: u32, volatility_bps: u32) -> u64 {
    let base = u64::from(base_fee_ppm);
    if dynamic_fee_ppm == 0 {
        return base;
    }
    let v = u64::from(volatility_bps);
    let dynamic = u64::from(dynamic_fee_ppm).wrapping_mul(v.wrapping_mul(v)).div_ceil(BPS);
    (base + dynamic).min(u64::from(MAX_FEE_PPM))
}

/// `ceil(amount·fee_ppm/10^6)`
#[inline(always)]
pub fn on(amount: u64, fee_ppm: u64) -> Result<u64> {
    wide::mul_div_ceil(amount, fee_ppm, PPM).ok_or(PoolError::MathOverflow)
}

/// The smallest amount of which `less` remains after the fee: `ceil(less·10^6/(10^6-fee_ppm))`.
#[inline(always)]
pub fn before(less: u64, fee_ppm: u64) -> Result<u64> {
    wide::mul_div_ceil(less, PPM, PPM - fee_ppm).ok_or(PoolError::MathOverflow)
}

/// The protocol's part of a fee, rounded down: the remainder stays with the liquidity providers.
#[inline(always)]
pub fn protocol_part(fee: u64, protocol_share_ppm: u32) -> Result<u64> {
    if protocol_share_ppm == 0 {
        return Ok(0);
    }
    wide::mul_div_floor(fee, u64::from(protocol_share_ppm), PPM).ok_or(PoolError::MathOverflow)
}
