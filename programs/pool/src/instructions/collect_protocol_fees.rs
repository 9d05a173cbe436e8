//! The admin takes the protocol's part of the fees, all of it.

use pinocchio::{AccountView, Address};

use crate::{
    accounts::{MintAccount, PoolAccount, SignerAccount, UserTokenAccount, Vault, named},
    errors::{PoolError, Result},
    events::ProtocolFeesCollected,
    state::LeU64,
    syscalls::Clock,
    token,
};

#[inline(never)]
pub fn collect_protocol_fees(program_id: &Address, views: &[AccountView], arguments: &[u8]) -> Result<()> {
    if !arguments.is_empty() {
        return Err(PoolError::InvalidInstruction);
    }
    let [admin, pool, vault_a, vault_b, destination_a, destination_b, mint_a, mint_b, token_program_a, token_program_b] =
        named(views)?;
    let pool = PoolAccount::load(pool, program_id)?;
    let admin = SignerAccount::load_admin(admin, &pool.state.admin)?;
    let vault_a = Vault::load(vault_a, &pool.state.vault_a)?;
    let vault_b = Vault::load(vault_b, &pool.state.vault_b)?;
    let destination_a = UserTokenAccount::load(destination_a, [&vault_a, &vault_b])?;
    let destination_b = UserTokenAccount::load(destination_b, [&vault_a, &vault_b])?;
    let mint_a = MintAccount::load(mint_a, &pool.state.mint_a, token_program_a)?;
    let mint_b = MintAccount::load(mint_b, &pool.state.mint_b, token_program_b)?;
    let epoch = Clock::get().epoch;
    mint_a.transfer_fee(epoch)?;
    mint_b.transfer_fee(epoch)?;

    let (amount_a, amount_b) = (pool.state.protocol_fees_a.get(), pool.state.protocol_fees_b.get());
    pool.state.protocol_fees_a.set(0);
    pool.state.protocol_fees_b.set(0);
    token::withdraw(&mint_a, vault_a, destination_a, &pool, amount_a)?;
    token::withdraw(&mint_b, vault_b, destination_b, &pool, amount_b)?;
    ProtocolFeesCollected {
        discriminator: ProtocolFeesCollected::DISCRIMINATOR,
        pool: *pool.address(),
        admin: *admin.address(),
        amount_a: LeU64::new(amount_a),
        amount_b: LeU64::new(amount_b),
    }
    .emit();
    Ok(())
}
