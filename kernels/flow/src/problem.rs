//! What caller and kernel hand each other.

use core::slice::from_raw_parts_mut;

const HEADER: usize = 4;

/// In memory one after the other: as f64 the tolerance, how many pieces and mints there are, and which mint is the reference, whose
/// price is 1; as u32 `source` and `target` per piece; then f64 again: `capacity`, `slope`, `bend`, `flows` per piece, `supply`,
/// `prices` per mint, and `found`. The kernel writes `flows`, `prices` and `found`: the complementarity gap, the largest unmet
/// balance, and the sum of both and what is not stationary.
pub struct Problem<'a> {
    pub tolerance: f64,
    pub reference: usize,
    pub source: &'a [u32],
    pub target: &'a [u32],
    pub capacity: &'a [f64],
    pub slope: &'a [f64],
    pub bend: &'a [f64],
    pub flows: &'a mut [f64],
    pub supply: &'a [f64],
    pub prices: &'a mut [f64],
    pub found: &'a mut [f64],
}

impl<'a> Problem<'a> {
    /// # Safety
    /// All of it lies within memory that nobody else uses meanwhile.
    pub unsafe fn at(start: *mut u8) -> Self {
        let doubles = start.cast::<f64>();
        let header = unsafe { from_raw_parts_mut(doubles, HEADER) };
        let (pieces, mints) = (header[1] as usize, header[2] as usize);
        let ints = unsafe { from_raw_parts_mut(doubles.add(HEADER).cast::<u32>(), 2 * pieces) };
        let doubles = unsafe { from_raw_parts_mut(doubles.add(HEADER + pieces), 4 * pieces + 2 * mints + 3) };
        let (source, target) = ints.split_at_mut(pieces);
        let (capacity, doubles) = doubles.split_at_mut(pieces);
        let (slope, doubles) = doubles.split_at_mut(pieces);
        let (bend, doubles) = doubles.split_at_mut(pieces);
        let (flows, doubles) = doubles.split_at_mut(pieces);
        let (supply, doubles) = doubles.split_at_mut(mints);
        let (prices, found) = doubles.split_at_mut(mints);
        let (tolerance, reference) = (header[0], header[3] as usize);
        Self { tolerance, reference, source, target, capacity, slope, bend, flows, supply, prices, found }
    }
}
