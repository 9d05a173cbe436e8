//! The swap fee: a base, and a part that grows with the square of volatility.

use super::{BPS, PPM, wide};
use crate::errors::{PoolError, Result};

/// Up to here an amount times a rate below one million fits u64: the common case, and the cheap one.
const SMALL: u64 = u64::MAX / PPM;

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
    if amount <= SMALL {
        return Ok(amount.wrapping_mul(fee_ppm).div_ceil(PPM));
    }
    wide::mul_div_ceil(amount, fee_ppm, PPM).ok_or(PoolError::MathOverflow)
}

/// The smallest amount of which `less` remains after the fee: `ceil(less·10^6/(10^6-fee_ppm))`.
#[inline(always)]
pub fn before(less: u64, fee_ppm: u64) -> Result<u64> {
    let kept_ppm = PPM - fee_ppm;
    if less <= SMALL {
        return Ok(less.wrapping_mul(PPM).div_ceil(kept_ppm));
    }
    wide::mul_div_ceil(less, PPM, kept_ppm).ok_or(PoolError::MathOverflow)
}

/// The protocol's part of a fee, rounded down: the remainder stays with the liquidity providers.
#[inline(always)]
pub fn protocol_part(fee: u64, protocol_share_ppm: u32) -> Result<u64> {
    if protocol_share_ppm == 0 {
        return Ok(0);
    }
    if fee <= SMALL {
        return Ok(fee.wrapping_mul(u64::from(protocol_share_ppm)) / PPM);
    }
    wide::mul_div_floor(fee, u64::from(protocol_share_ppm), PPM).ok_or(PoolError::MathOverflow)
}
