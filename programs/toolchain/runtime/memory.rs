//! The functions that compiled code calls without naming them, made of syscalls.
//!
//! Stands where `compiler_builtins` does; that crate's other contents (128-bit arithmetic, floats) are missing on purpose: the
//! linker then refuses a program that needs them.
#![allow(internal_features)]
#![feature(compiler_builtins)]
#![compiler_builtins]
#![no_builtins]
#![no_std]

unsafe extern "C" {
    fn sol_memcpy_(target: *mut u8, source: *const u8, length: usize);
    fn sol_memmove_(target: *mut u8, source: *const u8, length: usize);
    fn sol_memset_(target: *mut u8, byte: u8, length: usize);
    fn sol_memcmp_(left: *const u8, right: *const u8, length: usize, order: *mut i32);
}

// SAFETY (all of them): the callers' promises are those of C's functions of the same names, and they are what the syscalls ask.

#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(target: *mut u8, source: *const u8, length: usize) -> *mut u8 {
    unsafe { sol_memcpy_(target, source, length) };
    target
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(target: *mut u8, source: *const u8, length: usize) -> *mut u8 {
    unsafe { sol_memmove_(target, source, length) };
    target
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(target: *mut u8, byte: i32, length: usize) -> *mut u8 {
    unsafe { sol_memset_(target, byte as u8, length) };
    target
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    let mut order = 0i32;
    unsafe { sol_memcmp_(left, right, length, &raw mut order) };
    order
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    unsafe { memcmp(left, right, length) }
}
