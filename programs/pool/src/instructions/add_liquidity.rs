//! Puts tokens in, in the pool's ratio, for new shares.

use pinocchio::{AccountView, Address};

use super::{accumulate_prices, amounts, liquidity::Liquidity};
use crate::{
    errors::{PoolError, Result},
    events::LiquidityAdded,
    math::{liquidity, transfer_fee::TransferFee},
    state::{LeU64, Pool},
    syscalls::Clock,
    token::{self, Flow},
};

#[inline(never)]
pub fn add_liquidity(program_id: &Address, views: &[AccountView], arguments: &[u8]) -> Result<()> {
    let [max_amount_a, max_amount_b, min_lp] = amounts(arguments)?;
    let accounts = Liquidity::load(program_id, views, Pool::ADDING_OFF, PoolError::AddingDisabled)?;
    let clock = Clock::get();
    let fee_a = accounts.mint_a.transfer_fee(clock.epoch)?;
    let fee_b = accounts.mint_b.transfer_fee(clock.epoch)?;

    let state = &mut *accounts.pool.state;
    let deposit = if state.lp_supply.get() == 0 {
        first(
            Flow { sent: max_amount_a, net: fee_a.arriving(max_amount_a) },
            Flow { sent: max_amount_b, net: fee_b.arriving(max_amount_b) },
        )?
    } else {
        later(state, max_amount_a, max_amount_b, &fee_a, &fee_b)?
    };
    let Deposit { a, b, lp, minted } = deposit;
    accumulate_prices(state, accounts.oracle.state, clock.unix_timestamp);
    state.reserve_a.set(state.reserve_a.get().checked_add(a.net).ok_or(PoolError::MathOverflow)?);
    state.reserve_b.set(state.reserve_b.get().checked_add(b.net).ok_or(PoolError::MathOverflow)?);
    state.lp_supply.set(state.lp_supply.get().checked_add(lp).ok_or(PoolError::MathOverflow)?);
    if a.sent > max_amount_a || b.sent > max_amount_b || minted < min_lp {
        return Err(PoolError::SlippageExceeded);
    }

    token::deposit(&accounts.mint_a, accounts.user_a, accounts.vault_a, accounts.user, a)?;
    token::deposit(&accounts.mint_b, accounts.user_b, accounts.vault_b, accounts.user, b)?;
    token::mint_lp(accounts.lp_program, accounts.lp_mint, accounts.user_lp, &accounts.pool, minted);
    let state = &*accounts.pool.state;
    LiquidityAdded {
        discriminator: LiquidityAdded::DISCRIMINATOR,
        pool: *accounts.pool.address(),
        user: *accounts.user.address(),
        amount_a: LeU64::new(a.sent),
        amount_b: LeU64::new(b.sent),
        lp: LeU64::new(minted),
        reserve_a: state.reserve_a,
        reserve_b: state.reserve_b,
        lp_supply: state.lp_supply,
    }
    .emit();
    Ok(())
}

struct Deposit {
    a: Flow,
    b: Flow,
    /// Added to the supply.
    lp: u64,
    /// What of it the user gets.
    minted: u64,
}

/// Everything is taken; the ratio becomes the price.
fn first(a: Flow, b: Flow) -> Result<Deposit> {
    let lp = liquidity::first_lp(a.net, b.net)?;
    Ok(Deposit { a, b, lp, minted: lp - liquidity::LOCKED_LP })
}

#[inline(always)]
fn later(state: &Pool, max_amount_a: u64, max_amount_b: u64, fee_a: &TransferFee, fee_b: &TransferFee) -> Result<Deposit> {
    let (reserve_a, reserve_b, supply) = (state.reserve_a.get(), state.reserve_b.get(), state.lp_supply.get());
    let lp = liquidity::later_lp(fee_a.arriving(max_amount_a), fee_b.arriving(max_amount_b), reserve_a, reserve_b, supply)?;
    let a = flow_for(liquidity::needed(lp, reserve_a, supply)?, fee_a)?;
    let b = flow_for(liquidity::needed(lp, reserve_b, supply)?, fee_b)?;
    Ok(Deposit { a, b, lp, minted: lp })
}

fn flow_for(net: u64, fee: &TransferFee) -> Result<Flow> {
    Ok(Flow { sent: net.checked_add(fee.inverse(net)).ok_or(PoolError::MathOverflow)?, net })
}
