//! The pool's oracle. Its address is stored in the pool, and only this program could have created it there.

use pinocchio::{AccountView, Address};

use super::{require_address, require_writable};
use crate::{
    errors::{PoolError, Result},
    state::Oracle,
};

pub struct OracleAccount<'a> {
    pub state: &'a mut Oracle,
}

impl<'a> OracleAccount<'a> {
    #[inline(always)]
    pub fn load(view: &'a AccountView, expected: &Address) -> Result<Self> {
        require_address(view, expected, PoolError::InvalidOracle)?;
        require_writable(view)?;
        if view.data_len() != Oracle::LENGTH {
            return Err(PoolError::InvalidOracle);
        }
        // SAFETY: the length was checked, and an oracle's address is no other account's.
        let oracle = unsafe { Self::over(view) };
        if oracle.state.discriminator.get() != Oracle::DISCRIMINATOR {
            return Err(PoolError::InvalidOracle);
        }
        Ok(oracle)
    }

    /// # Safety
    /// The account holds `Oracle::LENGTH` bytes of data, and this is the only reference made to them.
    #[inline(always)]
    pub unsafe fn over(view: &'a AccountView) -> Self {
        let mut shared = *view;
        // SAFETY: `Oracle` is `repr(C)` of alignment 1, `Oracle::LENGTH` bytes long and valid for any bytes; the rest is
        // the caller's promise.
        Self { state: unsafe { &mut *shared.data_mut_ptr().cast::<Oracle>() } }
    }
}
