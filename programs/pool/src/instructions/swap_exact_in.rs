//! Sells exactly `amount_in`; at least `min_amount_out` must arrive.

use pinocchio::{AccountView, Address};

use super::{amounts, swap::Swap};
use crate::{
    errors::{PoolError, Result},
    math::curve,
};

#[inline(never)]
pub fn swap_exact_in(program_id: &Address, views: &[AccountView], arguments: &[u8]) -> Result<()> {
    let [amount_in, min_amount_out] = amounts(arguments)?;
    let mut swap = Swap::load(program_id, views)?;
    let (terms, moment) = swap.terms()?;
    let amounts = curve::exact_in(&terms, amount_in)?;
    swap.book(&amounts, &moment)?;
    if amounts.arriving < min_amount_out {
        return Err(PoolError::SlippageExceeded);
    }
    swap.settle(&amounts, terms.fee_ppm)
}
