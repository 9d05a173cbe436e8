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
const RENT_EPOCH: usize = size_of::<u64>();

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
pub unsafe fn run(input: *mut u8) -> Result<()> {
    let mut views = [const { MaybeUninit::<AccountView>::uninit() }; MAX_ACCOUNTS];
    // SAFETY (whole block): the offsets are those of the loader's format: a u64 count; per account either a
    // `RuntimeAccount` (first byte 255), its data, room to grow, padding to 8 and the rent epoch, or 8 bytes whose first is
    // the index of an earlier account; a u64 length, the instruction data and the 32 bytes of the program id. `cursor` stays
    // 8-byte aligned until the instruction data. Views below `count` are initialized in order, so an index to an earlier
    // account below `MAX_ACCOUNTS` reads an initialized one.
    unsafe {
        let count = *input.cast::<u64>() as usize;
        let mut cursor = input.add(size_of::<u64>());
        for i in 0..count {
            let account = cursor.cast::<RuntimeAccount>();
            let first = (*account).borrow_state;
            let view = if first == NOT_BORROWED {
                let length = (*account).data_len as usize;
                let padded = length.wrapping_add(7) & !7;
                cursor = cursor.add(size_of::<RuntimeAccount>() + MAX_PERMITTED_DATA_INCREASE + RENT_EPOCH + padded);
                AccountView::new_unchecked(account)
            } else {
                cursor = cursor.add(size_of::<u64>());
                match views.get(usize::from(first)) {
                    Some(earlier) if i < MAX_ACCOUNTS => earlier.assume_init(),
                    _ => continue,
                }
            };
            if let Some(slot) = views.get_mut(i) {
                slot.write(view);
            }
        }
        let length = *cursor.cast::<u64>() as usize;
        let data = cursor.add(size_of::<u64>());
        let program_id = &*data.add(length).cast::<Address>();
        let views = core::slice::from_raw_parts(views.as_ptr().cast::<AccountView>(), count.min(MAX_ACCOUNTS));
        dispatch(program_id, views, core::slice::from_raw_parts(data, length))
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
