//! The mint of a pool's shares.

use pinocchio::{AccountView, Address};

use super::{require_address, require_writable};
use crate::errors::{PoolError, Result};

#[derive(Clone, Copy)]
pub struct LpMint<'a> {
    pub view: &'a AccountView,
}

impl<'a> LpMint<'a> {
    pub const SEED: &'static [u8] = b"lp_mint";
    pub const DECIMALS: u8 = 9;

    #[inline(always)]
    pub fn load(view: &'a AccountView, expected: &Address) -> Result<Self> {
        require_address(view, expected, PoolError::InvalidLpMint)?;
        require_writable(view)?;
        Ok(Self { view })
    }
}
