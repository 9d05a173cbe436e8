//! Buys exactly `amount_out`; at most `max_amount_in` may leave the user.

use pinocchio::{AccountView, Address};

use super::{amounts, swap::Swap};
use crate::{
    errors::{PoolError, Result},
    math::curve,
};

#[inline(never)]
pub fn swap_exact_out(program_id: &Address, views: &[AccountView], arguments: &[u8]) -> Result<()> {
    let [amount_out, max_amount_in] = amounts(arguments)?;
    let mut swap = Swap::load(program_id, views)?;
    let (terms, moment) = swap.terms()?;
    let amounts = curve::exact_out(&terms, amount_out)?;
    swap.book(&amounts, &moment)?;
    if amounts.sent > max_amount_in {
        return Err(PoolError::SlippageExceeded);
    }
    swap.settle(&amounts, terms.fee_ppm)
}
