//! The ring of cumulative prices.

use core::mem::{align_of, offset_of};

use pinocchio::Address;

use super::{LeI64, LeU16, LeU64, LeU128};
use crate::math::seconds_between;

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Observation {
    pub at: LeI64,
    pub cumulative_a_x64: LeU128,
    pub cumulative_b_x64: LeU128,
}

#[repr(C)]
pub struct Oracle {
    pub discriminator: LeU64,
    pub pool: Address,
    next: LeU16,
    count: LeU16,
    observations: [Observation; Oracle::CAPACITY],
}

const _: () = {
    assert!(size_of::<Oracle>() == Oracle::LENGTH);
    assert!(align_of::<Oracle>() == 1);
    assert!(offset_of!(Oracle, observations) == 44);
};

impl Oracle {
    pub const CAPACITY: usize = 128;
    pub const LENGTH: usize = 44 + Self::CAPACITY * 40;
    /// `sha256("account:Oracle")[..8]`
    pub const DISCRIMINATOR: u64 = u64::from_le_bytes([139, 194, 131, 179, 140, 179, 229, 244]);
    pub const SEED: &'static [u8] = b"oracle";
    /// Observations are at least this many seconds apart, so that the ring always spans half an hour.
    pub const SPACING_S: u64 = 15;

    /// Appends the observation unless the newest one is too young.
    #[inline(always)]
    pub fn observe(&mut self, observation: Observation) {
        let next = usize::from(self.next.get()) % Self::CAPACITY;
        let newest = next.wrapping_sub(1) % Self::CAPACITY;
        let count = self.count.get();
        let due = match self.observations.get(newest) {
            Some(newest) if count > 0 => seconds_between(newest.at.get(), observation.at.get()) >= Self::SPACING_S,
            _ => true,
        };
        if !due {
            return;
        }
        if let Some(slot) = self.observations.get_mut(next) {
            *slot = observation;
        }
        self.next.set(((next + 1) % Self::CAPACITY) as u16);
        if usize::from(count) < Self::CAPACITY {
            self.count.set(count + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(at: i64) -> Observation {
        Observation { at: LeI64::new(at), cumulative_a_x64: LeU128::new(at as u128), cumulative_b_x64: LeU128::new(0) }
    }

    #[test]
    fn the_ring_keeps_its_distance_and_wraps() {
        let mut oracle = Oracle {
            discriminator: LeU64::new(Oracle::DISCRIMINATOR),
            pool: Address::new_from_array([0; 32]),
            next: LeU16::new(0),
            count: LeU16::new(0),
            observations: [observation(0); Oracle::CAPACITY],
        };
        oracle.observe(observation(100));
        oracle.observe(observation(114));
        assert_eq!((oracle.next.get(), oracle.count.get()), (1, 1));
        for i in 1..130 {
            oracle.observe(observation(100 + 15 * i));
        }
        assert_eq!((oracle.next.get(), oracle.count.get()), (2, 128));
        assert_eq!(oracle.observations[1].at.get(), 100 + 15 * 129);
        assert_eq!(oracle.observations[2].at.get(), 130);
    }
}
