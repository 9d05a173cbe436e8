//! What the program asks of the runtime besides calling other programs. Off chain every function has a harmless stand-in,
//! so that the arithmetic can be tested on the host.

use pinocchio::Address;

use crate::{
    errors::{PoolError, Result},
    math::wide,
};

#[cfg(any(target_os = "solana", target_arch = "bpf"))]
use pinocchio::syscalls::{sol_get_sysvar, sol_log_, sol_log_data, sol_try_find_program_address};

const CLOCK_ID: [u8; 32] = [
    6, 167, 213, 23, 24, 199, 116, 201, 40, 86, 99, 152, 105, 29, 94, 182, 139, 94, 184, 163, 155, 75, 109, 92, 115, 85, 91, 33, 0,
    0, 0, 0,
];
const RENT_ID: [u8; 32] = [
    6, 167, 213, 23, 25, 44, 92, 81, 33, 140, 201, 76, 61, 74, 241, 127, 88, 218, 238, 8, 155, 161, 253, 68, 227, 219, 217, 138, 0,
    0, 0, 0,
];

/// Bytes an account occupies beyond its data when rent is computed.
const ACCOUNT_OVERHEAD: u64 = 128;

/// The part of the clock sysvar from its 16th byte on.
#[repr(C)]
pub struct Clock {
    pub epoch: u64,
    _leader_schedule_epoch: u64,
    pub unix_timestamp: i64,
}

const CLOCK_OFFSET: u64 = 16;

impl Clock {
    #[inline(always)]
    pub fn get() -> Self {
        let mut clock = Self { epoch: 0, _leader_schedule_epoch: 0, unix_timestamp: 0 };
        read_sysvar(&CLOCK_ID, (&raw mut clock).cast(), CLOCK_OFFSET, size_of::<Self>() as u64);
        clock
    }
}

#[repr(C)]
struct Rent {
    lamports_per_byte: u64,
    exemption_threshold_bits: u64,
}

/// Lamports that exempt an account of `length` bytes from rent.
///
/// The threshold is a float (years) and this machine has none; it is 2 on clusters before SIMD-0194 and 1 after it, the
/// product with the rate being the same. Any other value is refused.
pub fn rent_exempt_lamports(length: u64) -> Result<u64> {
    let mut rent = Rent { lamports_per_byte: 0, exemption_threshold_bits: 0 };
    read_sysvar(&RENT_ID, (&raw mut rent).cast(), 0, size_of::<Rent>() as u64);
    let years = match rent.exemption_threshold_bits {
        0x3FF0_0000_0000_0000 => 1,
        0x4000_0000_0000_0000 => 2,
        _ => return Err(PoolError::MathOverflow),
    };
    let bytes = length.checked_add(ACCOUNT_OVERHEAD).ok_or(PoolError::MathOverflow)?;
    // years is 1 or 2 and bytes a few thousand.
    wide::mul_div_floor(bytes.wrapping_mul(years), rent.lamports_per_byte, 1).ok_or(PoolError::MathOverflow)
}

#[inline(always)]
fn read_sysvar(id: &[u8; 32], target: *mut u8, offset: u64, length: u64) {
    #[cfg(any(target_os = "solana", target_arch = "bpf"))]
    // SAFETY: `target` points to a live `repr(C)` struct of integers of exactly `length` bytes (both callers pass its
    // size), and `id` to 32 bytes. The only failures are a wrong id or range, which are constants here.
    unsafe {
        sol_get_sysvar(id.as_ptr(), target, offset, length);
    }
    #[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
    core::hint::black_box((id, target, offset, length));
}

#[inline(always)]
pub fn log(line: &[u8]) {
    #[cfg(any(target_os = "solana", target_arch = "bpf"))]
    // SAFETY: pointer and length describe one live slice; the runtime checks that it is UTF-8.
    unsafe {
        sol_log_(line.as_ptr(), line.len() as u64);
    }
    #[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
    core::hint::black_box(line);
}

/// Emits one `Program data:` log line.
#[inline(always)]
pub fn log_data(bytes: &[u8]) {
    #[cfg(any(target_os = "solana", target_arch = "bpf"))]
    {
        let fields = [bytes];
        // SAFETY: the runtime expects an array of (pointer, length) pairs, which is how a slice reference is laid out on
        // this target; array and bytes live through the call.
        unsafe {
            sol_log_data(fields.as_ptr().cast(), fields.len() as u64);
        }
    }
    #[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
    core::hint::black_box(bytes);
}

/// The address derived from `seeds` and the bump that takes it off the curve.
#[inline(always)]
pub fn find_program_address(seeds: &[&[u8]], program_id: &Address) -> Result<(Address, u8)> {
    let mut address = Address::new_from_array([0; 32]);
    let mut bump = 0u8;
    #[cfg(any(target_os = "solana", target_arch = "bpf"))]
    // SAFETY: seeds are (pointer, length) pairs as above; `address` and `bump` are live and of the sizes the runtime writes.
    let code = unsafe {
        sol_try_find_program_address(
            seeds.as_ptr().cast(),
            seeds.len() as u64,
            program_id.as_array().as_ptr(),
            (&raw mut address).cast(),
            &raw mut bump,
        )
    };
    #[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
    let code = {
        core::hint::black_box((seeds, program_id, &mut address, &mut bump));
        1u64
    };
    if code != 0 {
        return Err(PoolError::InvalidPool);
    }
    Ok((address, bump))
}
