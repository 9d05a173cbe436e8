//! Memory: the caller's room first, behind it what one solve needs, given back all at once.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::Cell;
use core::ptr::null_mut;

const PAGE: usize = 65_536;
const ALIGNMENT: usize = 16;

struct Arena {
    /// Where the caller's room ends.
    reserved: Cell<usize>,
    top: Cell<usize>,
}

// A module runs on one thread.
unsafe impl Sync for Arena {}

#[global_allocator]
static ARENA: Arena = Arena { reserved: Cell::new(0), top: Cell::new(0) };

unsafe extern "C" {
    static __heap_base: u8;
}

/// Where the reserved room is, the same for all of its sizes.
pub fn start() -> *mut u8 {
    (&raw const __heap_base as usize).next_multiple_of(ALIGNMENT) as *mut u8
}

pub fn reserve(bytes: usize) -> *mut u8 {
    ARENA.top.set(start() as usize);
    let room = unsafe { ARENA.alloc(Layout::from_size_align_unchecked(bytes, ALIGNMENT)) };
    ARENA.reserved.set(ARENA.top.get());
    room
}

pub fn release() {
    ARENA.top.set(ARENA.reserved.get());
}

unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.top.get().next_multiple_of(layout.align());
        let Some(end) = start.checked_add(layout.size()) else { return null_mut() };
        let held = memory_size(0) * PAGE;
        if end > held && memory_grow(0, (end - held).div_ceil(PAGE)) == usize::MAX {
            return null_mut();
        }
        self.top.set(end);
        start as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
