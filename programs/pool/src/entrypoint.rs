//! From the runtime's input buffer to an instruction.
//!
//! The buffer is parsed here and not by pinocchio's entrypoint, which expects the instruction data in the second register:
//! only runtimes with SIMD-0321 put it there.

use core::mem::MaybeUninit;

use pinocchio::{
    AccountView, Address,
    account::{MAX_PERMITTED_DATA_INCREASE, NOT_BORROWED, RuntimeAccount},
};

use crate::{
    errors::{PoolError, Result},
    instructions,
};

/// The longest account list of any instruction. What follows is skipped.
const MAX_ACCOUNTS: usize = 14;
/// What the serialization of an account holds besides its data: the head before it, room to grow and the rent epoch after it.
const AROUND_DATA: usize = size_of::<RuntimeAccount>() + MAX_PERMITTED_DATA_INCREASE + size_of::<u64>();

/// # Safety
/// Called by the loader only: `input` is its 8-byte aligned serialization of accounts, instruction data and program id.
#[cfg(not(feature = "no-entrypoint"))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
    // SAFETY: the caller's promise is the callee's.
    let outcome = unsafe { run(input) };
    match outcome {
        Ok(()) => pinocchio::SUCCESS,
        Err(error) => error.report(),
    }
}

/// # Safety
/// As `entrypoint`.
#[inline(always)]
unsafe fn run(input: *mut u8) -> Result<()> {
    let mut views = [const { MaybeUninit::<AccountView>::uninit() }; MAX_ACCOUNTS];
    let first = views.as_mut_ptr().cast::<AccountView>();
    // SAFETY: these are the offsets of the loader's format: a u64 count; the accounts; a u64 length, the instruction data and
    // the 32 bytes of the program id. Every view below `kept` is written in order before the slice is made of them, and an
    // account that repeats another names one before it, so it reads a written one.
    unsafe {
        let count = *input.cast::<u64>() as usize;
        let kept = if count < MAX_ACCOUNTS { count } else { MAX_ACCOUNTS };
        let mut cursor = input.add(size_of::<u64>());
        let (mut next, end) = (first, first.add(kept));
        while next != end {
            let view = match next_account(&mut cursor) {
                Entry::Account(view) => view,
                Entry::Repeated(index) => *first.add(index),
            };
            next.write(view);
            next = next.add(1);
        }
        for _ in kept..count {
            next_account(&mut cursor);
        }
        let length = *cursor.cast::<u64>() as usize;
        let data = cursor.add(size_of::<u64>());
        let program_id = &*data.add(length).cast::<Address>();
        dispatch(program_id, core::slice::from_raw_parts(first, kept), core::slice::from_raw_parts(data, length))
    }
}

enum Entry {
    Account(AccountView),
    /// The index of the same account further up.
    Repeated(usize),
}

/// # Safety
/// `cursor` stands at an account of the loader's serialization, which is 8-byte aligned: either a `RuntimeAccount` (first byte
/// 255), its data, room to grow, padding to 8 and the rent epoch, or 8 bytes whose first is an index. It is left at what follows.
#[inline(always)]
unsafe fn next_account(cursor: &mut *mut u8) -> Entry {
    let account = cursor.cast::<RuntimeAccount>();
    // SAFETY: the caller's promise; an account's length is bounded by the buffer it lies in.
    unsafe {
        let marker = (*account).borrow_state;
        if marker == NOT_BORROWED {
            let padded = ((*account).data_len as usize).wrapping_add(7) & !7;
            *cursor = cursor.add(padded.wrapping_add(AROUND_DATA));
            Entry::Account(AccountView::new_unchecked(account))
        } else {
            *cursor = cursor.add(size_of::<u64>());
            Entry::Repeated(usize::from(marker))
        }
    }
}

#[inline(always)]
fn dispatch(program_id: &Address, views: &[AccountView], data: &[u8]) -> Result<()> {
    let (discriminator, arguments) = data.split_first_chunk::<8>().ok_or(PoolError::InvalidInstruction)?;
    match u64::from_le_bytes(*discriminator) {
        instructions::SWAP_EXACT_IN => instructions::swap_exact_in(program_id, views, arguments),
        instructions::SWAP_EXACT_OUT => instructions::swap_exact_out(program_id, views, arguments),
        instructions::ADD_LIQUIDITY => instructions::add_liquidity(program_id, views, arguments),
        instructions::REMOVE_LIQUIDITY => instructions::remove_liquidity(program_id, views, arguments),
        instructions::COLLECT_PROTOCOL_FEES => instructions::collect_protocol_fees(program_id, views, arguments),
        instructions::SET_POOL_STATUS => instructions::set_pool_status(program_id, views, arguments),
        instructions::INITIALIZE_POOL => instructions::initialize_pool(program_id, views, arguments),
        _ => Err(PoolError::InvalidInstruction),
    }
}
