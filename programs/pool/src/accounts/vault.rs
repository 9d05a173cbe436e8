//! A pool's token account. The pool stores its address, so owner, mint and authority are what the opening made them.

use pinocchio::{AccountView, Address};

use super::{require_address, require_writable};
use crate::errors::{PoolError, Result};

#[derive(Clone, Copy)]
pub struct Vault<'a> {
    pub view: &'a AccountView,
}

/// Where a token account keeps its balance (SPL Token and Token-2022).
const AMOUNT: core::ops::Range<usize> = 64..72;

impl<'a> Vault<'a> {
    pub const SEED: &'static [u8] = b"vault";

    #[inline(always)]
    pub fn load(view: &'a AccountView, expected: &Address) -> Result<Self> {
        require_address(view, expected, PoolError::InvalidVault)?;
        require_writable(view)?;
        Ok(Self { view })
    }
}

/// What a vault holds now, base units.
pub fn balance(vault: &AccountView) -> Result<u64> {
    // SAFETY: the slice ends before the next call into the token program, and nothing here writes token accounts.
    let bytes = unsafe { vault.borrow_unchecked() };
    let amount = bytes.get(AMOUNT).and_then(|field| field.first_chunk::<8>()).ok_or(PoolError::InvalidVault)?;
    Ok(u64::from_le_bytes(*amount))
}
