//! Calls into the token programs. A failing call ends the transaction inside the runtime; it never returns here.

use pinocchio::{
    AccountView, Address,
    cpi::{CpiAccount, Signer, invoke_signed_unchecked},
    instruction::{InstructionAccount, InstructionView},
};

use crate::{
    accounts::{LpMint, MintAccount, PoolAccount, SignerAccount, TokenProgram, UserTokenAccount, Vault},
    errors::{PoolError, Result},
};

const TRANSFER: u8 = 3;
const MINT_TO: u8 = 7;
const BURN: u8 = 8;
const TRANSFER_CHECKED: u8 = 12;
const INITIALIZE_ACCOUNT_3: u8 = 18;
const INITIALIZE_MINT_2: u8 = 20;

/// Length of a token account without extensions.
const ACCOUNT_LENGTH: usize = 165;
/// With room for withheld transfer fees: account type, entry head, u64.
const FEE_ACCOUNT_LENGTH: usize = ACCOUNT_LENGTH + 1 + 4 + 8;
pub const MINT_LENGTH: usize = 82;

/// Sends `amount` from the user to a vault and makes sure that `net` of it arrived.
#[inline(always)]
pub fn deposit(
    mint: &MintAccount,
    source: UserTokenAccount,
    vault: Vault,
    user: SignerAccount,
    flow: Flow,
) -> Result<()> {
    if !mint.program.extended {
        transfer(mint, source.view, vault.view, user.view, flow.sent, &[])
    } else {
        let before = vault.amount()?;
        transfer(mint, source.view, vault.view, user.view, flow.sent, &[])?;
        match vault.amount()?.checked_sub(before) {
            Some(arrived) if arrived == flow.net => Ok(()),
            _ => Err(PoolError::TransferFeeMismatch),
        }
    }
}

/// What leaves the user and what of it must reach the vault.
#[derive(Clone, Copy)]
pub struct Flow {
    pub sent: u64,
    pub net: u64,
}

/// Sends `amount` from a vault, which the pool signs for.
#[inline(always)]
pub fn withdraw(mint: &MintAccount, vault: Vault, destination: UserTokenAccount, pool: &PoolAccount, amount: u64) -> Result<()> {
    let seeds = pool.seeds();
    transfer(mint, vault.view, destination.view, pool.view, amount, &[Signer::from(&seeds)])
}

/// `Transfer` where it is enough, since it costs the least; Token-2022 wants the mint to compute its fee.
#[inline(always)]
fn transfer(
    mint: &MintAccount,
    from: &AccountView,
    to: &AccountView,
    authority: &AccountView,
    amount: u64,
    signers: &[Signer],
) -> Result<()> {
    if amount == 0 {
        return Ok(());
    }
    if mint.program.extended {
        let mut data = [0u8; 10];
        data[0] = TRANSFER_CHECKED;
        data[1..9].copy_from_slice(&amount.to_le_bytes());
        data[9] = mint.decimals()?;
        let accounts = [
            InstructionAccount::writable(from.address()),
            InstructionAccount::readonly(mint.view.address()),
            InstructionAccount::writable(to.address()),
            InstructionAccount::readonly_signer(authority.address()),
        ];
        let infos = [CpiAccount::from(from), CpiAccount::from(mint.view), CpiAccount::from(to), CpiAccount::from(authority)];
        call(mint.program.address, &data, &accounts, &infos, signers);
    } else {
        let data = amount_instruction(TRANSFER, amount);
        let accounts = [
            InstructionAccount::writable(from.address()),
            InstructionAccount::writable(to.address()),
            InstructionAccount::readonly_signer(authority.address()),
        ];
        call(
            mint.program.address,
            &data,
            &accounts,
            &[CpiAccount::from(from), CpiAccount::from(to), CpiAccount::from(authority)],
            signers,
        );
    }
    Ok(())
}

#[inline(always)]
pub fn mint_lp(program: TokenProgram, lp_mint: LpMint, to: UserTokenAccount, pool: &PoolAccount, amount: u64) {
    let seeds = pool.seeds();
    let accounts = [
        InstructionAccount::writable(lp_mint.view.address()),
        InstructionAccount::writable(to.view.address()),
        InstructionAccount::readonly_signer(pool.view.address()),
    ];
    call(
        program.address,
        &amount_instruction(MINT_TO, amount),
        &accounts,
        &[CpiAccount::from(lp_mint.view), CpiAccount::from(to.view), CpiAccount::from(pool.view)],
        &[Signer::from(&seeds)],
    );
}

#[inline(always)]
pub fn burn_lp(program: TokenProgram, lp_mint: LpMint, from: UserTokenAccount, user: SignerAccount, amount: u64) {
    let accounts = [
        InstructionAccount::writable(from.view.address()),
        InstructionAccount::writable(lp_mint.view.address()),
        InstructionAccount::readonly_signer(user.view.address()),
    ];
    call(
        program.address,
        &amount_instruction(BURN, amount),
        &accounts,
        &[CpiAccount::from(from.view), CpiAccount::from(lp_mint.view), CpiAccount::from(user.view)],
        &[],
    );
}

/// Bytes a vault of this mint needs.
pub fn account_length(mint: &MintAccount) -> Result<usize> {
    Ok(if mint.withholds_fees()? { FEE_ACCOUNT_LENGTH } else { ACCOUNT_LENGTH })
}

/// Makes a zeroed account of the mint's program a token account that only `authority` can move tokens from.
pub fn initialize_account(mint: &MintAccount, account: &AccountView, authority: &Address) {
    let mut data = [0u8; 33];
    data[0] = INITIALIZE_ACCOUNT_3;
    data[1..33].copy_from_slice(authority.as_array());
    let accounts = [InstructionAccount::writable(account.address()), InstructionAccount::readonly(mint.view.address())];
    call(mint.program.address, &data, &accounts, &[CpiAccount::from(account), CpiAccount::from(mint.view)], &[]);
}

/// Makes a zeroed account a mint without freeze authority.
pub fn initialize_mint(program: TokenProgram, mint: &AccountView, decimals: u8, authority: &Address) {
    let mut data = [0u8; 35];
    data[0] = INITIALIZE_MINT_2;
    data[1] = decimals;
    data[2..34].copy_from_slice(authority.as_array());
    let accounts = [InstructionAccount::writable(mint.address())];
    call(program.address, &data, &accounts, &[CpiAccount::from(mint)], &[]);
}

#[inline(always)]
fn amount_instruction(tag: u8, amount: u64) -> [u8; 9] {
    let mut data = [tag; 9];
    data[1..].copy_from_slice(&amount.to_le_bytes());
    data
}

#[inline(always)]
fn call(program: &Address, data: &[u8], accounts: &[InstructionAccount], infos: &[CpiAccount], signers: &[Signer]) {
    // SAFETY: the token programs write token accounts and the LP mint, and no reference to their data lives across a call
    // (`Vault::amount` and `MintAccount` read and let go). The pool is passed read-only.
    unsafe { invoke_signed_unchecked(&InstructionView { program_id: program, data, accounts }, infos, signers) };
}
