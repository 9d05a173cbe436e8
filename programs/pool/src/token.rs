//! Calls into the token programs. A failing call ends the transaction inside the runtime; it never returns here.

use pinocchio::{
    AccountView, Address,
    cpi::{CpiAccount, Signer, invoke_signed_unchecked},
    instruction::{InstructionAccount, InstructionView},
};

use crate::{
    accounts::{LpMint, MintAccount, PoolAccount, SignerAccount, TokenProgram, UserTokenAccount, Vault, balance, mint_decimals},
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

/// What leaves the user and what of it must reach the vault.
#[derive(Clone, Copy)]
pub struct Flow {
    pub sent: u64,
    pub net: u64,
}

/// Sends tokens from the user to a vault and makes sure that the net amount arrived.
#[inline(always)]
pub fn deposit(mint: &MintAccount, source: UserTokenAccount, vault: Vault, user: SignerAccount, flow: Flow) -> Result<()> {
    let (from, to, authority) = (source.view, vault.view, user.view);
    if mint.program.extended {
        let transfer = TransferChecked { mint: mint.view, from, to, authority, amount: flow.sent, signers: &[] };
        return deposit_checked(&transfer, mint.program.address, flow.net);
    }
    transfer(mint.program.address, from, to, authority, flow.sent, &[]);
    Ok(())
}

/// SPL Token moves exactly what it is told; Token-2022 keeps a fee, and the books rely on our computing the same one.
#[inline(never)]
fn deposit_checked(transfer: &TransferChecked, program: &Address, net: u64) -> Result<()> {
    let vault = transfer.to;
    let before = balance(vault)?;
    transfer.send(program)?;
    match balance(vault)?.checked_sub(before) {
        Some(arrived) if arrived == net => Ok(()),
        _ => Err(PoolError::TransferFeeMismatch),
    }
}

/// Sends `amount` from a vault, which the pool signs for.
#[inline(always)]
pub fn withdraw(mint: &MintAccount, vault: Vault, destination: UserTokenAccount, pool: &PoolAccount, amount: u64) -> Result<()> {
    let (from, to, authority) = (vault.view, destination.view, pool.view);
    let seeds = pool.seeds();
    let signers = &[Signer::from(&seeds)];
    if mint.program.extended {
        let transfer = TransferChecked { mint: mint.view, from, to, authority, amount, signers };
        return transfer.send(mint.program.address);
    }
    transfer(mint.program.address, from, to, authority, amount, signers);
    Ok(())
}

/// SPL Token's `Transfer` costs less than its `TransferChecked`, and the token program compares both accounts' mints itself.
#[inline(always)]
fn transfer(program: &Address, from: &AccountView, to: &AccountView, authority: &AccountView, amount: u64, signers: &[Signer]) {
    let accounts = [
        InstructionAccount::writable(from.address()),
        InstructionAccount::writable(to.address()),
        InstructionAccount::readonly_signer(authority.address()),
    ];
    let infos = [CpiAccount::from(from), CpiAccount::from(to), CpiAccount::from(authority)];
    call(program, &amount_instruction(TRANSFER, amount), &accounts, &infos, signers);
}

/// Token-2022 wants to see the mint, to compute its fee.
struct TransferChecked<'a> {
    mint: &'a AccountView,
    from: &'a AccountView,
    to: &'a AccountView,
    authority: &'a AccountView,
    amount: u64,
    signers: &'a [Signer<'a, 'a>],
}

impl TransferChecked<'_> {
    #[inline(never)]
    fn send(&self, program: &Address) -> Result<()> {
        let mut data = [0u8; 10];
        data[0] = TRANSFER_CHECKED;
        data[1..9].copy_from_slice(&self.amount.to_le_bytes());
        data[9] = mint_decimals(self.mint)?;
        let accounts = [
            InstructionAccount::writable(self.from.address()),
            InstructionAccount::readonly(self.mint.address()),
            InstructionAccount::writable(self.to.address()),
            InstructionAccount::readonly_signer(self.authority.address()),
        ];
        let infos =
            [CpiAccount::from(self.from), CpiAccount::from(self.mint), CpiAccount::from(self.to), CpiAccount::from(self.authority)];
        call(program, &data, &accounts, &infos, self.signers);
        Ok(())
    }
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
