//! One event per action, in Anchor's form: discriminator and borsh fields in a `Program data:` log line.

use core::mem::align_of;

use pinocchio::Address;

use crate::{
    state::{LeU16, LeU32, LeU64},
    syscalls,
};

macro_rules! event {
    ($name:ident $discriminator:tt { $($field:ident: $type:ty,)+ }) => {
        /// Every field has alignment 1, so the struct has no padding and its memory is its serialization.
        #[repr(C)]
        pub struct $name {
            pub discriminator: LeU64,
            $(pub $field: $type,)+
        }

        impl $name {
            pub const DISCRIMINATOR: LeU64 = LeU64::new(u64::from_le_bytes($discriminator));

            #[inline(always)]
            pub fn emit(&self) {
                const { assert!(align_of::<Self>() == 1) };
                // SAFETY: `repr(C)` of alignment 1 with addresses, bytes and little-endian integers only: `size_of` initialized
                // bytes without padding, borrowed for the call.
                syscalls::log_data(unsafe { core::slice::from_raw_parts((&raw const *self).cast(), size_of::<Self>()) });
            }
        }
    };
}

event! {
    PoolInitialized [100, 118, 173, 87, 12, 198, 254, 229] {
        pool: Address,
        admin: Address,
        mint_a: Address,
        mint_b: Address,
        index: LeU16,
        base_fee_ppm: LeU32,
        protocol_share_ppm: LeU32,
        dynamic_fee_ppm: LeU32,
        max_volatility_bps: LeU32,
        filter_period_s: LeU32,
        decay_period_s: LeU32,
    }
}

event! {
    LiquidityAdded [154, 26, 221, 108, 238, 64, 217, 161] {
        pool: Address,
        user: Address,
        amount_a: LeU64,
        amount_b: LeU64,
        lp: LeU64,
        reserve_a: LeU64,
        reserve_b: LeU64,
        lp_supply: LeU64,
    }
}

event! {
    LiquidityRemoved [225, 105, 216, 39, 124, 116, 169, 189] {
        pool: Address,
        user: Address,
        amount_a: LeU64,
        amount_b: LeU64,
        lp: LeU64,
        reserve_a: LeU64,
        reserve_b: LeU64,
        lp_supply: LeU64,
    }
}

event! {
    Swapped [217, 52, 52, 83, 147, 135, 96, 109] {
        pool: Address,
        user: Address,
        a_to_b: u8,
        amount_in: LeU64,
        amount_out: LeU64,
        fee: LeU64,
        protocol_fee: LeU64,
        fee_ppm: LeU32,
        reserve_a: LeU64,
        reserve_b: LeU64,
    }
}

event! {
    ProtocolFeesCollected [165, 34, 125, 155, 15, 86, 99, 191] {
        pool: Address,
        admin: Address,
        amount_a: LeU64,
        amount_b: LeU64,
    }
}

event! {
    PoolStatusSet [251, 138, 203, 73, 46, 236, 125, 135] {
        pool: Address,
        admin: Address,
        status: u8,
    }
}
