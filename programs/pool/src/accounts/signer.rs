//! Someone who signed.

use pinocchio::{AccountView, Address};

use super::{require_address, require_writable};
use crate::errors::{PoolError, Result};

#[derive(Clone, Copy)]
pub struct SignerAccount<'a> {
    pub view: &'a AccountView,
}

impl<'a> SignerAccount<'a> {
    #[inline(always)]
    pub fn load(view: &'a AccountView) -> Result<Self> {
        if view.is_signer() { Ok(Self { view }) } else { Err(PoolError::MissingSignature) }
    }

    /// The account that pays for new accounts.
    pub fn load_payer(view: &'a AccountView) -> Result<Self> {
        require_writable(view)?;
        Self::load(view)
    }

    pub fn load_admin(view: &'a AccountView, admin: &Address) -> Result<Self> {
        require_address(view, admin, PoolError::InvalidAuthority)?;
        Self::load(view)
    }

    #[inline(always)]
    pub fn address(&self) -> &'a Address {
        self.view.address()
    }
}
