//! Calls into the system program.

use pinocchio::{
    AccountView, Address,
    cpi::{CpiAccount, Signer, invoke_signed_unchecked},
    instruction::{InstructionAccount, InstructionView},
};

use crate::{errors::Result, syscalls};

pub const ID: Address = Address::new_from_array([0; 32]);

const ASSIGN: u8 = 1;
const TRANSFER: u8 = 2;
const ALLOCATE: u8 = 8;

/// Creates `account` with `length` bytes for `owner`.
///
/// Transfer, allocate and assign instead of one CreateAccount: that instruction refuses an address which already holds
/// lamports, so anyone could block a pool by sending one lamport to an address it needs.
pub fn create_account(payer: &AccountView, account: &AccountView, length: u64, owner: &Address, signer: &Signer) -> Result<()> {
    let missing = syscalls::rent_exempt_lamports(length)?.saturating_sub(account.lamports());
    if missing > 0 {
        let mut data = [0u8; 12];
        data[0] = TRANSFER;
        data[4..12].copy_from_slice(&missing.to_le_bytes());
        let instruction = InstructionView {
            program_id: &ID,
            data: &data,
            accounts: &[InstructionAccount::writable_signer(payer.address()), InstructionAccount::writable(account.address())],
        };
        // SAFETY: no reference to the data of payer or new account exists while the system program runs.
        unsafe { invoke_signed_unchecked(&instruction, &[CpiAccount::from(payer), CpiAccount::from(account)], &[]) };
    }
    let mut allocate = [0u8; 12];
    allocate[0] = ALLOCATE;
    allocate[4..12].copy_from_slice(&length.to_le_bytes());
    call_for(account, &allocate, signer);
    let mut assign = [0u8; 36];
    assign[0] = ASSIGN;
    assign[4..36].copy_from_slice(owner.as_array());
    call_for(account, &assign, signer);
    Ok(())
}

#[inline(always)]
fn call_for(account: &AccountView, data: &[u8], signer: &Signer) {
    let instruction =
        InstructionView { program_id: &ID, data, accounts: &[InstructionAccount::writable_signer(account.address())] };
    // SAFETY: no reference to the new account's data exists while the system program runs.
    unsafe { invoke_signed_unchecked(&instruction, &[CpiAccount::from(account)], core::slice::from_ref(signer)) };
}
