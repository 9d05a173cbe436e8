//! 128-bit products and quotients on 64-bit limbs.
//!
//! The target has no 128-bit multiply or divide, neither as an instruction nor as a library call, so `u128 * u128` and
//! `u128 / u128` must not appear in this program; adding, subtracting, shifting and comparing `u128` is fine. Multiplying and
//! dividing `u64` is one instruction each. Operations are the wrapping ones where the comment shows that nothing can wrap, so
//! that no overflow check is compiled. Everything here is compared with Python's integers by
//! `tests/programs/test_build_wide.py`, on the target itself.

const HALF: u32 = 32;
const LOW_HALF: u64 = 0xFFFF_FFFF;

#[inline(always)]
const fn join(high: u64, low: u64) -> u128 {
    (high as u128) << 64 | low as u128
}

#[inline(always)]
const fn split(value: u128) -> (u64, u64) {
    ((value >> 64) as u64, value as u64)
}

/// `a·b` as (high, low) limbs, from four 32-bit products.
#[inline(always)]
pub const fn mul_limbs(a: u64, b: u64) -> (u64, u64) {
    let (a1, a0) = (a >> HALF, a & LOW_HALF);
    let (b1, b0) = (b >> HALF, b & LOW_HALF);
    // A product of halves is at most (2^32 - 1)^2 = 2^64 - 2^33 + 1, so two more halves fit beside each.
    let low = a0.wrapping_mul(b0);
    let cross = a1.wrapping_mul(b0).wrapping_add(low >> HALF);
    let middle = a0.wrapping_mul(b1).wrapping_add(cross & LOW_HALF);
    let high = a1.wrapping_mul(b1).wrapping_add(cross >> HALF).wrapping_add(middle >> HALF);
    (high, middle << HALF | low & LOW_HALF)
}

/// `a·b`
#[inline(always)]
pub const fn mul(a: u64, b: u64) -> u128 {
    let (high, low) = mul_limbs(a, b);
    join(high, low)
}

/// `a·b mod 2^128`
#[inline(always)]
pub const fn wrapping_mul(a: u128, b: u64) -> u128 {
    let (a1, a0) = split(a);
    let (high, low) = mul_limbs(a0, b);
    join(high.wrapping_add(a1.wrapping_mul(b)), low)
}

/// `floor((high·2^64 + low) / divisor)`, which is a u64 because `high < divisor`; the caller has checked that.
///
/// Knuth's algorithm D with 32-bit digits (TAOCP 4.3.1; Warren, Hacker's Delight, `divlu`).
#[inline(always)]
const fn div_limbs(high: u64, low: u64, divisor: u64) -> u64 {
    if high == 0 {
        return low / divisor;
    }
    // `high < divisor` and `high > 0`: the divisor is at least 2 from here on.
    if divisor <= LOW_HALF {
        let first = high << HALF | low >> HALF;
        let second = (first % divisor) << HALF | low & LOW_HALF;
        return ((first / divisor) << HALF) | (second / divisor);
    }
    let shift = leading_zeros(divisor);
    let divisor = divisor.wrapping_shl(shift);
    // Shifting in two steps, because shifting a u64 by 64 is not shifting to zero. `63 ^ shift` is `63 - shift`.
    let high = high.wrapping_shl(shift) | (low >> 1).wrapping_shr(63 ^ shift);
    let low = low.wrapping_shl(shift);
    let (first, rest) = digit(high, low >> HALF, divisor);
    let (second, _) = digit(rest, low & LOW_HALF, divisor);
    first << HALF | second
}

/// One 32-bit digit of the quotient of `(dividend·2^32 + next) / divisor`, and the remainder. The divisor has its top bit set
/// and exceeds the dividend.
#[inline(always)]
const fn digit(dividend: u64, next: u64, divisor: u64) -> (u64, u64) {
    let (d1, d0) = (divisor >> HALF, divisor & LOW_HALF);
    let mut quotient = dividend / d1;
    let mut rest = dividend.wrapping_sub(quotient.wrapping_mul(d1));
    // The estimate is at most 2 too large. `quotient` is at most 2^32 + 1 and `d0` below 2^32, so the product stays a u64
    // whenever it is compared: for larger quotients the first condition decides.
    while quotient > LOW_HALF || quotient.wrapping_mul(d0) > rest << HALF | next {
        quotient = quotient.wrapping_sub(1);
        rest = rest.wrapping_add(d1);
        if rest > LOW_HALF {
            break;
        }
    }
    let taken = quotient.wrapping_mul(divisor);
    (quotient, (dividend << HALF | next).wrapping_sub(taken))
}

/// Of a number above zero. The target has no such instruction and the compiler's substitute costs twice this search.
#[inline(always)]
const fn leading_zeros(value: u64) -> u32 {
    let mut value = value;
    let mut zeros = 0;
    let mut step = 32;
    while step > 0 {
        if value >> (64 - step) == 0 {
            zeros += step;
            value <<= step;
        }
        step >>= 1;
    }
    zeros
}

/// `floor(dividend / divisor)` when that is a u64; `None` otherwise, also for a divisor of zero.
#[inline(always)]
pub const fn div_to_u64(dividend: u128, divisor: u64) -> Option<u64> {
    let (high, low) = split(dividend);
    if high >= divisor {
        return None;
    }
    Some(div_limbs(high, low, divisor))
}

/// `floor(dividend / divisor)`; `None` for a divisor of zero.
#[inline(always)]
pub const fn div(dividend: u128, divisor: u64) -> Option<u128> {
    if divisor == 0 {
        return None;
    }
    let (high, low) = split(dividend);
    Some(join(high / divisor, div_limbs(high % divisor, low, divisor)))
}

/// `floor(a·b / divisor)`; `None` when that is no u64, also for a divisor of zero.
#[inline(always)]
pub const fn mul_div_floor(a: u64, b: u64, divisor: u64) -> Option<u64> {
    let (high, low) = mul_limbs(a, b);
    if high >= divisor {
        return None;
    }
    Some(div_limbs(high, low, divisor))
}

/// `ceil(a·b / divisor)`; `None` when that is no u64, also for a divisor of zero.
#[inline(always)]
pub const fn mul_div_ceil(a: u64, b: u64, divisor: u64) -> Option<u64> {
    let (high, low) = mul_limbs(a, b);
    if high >= divisor {
        return None;
    }
    let quotient = div_limbs(high, low, divisor);
    // The remainder is below the divisor, so its low limb is all of it.
    let exact = low == quotient.wrapping_mul(divisor);
    if exact { Some(quotient) } else { quotient.checked_add(1) }
}

/// `floor(numerator·2^64 / denominator)`, a price as Q64.64; 0 for a denominator of zero, which no price has.
#[inline(always)]
pub const fn div_x64(numerator: u64, denominator: u64) -> u128 {
    if denominator == 0 {
        return 0;
    }
    join(numerator / denominator, div_limbs(numerator % denominator, 0, denominator))
}

/// `floor(sqrt(value))`
///
/// Newton's iteration from above, `s' = (s + value/s) / 2`, falls until it reaches the root (Cohen, A Course in Computational
/// Algebraic Number Theory, 1.7.1). The start is the smallest power of two that cannot be below the root.
pub const fn isqrt(value: u128) -> u64 {
    let (high, low) = split(value);
    // 2^ceil(bits/2) from the pairs of leading zeros; 2^64 is one more than a u64 holds, and the largest root is 2^64 - 1.
    let mut root = if high > 0 {
        let pairs = leading_zeros(high) / 2;
        if pairs == 0 { u64::MAX } else { 1u64.wrapping_shl(64 - pairs) }
    } else if low > 0 {
        1u64.wrapping_shl(32 - leading_zeros(low) / 2)
    } else {
        return 0;
    };
    loop {
        // `high < root`, or the quotient would be at least 2^64: then `root` is not above the square root's floor.
        if high >= root {
            return root;
        }
        let quotient = div_limbs(high, low, root);
        if quotient >= root {
            return root;
        }
        // The average of two numbers, the first larger, without their sum.
        let gap = root.wrapping_sub(quotient);
        root = root.wrapping_sub((gap >> 1).wrapping_add(gap & 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [u64; 12] =
        [0, 1, 2, 3, LOW_HALF - 1, LOW_HALF, LOW_HALF + 1, 1 << 63, (1 << 63) - 1, u64::MAX - 1, u64::MAX, 0xFFFF_FFFF_0000_0000];

    #[test]
    fn agrees_with_the_host_on_the_edges_of_limbs_and_halves() {
        for a in EDGES {
            for b in EDGES {
                let product = u128::from(a) * u128::from(b);
                assert_eq!(mul(a, b), product);
                for c in EDGES {
                    assert_eq!(wrapping_mul(join(a, b), c), join(a, b).wrapping_mul(u128::from(c)));
                    let expected = product.checked_div(u128::from(c));
                    assert_eq!(mul_div_floor(a, b, c), expected.and_then(|q| u64::try_from(q).ok()));
                    assert_eq!(div(join(a, b), c), join(a, b).checked_div(u128::from(c)));
                    if c > 0 {
                        let up = u64::try_from(product.div_ceil(u128::from(c))).ok();
                        assert_eq!(mul_div_ceil(a, b, c), up);
                    }
                }
                if b > 0 {
                    assert_eq!(div_x64(a, b), (u128::from(a) << 64) / u128::from(b));
                }
                assert_eq!(isqrt(join(a, b)), join(a, b).isqrt() as u64);
            }
        }
    }
}
