//! A token account the user names. Owner, mint and authority are checked by the token program when it moves the tokens;
//! what it cannot know is that the account must not be one of the pool's own.

use pinocchio::{AccountView, address::address_eq};

use super::{Vault, require_writable};
use crate::errors::{PoolError, Result};

#[derive(Clone, Copy)]
pub struct UserTokenAccount<'a> {
    pub view: &'a AccountView,
}

impl<'a> UserTokenAccount<'a> {
    #[inline(always)]
    pub fn load(view: &'a AccountView, vaults: [&Vault; 2]) -> Result<Self> {
        require_writable(view)?;
        let [first, second] = vaults;
        if address_eq(view.address(), first.view.address()) || address_eq(view.address(), second.view.address()) {
            return Err(PoolError::InvalidTokenAccount);
        }
        Ok(Self { view })
    }
}
