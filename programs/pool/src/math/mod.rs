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

/// Parts per million in one.
pub const PPM: u64 = 1_000_000;
/// Basis points in one.
pub const BPS: u64 = 10_000;
