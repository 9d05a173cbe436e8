//! What both swaps share: accounts, fee and volatility, booking, moving the tokens.

use pinocchio::{AccountView, Address, address::address_eq};

use super::accumulate_prices;
use crate::{
    accounts::{MintAccount, OracleAccount, PoolAccount, SignerAccount, UserTokenAccount, Vault, named},
    errors::{PoolError, Result},
    events::Swapped,
    math::{
        curve::{Amounts, Terms},
        fee, seconds_between, volatility,
    },
    state::{LeU32, LeU64, Pool, Side},
    syscalls::Clock,
    token,
};

pub struct Swap<'a> {
    user: SignerAccount<'a>,
    pool: PoolAccount<'a>,
    oracle: OracleAccount<'a>,
    side_in: Side,
    vault_in: Vault<'a>,
    vault_out: Vault<'a>,
    source: UserTokenAccount<'a>,
    destination: UserTokenAccount<'a>,
    mint_in: MintAccount<'a>,
    mint_out: MintAccount<'a>,
}

/// Volatility before the swap, and when that is.
pub struct Moment {
    now: i64,
    volatility_bps: u32,
    /// The filter period is over, or there was none: the price before this swap becomes the reference.
    new_reference: bool,
}

impl<'a> Swap<'a> {
    #[inline(always)]
    pub fn load(program_id: &Address, views: &'a [AccountView]) -> Result<Self> {
        let [user, pool, oracle, vault_in, vault_out, source, destination, mint_in, mint_out, program_in, program_out] =
            named(views)?;
        let user = SignerAccount::load(user)?;
        let pool = PoolAccount::load(pool, program_id)?;
        let state = &*pool.state;
        let oracle = OracleAccount::load(oracle, &state.oracle)?;
        let side_in = if address_eq(vault_in.address(), &state.vault_a) { Side::A } else { Side::B };
        let (expected_in, expected_out) = match side_in {
            Side::A => (&state.vault_a, &state.vault_b),
            Side::B => (&state.vault_b, &state.vault_a),
        };
        let vault_in = Vault::load(vault_in, expected_in)?;
        let vault_out = Vault::load(vault_out, expected_out)?;
        let source = UserTokenAccount::load(source, [&vault_in, &vault_out])?;
        let destination = UserTokenAccount::load(destination, [&vault_in, &vault_out])?;
        let mint_in = MintAccount::load(mint_in, state.mint(side_in), program_in)?;
        let mint_out = MintAccount::load(mint_out, state.mint(side_in.other()), program_out)?;
        if state.status & Pool::SWAPS_OFF != 0 {
            return Err(PoolError::SwapsDisabled);
        }
        Ok(Self { user, pool, oracle, side_in, vault_in, vault_out, source, destination, mint_in, mint_out })
    }

    /// The terms this swap gets now. They depend on the state and the clock, not on the amount.
    #[inline(always)]
    pub fn terms(&self) -> Result<(Terms, Moment)> {
        let clock = Clock::get();
        let state = &*self.pool.state;
        let elapsed = seconds_between(state.last_swap_at.get(), clock.unix_timestamp);
        let filter_period_s = state.filter_period_s.get();
        let volatility_bps =
            volatility::faded_bps(state.volatility_bps.get(), elapsed, filter_period_s, state.decay_period_s.get());
        let no_reference = state.reference_reserve_a.get() | state.reference_reserve_b.get() == 0;
        let terms = Terms {
            reserve_in: state.reserve(self.side_in),
            reserve_out: state.reserve(self.side_in.other()),
            fee_ppm: fee::fee_ppm(state.base_fee_ppm.get(), state.dynamic_fee_ppm.get(), volatility_bps),
            protocol_share_ppm: state.protocol_share_ppm.get(),
            transfer_fee_in: self.mint_in.transfer_fee(clock.epoch)?,
            transfer_fee_out: self.mint_out.transfer_fee(clock.epoch)?,
        };
        let new_reference = elapsed > u64::from(filter_period_s) || no_reference;
        Ok((terms, Moment { now: clock.unix_timestamp, volatility_bps, new_reference }))
    }

    /// Stores the state after the swap. Nothing of it lasts if a later check or transfer fails.
    #[inline(always)]
    pub fn book(&mut self, amounts: &Amounts, moment: &Moment) -> Result<()> {
        let state = &mut *self.pool.state;
        accumulate_prices(state, self.oracle.state, moment.now);
        let owed = state.protocol_fees(self.side_in);
        owed.set(owed.get().checked_add(amounts.protocol_fee).ok_or(PoolError::MathOverflow)?);
        if moment.new_reference {
            state.reference_reserve_a = state.reserve_a;
            state.reference_reserve_b = state.reserve_b;
            state.carried_bps.set(moment.volatility_bps);
        }
        state.set_reserve(self.side_in, amounts.reserve_in);
        state.set_reserve(self.side_in.other(), amounts.reserve_out);
        let reserves = (state.reserve_a.get(), state.reserve_b.get());
        let reference = (state.reference_reserve_a.get(), state.reference_reserve_b.get());
        let (carried_bps, max_volatility_bps) = (state.carried_bps.get(), state.max_volatility_bps.get());
        state.volatility_bps.set(volatility::after_swap_bps(carried_bps, max_volatility_bps, reserves, reference));
        state.last_swap_at.set(moment.now);
        Ok(())
    }

    /// Moves the tokens and tells.
    #[inline(always)]
    pub fn settle(&self, amounts: &Amounts, fee_ppm: u64) -> Result<()> {
        let flow = token::Flow { sent: amounts.sent, net: amounts.net };
        token::deposit(&self.mint_in, self.source, self.vault_in, self.user, flow)?;
        token::withdraw(&self.mint_out, self.vault_out, self.destination, &self.pool, amounts.gross_out)?;
        Swapped {
            discriminator: Swapped::DISCRIMINATOR,
            pool: *self.pool.address(),
            user: *self.user.address(),
            a_to_b: matches!(self.side_in, Side::A).into(),
            amount_in: LeU64::new(amounts.sent),
            amount_out: LeU64::new(amounts.arriving),
            fee: LeU64::new(amounts.fee),
            protocol_fee: LeU64::new(amounts.protocol_fee),
            // At most fee::MAX_FEE_PPM.
            fee_ppm: LeU32::new(fee_ppm as u32),
            reserve_a: self.pool.state.reserve_a,
            reserve_b: self.pool.state.reserve_b,
        }
        .emit();
        Ok(())
    }
}
