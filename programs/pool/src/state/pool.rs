//! The pool account.

use core::mem::{align_of, offset_of};

use pinocchio::Address;

use super::{LeI64, LeU16, LeU32, LeU64, LeU128};

/// Numbers of one of the two tokens: what the swap arithmetic works on.
#[derive(Clone, Copy)]
pub enum Side {
    A,
    B,
}

impl Side {
    #[inline(always)]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

#[repr(C)]
pub struct Pool {
    pub discriminator: LeU64,
    pub version: u8,
    pub bump: u8,
    pub status: u8,
    pub index: LeU16,
    pub admin: Address,
    pub mint_a: Address,
    pub mint_b: Address,
    pub vault_a: Address,
    pub vault_b: Address,
    pub lp_mint: Address,
    pub oracle: Address,
    pub reserve_a: LeU64,
    pub reserve_b: LeU64,
    pub protocol_fees_a: LeU64,
    pub protocol_fees_b: LeU64,
    pub lp_supply: LeU64,
    pub base_fee_ppm: LeU32,
    pub protocol_share_ppm: LeU32,
    pub dynamic_fee_ppm: LeU32,
    pub max_volatility_bps: LeU32,
    pub filter_period_s: LeU32,
    pub decay_period_s: LeU32,
    pub volatility_bps: LeU32,
    pub reference_reserve_a: LeU64,
    pub reference_reserve_b: LeU64,
    pub last_swap_at: LeI64,
    pub cumulative_a_x64: LeU128,
    pub cumulative_b_x64: LeU128,
    pub cumulative_at: LeI64,
    pub carried_bps: LeU32,
    reserved: [u8; 27],
}

const _: () = {
    assert!(size_of::<Pool>() == Pool::LENGTH);
    assert!(align_of::<Pool>() == 1);
    assert!(offset_of!(Pool, admin) == 13);
    assert!(offset_of!(Pool, reserve_a) == 237);
    assert!(offset_of!(Pool, base_fee_ppm) == 277);
    assert!(offset_of!(Pool, reference_reserve_a) == 305);
    assert!(offset_of!(Pool, cumulative_a_x64) == 329);
    assert!(offset_of!(Pool, carried_bps) == 369);
};

impl Pool {
    pub const LENGTH: usize = 400;
    /// `sha256("account:Pool")[..8]`
    pub const DISCRIMINATOR: u64 = u64::from_le_bytes([241, 154, 109, 4, 17, 177, 109, 188]);
    pub const VERSION: u8 = 1;
    pub const SEED: &'static [u8] = b"pool";

    pub const SWAPS_OFF: u8 = 1;
    pub const ADDING_OFF: u8 = 2;
    pub const REMOVING_OFF: u8 = 4;
    pub const STATUS_BITS: u8 = Self::SWAPS_OFF | Self::ADDING_OFF | Self::REMOVING_OFF;

    #[inline(always)]
    pub fn reserve(&self, side: Side) -> u64 {
        match side {
            Side::A => self.reserve_a.get(),
            Side::B => self.reserve_b.get(),
        }
    }

    #[inline(always)]
    pub fn set_reserve(&mut self, side: Side, value: u64) {
        match side {
            Side::A => self.reserve_a.set(value),
            Side::B => self.reserve_b.set(value),
        }
    }

    #[inline(always)]
    pub fn protocol_fees(&mut self, side: Side) -> &mut LeU64 {
        match side {
            Side::A => &mut self.protocol_fees_a,
            Side::B => &mut self.protocol_fees_b,
        }
    }

    #[inline(always)]
    pub fn mint(&self, side: Side) -> &Address {
        match side {
            Side::A => &self.mint_a,
            Side::B => &self.mint_b,
        }
    }
}
