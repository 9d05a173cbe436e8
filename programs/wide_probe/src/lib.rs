//! Runs the pool's 128-bit arithmetic where it will run: each record of the one account given is an operation with its
//! operands, and gets its result and its cost. No program of a cluster; see `tests/programs/test_build_wide.py`.
#![no_std]

#[path = "../../pool/src/math/wide.rs"]
mod wide;

unsafe extern "C" {
    fn sol_remaining_compute_units() -> u64;
    fn abort() -> !;
}

#[repr(C)]
struct Record {
    operation: u64,
    operands: [u64; 3],
    /// Filled in: 1 when there is a result.
    some: u64,
    high: u64,
    low: u64,
    /// Filled in: compute units, those of measuring included.
    cost: u64,
}

/// Loader format: account count; then of the first account flags and keys (72 bytes), lamports, length and data.
const LENGTH_AT: usize = 8 + 80;
const DATA_AT: usize = LENGTH_AT + 8;

/// # Safety
/// Called by the loader only. The tests pass exactly one account, writable and owned by this program, in whole records.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
    // SAFETY: the offsets are those of the loader's format; data is 8-byte aligned there and `Record` is all u64.
    let records = unsafe {
        let length = *input.add(LENGTH_AT).cast::<u64>() as usize;
        core::slice::from_raw_parts_mut(input.add(DATA_AT).cast::<Record>(), length / size_of::<Record>())
    };
    for record in records {
        // SAFETY: takes nothing and returns a number.
        let before = unsafe { sol_remaining_compute_units() };
        let result = run(record.operation, record.operands);
        // SAFETY: as above.
        record.cost = before.wrapping_sub(unsafe { sol_remaining_compute_units() });
        record.some = u64::from(result.is_some());
        let value = result.unwrap_or(0);
        record.high = (value >> 64) as u64;
        record.low = value as u64;
    }
    0
}

#[inline(never)]
fn run(operation: u64, [a, b, c]: [u64; 3]) -> Option<u128> {
    let pair = u128::from(a) << 64 | u128::from(b);
    match operation {
        0 => Some(wide::mul(a, b)),
        1 => Some(wide::wrapping_mul(pair, c)),
        2 => wide::div_to_u64(pair, c).map(u128::from),
        3 => wide::div(pair, c),
        4 => wide::mul_div_floor(a, b, c).map(u128::from),
        5 => wide::mul_div_ceil(a, b, c).map(u128::from),
        6 => Some(u128::from(wide::isqrt(pair))),
        7 => Some(wide::div_x64(a, b)),
        8 => compare(a as u8, b as usize, c as usize),
        _ => None,
    }
}

const ROOM: usize = 256;

/// Compares `length` bytes by the function that the compiler calls for that, after byte `changed` grew by one in the second
/// slice. High limb: 1 + the order of the first and the second; low limb: 1 when they are equal.
fn compare(byte: u8, length: usize, changed: usize) -> Option<u128> {
    let first = [byte; ROOM];
    let mut second = first;
    if let Some(at) = second.get_mut(changed) {
        *at = at.wrapping_add(1);
    }
    let (first, second) = (first.get(..length)?, second.get(..length)?);
    let order = first.cmp(second) as i8;
    Some(u128::from((order + 1) as u8) << 64 | u128::from(first == second))
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    // SAFETY: takes nothing and does not return.
    unsafe { abort() }
}
