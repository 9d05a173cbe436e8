//! The pool, which is also the authority of its vaults and LP mint.

use pinocchio::{AccountView, Address, address::address_eq, cpi::Seed};

use super::require_writable;
use crate::{
    errors::{PoolError, Result},
    state::Pool,
};

pub struct PoolAccount<'a> {
    pub view: &'a AccountView,
    pub state: &'a mut Pool,
}

impl<'a> PoolAccount<'a> {
    #[inline(always)]
    pub fn load(view: &'a AccountView, program_id: &Address) -> Result<Self> {
        require_writable(view)?;
        if !address_eq(&view.owner(), program_id) {
            return Err(PoolError::InvalidAccountOwner);
        }
        if view.data_len() != Pool::LENGTH {
            return Err(PoolError::InvalidPool);
        }
        // SAFETY: the length was checked above.
        let pool = unsafe { Self::over(view) };
        if pool.state.discriminator.get() != Pool::DISCRIMINATOR || pool.state.version != Pool::VERSION {
            return Err(PoolError::InvalidPool);
        }
        Ok(pool)
    }

    /// # Safety
    /// The account holds `Pool::LENGTH` bytes of data, and this is the only reference made to them: every other account
    /// whose data an instruction reads is known to have another address before it is read.
    #[inline(always)]
    pub unsafe fn over(view: &'a AccountView) -> Self {
        let mut shared = *view;
        // SAFETY: `Pool` is `repr(C)` of alignment 1, `Pool::LENGTH` bytes long and valid for any bytes; the rest is the
        // caller's promise.
        let state = unsafe { &mut *shared.data_mut_ptr().cast::<Pool>() };
        Self { view, state }
    }

    #[inline(always)]
    pub fn address(&self) -> &'a Address {
        self.view.address()
    }

    /// What the pool's address is derived from: with these the program signs for it.
    #[inline(always)]
    pub fn seeds(&self) -> [Seed<'_>; 5] {
        [
            Seed::from(Pool::SEED),
            Seed::from(self.state.mint_a.as_array()),
            Seed::from(self.state.mint_b.as_array()),
            Seed::from(self.state.index.as_bytes()),
            Seed::from(core::slice::from_ref(&self.state.bump)),
        ]
    }
}
