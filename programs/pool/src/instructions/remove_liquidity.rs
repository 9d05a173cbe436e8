//! Burns shares for the part of both reserves they stand for.

use pinocchio::{AccountView, Address};

use super::{accumulate_prices, amounts, liquidity::Liquidity};
use crate::{
    errors::{PoolError, Result},
    events::LiquidityRemoved,
    math::liquidity,
    state::{LeU64, Pool},
    syscalls::Clock,
    token,
};

#[inline(never)]
pub fn remove_liquidity(program_id: &Address, views: &[AccountView], arguments: &[u8]) -> Result<()> {
    let [lp, min_amount_a, min_amount_b] = amounts(arguments)?;
    let accounts = Liquidity::load(program_id, views, Pool::REMOVING_OFF, PoolError::RemovingDisabled)?;
    let clock = Clock::get();
    let fee_a = accounts.mint_a.transfer_fee(clock.epoch)?;
    let fee_b = accounts.mint_b.transfer_fee(clock.epoch)?;

    let state = &mut *accounts.pool.state;
    let (reserve_a, reserve_b, supply) = (state.reserve_a.get(), state.reserve_b.get(), state.lp_supply.get());
    if lp == 0 {
        return Err(PoolError::AmountTooSmall);
    }
    if lp > supply.saturating_sub(liquidity::LOCKED_LP) {
        return Err(PoolError::InsufficientLiquidity);
    }
    let amount_a = liquidity::redeemed(lp, reserve_a, supply)?;
    let amount_b = liquidity::redeemed(lp, reserve_b, supply)?;
    let (arriving_a, arriving_b) = (fee_a.arriving(amount_a), fee_b.arriving(amount_b));
    accumulate_prices(state, accounts.oracle.state, clock.unix_timestamp);
    state.reserve_a.set(reserve_a.checked_sub(amount_a).ok_or(PoolError::MathOverflow)?);
    state.reserve_b.set(reserve_b.checked_sub(amount_b).ok_or(PoolError::MathOverflow)?);
    state.lp_supply.set(supply.checked_sub(lp).ok_or(PoolError::MathOverflow)?);
    if arriving_a < min_amount_a || arriving_b < min_amount_b {
        return Err(PoolError::SlippageExceeded);
    }

    token::burn_lp(accounts.lp_program, accounts.lp_mint, accounts.user_lp, accounts.user, lp);
    token::withdraw(&accounts.mint_a, accounts.vault_a, accounts.user_a, &accounts.pool, amount_a)?;
    token::withdraw(&accounts.mint_b, accounts.vault_b, accounts.user_b, &accounts.pool, amount_b)?;
    let state = &*accounts.pool.state;
    LiquidityRemoved {
        discriminator: LiquidityRemoved::DISCRIMINATOR,
        pool: *accounts.pool.address(),
        user: *accounts.user.address(),
        amount_a: LeU64::new(arriving_a),
        amount_b: LeU64::new(arriving_b),
        lp: LeU64::new(lp),
        reserve_a: state.reserve_a,
        reserve_b: state.reserve_b,
        lp_supply: state.lp_supply,
    }
    .emit();
    Ok(())
}
