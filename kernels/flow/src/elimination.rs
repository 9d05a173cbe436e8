//! A symmetric positive definite system over mints, of which few meet: Gauss's elimination in an order that makes few meet anew
//! (the least connected first), found once and used at every step.

use alloc::vec;
use alloc::vec::Vec;

use crate::pair::Pair;

const NONE: u32 = u32::MAX;
const BITS: usize = 64;
const SCATTERED: u32 = NONE;

/// Unknowns are numbered in the order in which they are eliminated.
pub struct System {
    /// `rows[start[i]..start[i + 1]]`: the later unknowns that meet unknown i when it is eliminated, ascending; `values` beside them.
    start: Vec<u32>,
    rows: Vec<u32>,
    pub values: Vec<f64>,
    /// One more than there are unknowns: whatever is added to the reference goes there.
    pub diagonal: Vec<f64>,
    /// For each unknown, for each of its rows but the last: where the values lie that those of later rows change, if they lie side by
    /// side, as they do where the row's own later unknowns are no more than these. Otherwise `SCATTERED`, and for each pair with a
    /// later row the place is in `changed`.
    runs: Vec<u32>,
    changed: Vec<u32>,
}

/// The place of a piece's value: between two unknowns, or nowhere, at the reference.
pub type Place = u32;
pub const NOWHERE: Place = NONE;

/// The number of each mint: in the order of elimination, the reference, which is no unknown, last.
pub fn numbered(mints: usize, reference: usize, source: &[u32], target: &[u32]) -> Vec<u32> {
    let mut meeting = Meeting::new(mints, source, target);
    let mut number = vec![NONE; mints];
    number[reference] = (mints - 1) as u32;
    meeting.leave(reference);
    for place in 0..mints - 1 {
        let mut next = 0;
        let mut fewest = u32::MAX;
        for one in 0..mints {
            if number[one] == NONE && meeting.count[one] < fewest {
                (next, fewest) = (one, meeting.count[one]);
            }
        }
        number[next] = place as u32;
        meeting.eliminate(next, |_| {});
    }
    number
}

impl System {
    /// The system of pieces between these mints, by number, and the place of each piece's value. Neighbouring pieces of one pool cost
    /// nothing.
    pub fn new(unknowns: usize, source: &[u32], target: &[u32]) -> (Self, Vec<Place>) {
        let mut meeting = Meeting::new(unknowns, source, target);
        let mut start = Vec::with_capacity(unknowns + 1);
        let mut rows = Vec::new();
        start.push(0);
        for one in 0..unknowns {
            meeting.eliminate(one, |row| rows.push(row));
            start.push(rows.len() as u32);
        }
        let (mut runs, mut changed) = (Vec::with_capacity(rows.len()), Vec::new());
        for one in 0..unknowns {
            let beside = &rows[start[one] as usize..start[one + 1] as usize];
            for (first, &row) in beside.iter().enumerate() {
                let later = &beside[first + 1..];
                let (own, end) = (start[row as usize], start[row as usize + 1]);
                if (end - own) as usize == later.len() {
                    runs.push(own);
                } else {
                    runs.push(SCATTERED);
                    changed.extend(later.iter().map(|&other| place(&start, &rows, row, other)));
                }
            }
        }
        let mut places = Vec::with_capacity(source.len());
        let (mut before, mut found) = ((NONE, NONE), NOWHERE);
        for (&one, &other) in source.iter().zip(target) {
            if (one, other) != before {
                before = (one, other);
                let reference = one.max(other) as usize >= unknowns;
                found = if reference { NOWHERE } else { place(&start, &rows, one.min(other), one.max(other)) };
            }
            places.push(found);
        }
        let values = vec![0.0; rows.len()];
        (Self { start, rows, values, diagonal: vec![0.0; unknowns + 1], runs, changed }, places)
    }

    /// Puts the solution in the place of the right side. False where there is none; the system is used up.
    pub fn solve(&mut self, right: &mut [f64]) -> bool {
        let unknowns = self.start.len() - 1;
        let mut changes = self.changed.iter();
        for one in 0..unknowns {
            let pivot = self.diagonal[one];
            if !(pivot > 0.0) || pivot == f64::INFINITY {
                return false;
            }
            let inverse = 1.0 / pivot;
            let own = right[one];
            let (first, end) = (self.start[one] as usize, self.start[one + 1] as usize);
            for at in first..end {
                let row = self.rows[at] as usize;
                let factor = self.values[at] * inverse;
                self.diagonal[row] -= factor * self.values[at];
                right[row] -= factor * own;
                let (these, later) = self.values.split_at_mut(end);
                let these = &these[at + 1..];
                match self.runs[at] {
                    SCATTERED => {
                        for (&value, &place) in these.iter().zip(&mut changes) {
                            later[place as usize - end] -= factor * value;
                        }
                    }
                    run => subtract(&mut later[run as usize - end..][..these.len()], these, factor),
                }
            }
        }
        for one in (0..unknowns).rev() {
            let beside = self.start[one] as usize..self.start[one + 1] as usize;
            let known: f64 = beside.map(|at| self.values[at] * right[self.rows[at] as usize]).sum();
            right[one] = (right[one] - known) / self.diagonal[one];
        }
        true
    }
}

/// Takes so many times the values from others.
#[inline(always)]
fn subtract(from: &mut [f64], values: &[f64], times: f64) {
    let factor = Pair::both(times);
    let (mut from, mut values) = (from.chunks_exact_mut(2), values.chunks_exact(2));
    for (from, values) in (&mut from).zip(&mut values) {
        let less = Pair::new(from[0], from[1]) - factor * Pair::new(values[0], values[1]);
        (from[0], from[1]) = (less.first(), less.second());
    }
    for (from, value) in from.into_remainder().iter_mut().zip(values.remainder()) {
        *from -= times * value;
    }
}

/// Where the value of two unknowns that meet is; `one` is eliminated before `other`.
fn place(start: &[u32], rows: &[u32], one: u32, other: u32) -> Place {
    let first = start[one as usize] as usize;
    let beside = &rows[first..start[one as usize + 1] as usize];
    (first + beside.partition_point(|&row| row < other)) as Place
}

/// Who meets whom, a row of bits for each, and with how many.
struct Meeting {
    words: usize,
    bits: Vec<u64>,
    count: Vec<u32>,
    row: Vec<u64>,
}

impl Meeting {
    fn new(unknowns: usize, source: &[u32], target: &[u32]) -> Self {
        let words = unknowns.div_ceil(BITS);
        let mut bits = vec![0; unknowns * words];
        let mut before = (NONE, NONE);
        for (&one, &other) in source.iter().zip(target) {
            if (one, other) != before {
                before = (one, other);
                let (one, other) = (one as usize, other as usize);
                if one < unknowns && other < unknowns && one != other {
                    bits[one * words + other / BITS] |= 1 << (other % BITS);
                    bits[other * words + one / BITS] |= 1 << (one % BITS);
                }
            }
        }
        let count = (0..unknowns).map(|one| counted(&bits[one * words..(one + 1) * words])).collect();
        Self { words, bits, count, row: vec![0; words] }
    }

    /// Takes one out, whom others need not meet for.
    fn leave(&mut self, gone: usize) {
        for one in 0..self.count.len() {
            let word = &mut self.bits[one * self.words + gone / BITS];
            self.count[one] -= (*word >> (gone % BITS)) as u32 & 1;
            *word &= !(1 << (gone % BITS));
        }
    }

    /// Takes one out: whoever it met meet each other now. They are told, ascending.
    fn eliminate(&mut self, gone: usize, mut met: impl FnMut(u32)) {
        let words = self.words;
        self.row.copy_from_slice(&self.bits[gone * words..(gone + 1) * words]);
        for word in 0..words {
            let mut left = self.row[word];
            while left != 0 {
                let one = word * BITS + left.trailing_zeros() as usize;
                left &= left - 1;
                met(one as u32);
                let own = &mut self.bits[one * words..(one + 1) * words];
                for (mine, theirs) in own.iter_mut().zip(&self.row) {
                    *mine |= theirs;
                }
                own[one / BITS] &= !(1 << (one % BITS));
                own[gone / BITS] &= !(1 << (gone % BITS));
                self.count[one] = counted(own);
            }
        }
    }
}

fn counted(bits: &[u64]) -> u32 {
    bits.iter().map(|word| word.count_ones()).sum()
}
