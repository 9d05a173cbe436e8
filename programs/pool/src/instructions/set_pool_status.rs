//! The admin switches swaps, adding and removing on or off.

use pinocchio::{AccountView, Address};

use crate::{
    accounts::{PoolAccount, SignerAccount, named},
    errors::{PoolError, Result},
    events::PoolStatusSet,
    state::Pool,
};

#[inline(never)]
pub fn set_pool_status(program_id: &Address, views: &[AccountView], arguments: &[u8]) -> Result<()> {
    let [status] = *arguments else {
        return Err(PoolError::InvalidInstruction);
    };
    if status & !Pool::STATUS_BITS != 0 {
        return Err(PoolError::InvalidInstruction);
    }
    let [admin, pool] = named(views)?;
    let pool = PoolAccount::load(pool, program_id)?;
    let admin = SignerAccount::load_admin(admin, &pool.state.admin)?;
    pool.state.status = status;
    PoolStatusSet { discriminator: PoolStatusSet::DISCRIMINATOR, pool: *pool.address(), admin: *admin.address(), status }.emit();
    Ok(())
}
