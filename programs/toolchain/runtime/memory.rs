//! The function that compiled code calls without naming it, made of a syscall.
//!
//! Stands where `compiler_builtins` does. That crate's other contents are missing on purpose: 128-bit arithmetic, because the
//! linker then refuses a program that needs it, and memcpy, memmove and memset, because the compiler writes those out as loads
//! and stores and refuses lengths it does not know or of more than 1,024 bytes.
#![allow(internal_features)]
#![feature(compiler_builtins)]
#![compiler_builtins]
#![no_builtins]
#![no_std]

unsafe extern "C" {
    fn sol_memcmp_(left: *const u8, right: *const u8, length: usize, order: *mut i32);
}

/// # Safety
/// As in C: both pointers lead to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    let mut order = 0i32;
    // SAFETY: the caller's promise is what the syscall asks; `order` is live.
    unsafe { sol_memcmp_(left, right, length, &raw mut order) };
    order
}

/// # Safety
/// As `memcmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    // SAFETY: the caller's promise is the callee's.
    unsafe { memcmp(left, right, length) }
}
