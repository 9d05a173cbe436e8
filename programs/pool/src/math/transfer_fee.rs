//! Token-2022 transfer fees, as the token program computes them.
//!
//! Source: solana-program/token-2022, interface/src/extension/transfer_fee/mod.rs (`calculate_fee`, `calculate_inverse_fee`).

use super::{BPS, wide};

/// The fee in force. `bps` is at most 10,000: the account reader refuses more.
#[derive(Clone, Copy)]
pub struct TransferFee {
    pub bps: u16,
    pub maximum: u64,
}

impl TransferFee {
    pub const NONE: Self = Self { bps: 0, maximum: 0 };

    /// Withheld when `amount` is sent: `min(ceil(amount·bps/10,000), maximum)`.
    #[inline(always)]
    pub fn on(&self, amount: u64) -> u64 {
        if self.bps == 0 { 0 } else { charged(amount, self.bps, self.maximum) }
    }

    #[inline(always)]
    pub fn arriving(&self, amount: u64) -> u64 {
        amount.saturating_sub(self.on(amount))
    }

    /// What to add to `net` so that exactly `net` arrives.
    ///
    /// The token program's `calculate_inverse_fee`: the fee of `min(ceil(net·10,000/(10,000-bps)), net + maximum)`, which
    /// is that amount minus `net`. Where the first term exceeds u64 the second is the smaller one or the sum overflows
    /// in the caller's checked addition either way.
    #[inline(always)]
    pub fn inverse(&self, net: u64) -> u64 {
        if self.bps == 0 { 0 } else { added(net, self.bps, self.maximum) }
    }
}

// Out of line and by value: most mints charge nothing, and every swap asks for two of them.

#[inline(never)]
fn charged(amount: u64, bps: u16, maximum: u64) -> u64 {
    // bps is at most 10,000, so the quotient is at most `amount`.
    wide::mul_div_ceil(amount, u64::from(bps), BPS).unwrap_or(amount).min(maximum)
}

#[inline(never)]
fn added(net: u64, bps: u16, maximum: u64) -> u64 {
    if net == 0 {
        return 0;
    }
    match BPS - u64::from(bps) {
        0 => maximum,
        kept => match wide::mul_div_ceil(net, BPS, kept) {
            Some(gross) => (gross - net).min(maximum),
            None => maximum,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_for_the_fee_makes_exactly_the_net_arrive() {
        let mut cases = 0;
        for bps in [1u16, 3, 50, 333, 5_000, 9_999, 10_000] {
            for maximum in [0, 1, 7, 5_000, u64::MAX] {
                let fee = TransferFee { bps, maximum };
                for net in (1..2_000).chain([u64::MAX / 20_000, u64::MAX / 3]) {
                    if let Some(gross) = net.checked_add(fee.inverse(net)) {
                        assert_eq!(fee.arriving(gross), net, "{bps} {maximum} {net}");
                        cases += 1;
                    }
                }
            }
        }
        assert!(cases > 50_000);
    }
}
