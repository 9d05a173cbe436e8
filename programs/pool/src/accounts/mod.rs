//! Typed account loading: a constructor per role that refuses whatever does not belong there.

mod lp_mint;
mod mint;
mod new_account;
mod oracle;
mod pool;
mod signer;
mod token_program;
mod user_token;
mod vault;

pub use lp_mint::LpMint;
pub use mint::{MintAccount, mint_decimals};
pub use new_account::NewAccount;
pub use oracle::OracleAccount;
pub use pool::PoolAccount;
pub use signer::SignerAccount;
pub use token_program::TokenProgram;
pub use user_token::UserTokenAccount;
pub use vault::{Vault, balance};

use pinocchio::{AccountView, Address, address::address_eq};

use crate::errors::{PoolError, Result};

/// The accounts an instruction names, in its order. More may follow and are ignored.
#[inline(always)]
pub fn named<const N: usize>(views: &[AccountView]) -> Result<&[AccountView; N]> {
    views.first_chunk::<N>().ok_or(PoolError::NotEnoughAccounts)
}

#[inline(always)]
fn require_writable(view: &AccountView) -> Result<()> {
    if view.is_writable() { Ok(()) } else { Err(PoolError::AccountNotWritable) }
}

#[inline(always)]
fn require_address(view: &AccountView, expected: &Address, otherwise: PoolError) -> Result<()> {
    if address_eq(view.address(), expected) { Ok(()) } else { Err(otherwise) }
}
