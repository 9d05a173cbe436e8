//! The constant product, fees and transfer fees included. Rounding is always in the pool's favour.

use super::{fee, transfer_fee::TransferFee, wide};
use crate::errors::{PoolError, Result};

/// What a swap starts from, seen from the token that comes in.
pub struct Terms {
    pub reserve_in: u64,
    pub reserve_out: u64,
    pub fee_ppm: u64,
    pub protocol_share_ppm: u32,
    pub transfer_fee_in: TransferFee,
    pub transfer_fee_out: TransferFee,
}

/// What a swap moves.
pub struct Amounts {
    /// Leaves the user.
    pub sent: u64,
    /// Reaches the vault: `sent` without the mint's transfer fee.
    pub net: u64,
    /// Part of `net`.
    pub fee: u64,
    /// Part of `fee`.
    pub protocol_fee: u64,
    /// Leaves the vault.
    pub gross_out: u64,
    /// Reaches the user: `gross_out` without the mint's transfer fee.
    pub arriving: u64,
    pub reserve_in: u64,
    pub reserve_out: u64,
}

#[inline(always)]
pub fn exact_in(terms: &Terms, amount: u64) -> Result<Amounts> {
    let net = terms.transfer_fee_in.arriving(amount);
    let fee = fee::on(net, terms.fee_ppm)?;
    let less = net.checked_sub(fee).ok_or(PoolError::MathOverflow)?;
    if less == 0 {
        return Err(PoolError::AmountTooSmall);
    }
    let after = terms.reserve_in.checked_add(less).ok_or(PoolError::MathOverflow)?;
    let gross_out = wide::mul_div_floor(terms.reserve_out, less, after).ok_or(PoolError::MathOverflow)?;
    let arriving = terms.transfer_fee_out.arriving(gross_out);
    if arriving == 0 {
        return Err(PoolError::AmountTooSmall);
    }
    settled(terms, Parts { sent: amount, net, fee, gross_out, arriving })
}

#[inline(always)]
pub fn exact_out(terms: &Terms, amount: u64) -> Result<Amounts> {
    if amount == 0 {
        return Err(PoolError::AmountTooSmall);
    }
    let gross_out = amount.checked_add(terms.transfer_fee_out.inverse(amount)).ok_or(PoolError::InsufficientLiquidity)?;
    if gross_out >= terms.reserve_out {
        return Err(PoolError::InsufficientLiquidity);
    }
    let left = terms.reserve_out - gross_out;
    let less = wide::mul_div_ceil(terms.reserve_in, gross_out, left).ok_or(PoolError::MathOverflow)?;
    let net = fee::before(less, terms.fee_ppm)?;
    let sent = net.checked_add(terms.transfer_fee_in.inverse(net)).ok_or(PoolError::MathOverflow)?;
    settled(terms, Parts { sent, net, fee: net - less, gross_out, arriving: amount })
}

struct Parts {
    sent: u64,
    net: u64,
    fee: u64,
    gross_out: u64,
    arriving: u64,
}

/// Books the parts: the protocol's share of the fee is owed, the rest of what came in belongs to the reserve.
#[inline(always)]
fn settled(terms: &Terms, parts: Parts) -> Result<Amounts> {
    let Parts { sent, net, fee, gross_out, arriving } = parts;
    let protocol_fee = fee::protocol_part(fee, terms.protocol_share_ppm)?;
    let kept = net.checked_sub(protocol_fee).ok_or(PoolError::MathOverflow)?;
    let reserve_in = terms.reserve_in.checked_add(kept).ok_or(PoolError::MathOverflow)?;
    let reserve_out = terms.reserve_out.checked_sub(gross_out).ok_or(PoolError::InsufficientLiquidity)?;
    Ok(Amounts { sent, net, fee, protocol_fee, gross_out, arriving, reserve_in, reserve_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(reserve_in: u64, reserve_out: u64, fee_ppm: u64) -> Terms {
        Terms {
            reserve_in,
            reserve_out,
            fee_ppm,
            protocol_share_ppm: 500_000,
            transfer_fee_in: TransferFee { bps: 250, maximum: 1_000_000 },
            transfer_fee_out: TransferFee { bps: 1, maximum: 3 },
        }
    }

    #[test]
    fn neither_direction_lets_the_product_fall_and_exact_out_buys_what_it_says() {
        let mut cases = 0;
        for (reserve_in, reserve_out) in [(1, 1_000), (1_000_003, 999), (u64::MAX / 3, u64::MAX / 7), (7, u64::MAX)] {
            for fee_ppm in [0, 1, 2_500, 100_000] {
                let terms = terms(reserve_in, reserve_out, fee_ppm);
                for amount in [1, 2, 17, 500, 123_456, u64::MAX / 5] {
                    let before = u128::from(reserve_in) * u128::from(reserve_out);
                    if let Ok(swap) = exact_in(&terms, amount) {
                        assert!(u128::from(swap.reserve_in) * u128::from(swap.reserve_out) >= before);
                        let back = exact_out(&terms, swap.arriving).unwrap();
                        assert!(back.sent <= amount);
                        cases += 1;
                    }
                    if let Ok(swap) = exact_out(&terms, amount) {
                        assert!(u128::from(swap.reserve_in) * u128::from(swap.reserve_out) >= before);
                        assert!(exact_in(&terms, swap.sent).unwrap().arriving >= amount);
                        cases += 1;
                    }
                }
            }
        }
        assert!(cases > 60, "{cases}");
    }
}
