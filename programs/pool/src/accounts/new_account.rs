//! An account that opening a pool creates, at an address derived from known seeds.

use pinocchio::{
    AccountView, Address,
    cpi::{Seed, Signer},
};

use super::{SignerAccount, require_address, require_writable};
use crate::{
    errors::{PoolError, Result},
    syscalls, system,
};

pub struct NewAccount<'a> {
    pub view: &'a AccountView,
    pub bump: u8,
}

impl<'a> NewAccount<'a> {
    /// `otherwise` is the error for any other address than the derived one.
    #[inline(always)]
    pub fn load(view: &'a AccountView, seeds: &[&[u8]], program_id: &Address, otherwise: PoolError) -> Result<Self> {
        require_writable(view)?;
        let (address, bump) = syscalls::find_program_address(seeds, program_id)?;
        require_address(view, &address, otherwise)?;
        Ok(Self { view, bump })
    }

    /// Creates the account with `length` zero bytes, owned by `owner`. `seeds` are the seeds of `load` and end with the bump.
    pub fn create<const N: usize>(&self, payer: &SignerAccount, seeds: &[Seed; N], length: usize, owner: &Address) -> Result<()> {
        system::create_account(payer.view, self.view, length as u64, owner, &Signer::from(seeds))
    }
}
