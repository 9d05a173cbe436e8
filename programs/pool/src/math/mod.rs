//! Pure arithmetic. Every function here has a twin in `dexroute/fetchers/pool/`, compared at tolerance 0.
//!
//! Products of two u64 go through `wide`: this target has no library call for them, not even for the overflow check of `*`.
//! `wrapping_mul` stands where the comment beside it bounds the factors.

pub mod curve;
pub mod fee;
pub mod liquidity;
pub mod oracle;
pub mod transfer_fee;
pub mod volatility;
pub mod wide;

/// `max(0, now - then)` in seconds, for any two times.
#[inline(always)]
pub fn seconds_between(then: i64, now: i64) -> u64 {
    if now > then { (now as u64).wrapping_sub(then as u64) } else { 0 }
}

/// Parts per million in one.
pub const PPM: u64 = 1_000_000;
/// Basis points in one.
pub const BPS: u64 = 10_000;
