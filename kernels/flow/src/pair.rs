//! Two numbers worked on at once.

use core::arch::wasm32::{
    f64x2, f64x2_add, f64x2_div, f64x2_extract_lane, f64x2_max, f64x2_mul, f64x2_pmin, f64x2_splat, f64x2_sub, v128,
};
use core::ops::{Add, Div, Mul, Sub};

#[derive(Clone, Copy)]
pub struct Pair(v128);

impl Pair {
    #[inline(always)]
    pub fn new(first: f64, second: f64) -> Self {
        Self(f64x2(first, second))
    }

    #[inline(always)]
    pub fn both(value: f64) -> Self {
        Self(f64x2_splat(value))
    }

    #[inline(always)]
    pub fn first(self) -> f64 {
        f64x2_extract_lane::<0>(self.0)
    }

    #[inline(always)]
    pub fn second(self) -> f64 {
        f64x2_extract_lane::<1>(self.0)
    }

    #[inline(always)]
    pub fn sum(self) -> f64 {
        self.first() + self.second()
    }

    /// Of each two the larger, and what is not a number where either is not.
    #[inline(always)]
    pub fn max(self, other: Self) -> Self {
        Self(f64x2_max(self.0, other.0))
    }

    /// The lesser of each two; what is not a number in `other` counts for nothing.
    #[inline(always)]
    pub fn least(self, other: Self) -> Self {
        Self(f64x2_pmin(self.0, other.0))
    }
}

impl Add for Pair {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(f64x2_add(self.0, other.0))
    }
}

impl Sub for Pair {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(f64x2_sub(self.0, other.0))
    }
}

impl Mul for Pair {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(f64x2_mul(self.0, other.0))
    }
}

impl Div for Pair {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(f64x2_div(self.0, other.0))
    }
}
