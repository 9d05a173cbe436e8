//! Newton steps on the perturbed conditions of optimality; flow.py says of what.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::elimination::{NOWHERE, System, numbered};
use crate::pair::Pair;
use crate::problem::Problem;

const MOST_STEPS: usize = 60;
/// Of the way to a border that one step may go.
const SHY: f64 = 0.995;
const SMALLEST: f64 = 1e-300;
/// Of a capacity: the least room that is left of it.
const NEARLY_FULL: f64 = 1e-16;
const LEAST_DIAGONAL: f64 = 1e-14;
const FIRST: f64 = 0.1;

/// A piece, what stays positive of it, and what a step works out for it: little, since all of them are passed through three times a
/// step.
#[derive(Clone, Copy)]
struct Piece {
    /// z and capacity - z.
    room: Pair,
    /// Multipliers of z >= 0 and of z <= capacity.
    held: Pair,
    /// One over `room`.
    inverse: Pair,
    capacity: f64,
    slope: f64,
    bend: f64,
    marginal: f64,
    growth: f64,
    earned: f64,
    yielding: f64,
    change: f64,
}

/// Pieces that follow each other between the same two mints, and the place of their value.
struct Run {
    pieces: Range<usize>,
    source: usize,
    target: usize,
    place: u32,
}

/// What is left over at a mint, its price, and what a step works out for it.
#[derive(Clone, Copy)]
struct Mint {
    supply: f64,
    balance: f64,
    left: f64,
    price: f64,
    left_change: f64,
}

/// What the last step worked towards, and how far flows and multipliers each go there.
struct Step {
    barrier: f64,
    forward: f64,
    upward: f64,
}

pub fn solve(problem: Problem<'_>) {
    let Problem { tolerance, reference, source, target, capacity, slope, bend, flows, supply, prices, found } = problem;
    let count = capacity.len();
    let free = supply.len() - 1;
    let number = numbered(supply.len(), reference, source, target);
    let renumbered = |mints: &[u32]| -> Vec<u32> { mints.iter().map(|&mint| number[mint as usize]).collect() };
    let (source, target) = (renumbered(source), renumbered(target));
    let (mut system, places) = System::new(free, &source, &target);
    let mut pieces: Vec<Piece> = (0..count)
        .map(|k| {
            let z = (0.5 * capacity[k]).min(1.0 / count as f64);
            Piece {
                room: Pair::new(z, capacity[k] - z),
                held: Pair::new(FIRST, FIRST.min(FIRST / capacity[k])),
                inverse: Pair::both(0.0),
                capacity: capacity[k],
                slope: slope[k],
                bend: bend[k],
                marginal: 0.0,
                growth: 0.0,
                earned: 0.0,
                yielding: 0.0,
                change: 0.0,
            }
        })
        .collect();
    let runs = runs_of(&source, &target, &places);
    let mut mints = vec![Mint { supply: 0.0, balance: 0.0, left: FIRST, price: 1.0, left_change: 0.0 }; free + 1];
    for (mint, &supplied) in supply.iter().enumerate() {
        mints[number[mint] as usize].supply = supplied;
    }
    let mut changes = vec![0.0; free + 1];
    found.fill(f64::INFINITY);

    let mut taken = Step { barrier: 0.0, forward: 0.0, upward: 0.0 };
    for step in 0..MOST_STEPS {
        let (gap, unmet, stray) = advanced(&runs, &mut pieces, &mut mints, &changes, &taken);
        let error = gap + unmet + stray;
        if step == 0 || error < found[2] {
            found.copy_from_slice(&[gap, unmet, error]);
            for (flow, piece) in flows.iter_mut().zip(&pieces) {
                *flow = piece.room.first();
            }
            for (mint, price) in prices.iter_mut().enumerate() {
                *price = mints[number[mint] as usize].price;
            }
        }
        if error < tolerance {
            return;
        }
        let centre = if unmet < 1e-3 { 0.1 } else { 0.3 };
        let barrier = gap / (2 * count + free) as f64 * centre;
        assemble(&runs, &mut pieces, &mints, &mut system, &mut changes, barrier);
        if !system.solve(&mut changes[..free]) {
            return;
        }
        let Some((forward, upward)) = changed(&runs, &mut pieces, &mut mints, &changes, barrier) else { return };
        taken = Step { barrier, forward, upward };
    }
}

fn runs_of(source: &[u32], target: &[u32], places: &[u32]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut start = 0;
    for end in 1..=source.len() {
        if end == source.len() || (source[end], target[end]) != (source[start], target[start]) {
            let (source, target) = (source[start] as usize, target[start] as usize);
            runs.push(Run { pieces: start..end, source, target, place: places[start] });
            start = end;
        }
    }
    runs
}

/// Takes a step. Then balances, marginal outputs and earnings; returns the complementarity gap, the largest unmet balance, and what
/// is not stationary, which costs at most what could flow there.
fn advanced(runs: &[Run], pieces: &mut [Piece], mints: &mut [Mint], changes: &[f64], step: &Step) -> (f64, f64, f64) {
    let &Step { barrier, forward, upward } = step;
    let free = mints.len() - 1;
    for (mint, &change) in mints[..free].iter_mut().zip(changes) {
        mint.left = (mint.left + forward * mint.left_change).max(SMALLEST);
        mint.price = (mint.price + upward * change).max(SMALLEST);
    }
    for mint in mints.iter_mut() {
        mint.balance = mint.supply;
    }
    let (mut gap, mut stray) = (0.0, 0.0);
    for run in runs {
        let (before, behind) = (mints[run.source].price, mints[run.target].price);
        let (mut left, mut arrived) = (mints[run.source].balance, mints[run.target].balance);
        for piece in &mut pieces[run.pieces.clone()] {
            let held_change = piece.held_change(barrier);
            let z = (piece.room.first() + forward * piece.change).max(SMALLEST);
            piece.room = Pair::new(z, (piece.capacity - z).max(piece.capacity * NEARLY_FULL));
            piece.held = (piece.held + Pair::both(upward) * held_change).max(Pair::both(SMALLEST));

            piece.growth = 1.0 / (1.0 + piece.bend * z);
            let average = piece.slope * piece.growth;
            piece.marginal = average * piece.growth;
            piece.earned = behind * piece.marginal - before;
            arrived += average * z;
            left -= z;
            gap += (piece.room * piece.held).sum();
            stray += (piece.earned + piece.held.first() - piece.held.second()).abs() * z;
        }
        mints[run.source].balance = left;
        mints[run.target].balance = arrived;
    }
    let mut unmet = 0.0;
    for mint in &mints[..free] {
        gap += mint.left * mint.price;
        let off = (mint.balance - mint.left).abs();
        // Not `max`, which would hide what is not a number.
        if !(off <= unmet) {
            unmet = off;
        }
    }
    (gap, unmet, stray)
}

fn assemble(runs: &[Run], pieces: &mut [Piece], mints: &[Mint], system: &mut System, right: &mut [f64], barrier: f64) {
    system.values.fill(0.0);
    for ((mint, right), diagonal) in mints.iter().zip(right.iter_mut()).zip(&mut system.diagonal) {
        *right = barrier / mint.price - mint.balance;
        *diagonal = mint.left / mint.price + LEAST_DIAGONAL;
    }
    for run in runs {
        let behind = mints[run.target].price;
        let (mut at_source, mut at_target) = (system.diagonal[run.source], system.diagonal[run.target]);
        let (mut sent, mut received) = (right[run.source], right[run.target]);
        let mut across = if run.place == NOWHERE { 0.0 } else { system.values[run.place as usize] };
        for piece in &mut pieces[run.pieces.clone()] {
            piece.inverse = Pair::both(1.0) / piece.room;
            let curving = 2.0 * behind * piece.marginal * piece.bend * piece.growth;
            let stiff = piece.held * piece.inverse;
            piece.yielding = 1.0 / (curving + stiff.first() + stiff.second());
            let push = piece.push(barrier);
            let crossed = piece.marginal * piece.yielding;
            at_source += piece.yielding;
            across -= crossed;
            at_target += piece.marginal * crossed;
            sent += piece.yielding * push;
            received -= crossed * push;
        }
        (system.diagonal[run.source], system.diagonal[run.target]) = (at_source, at_target);
        (right[run.source], right[run.target]) = (sent, received);
        if run.place != NOWHERE {
            system.values[run.place as usize] = across;
        }
    }
    right[mints.len() - 1] = 0.0;
}

/// The changes of everything from those of the prices, and how far flows and multipliers may each go; None out of all bounds.
fn changed(runs: &[Run], pieces: &mut [Piece], mints: &mut [Mint], changes: &[f64], barrier: f64) -> Option<(f64, f64)> {
    let (mut primal, mut dual, mut sum) = (Pair::both(0.0), Pair::both(0.0), 0.0);
    for run in runs {
        let (before, behind) = (changes[run.source], changes[run.target]);
        for piece in &mut pieces[run.pieces.clone()] {
            let change = (piece.marginal * behind - before + piece.push(barrier)) * piece.yielding;
            piece.change = change;
            primal = primal.least(Pair::new(change, -change) * piece.inverse);
            dual = dual.least(piece.held_change(barrier) / piece.held);
            sum += change;
        }
    }
    let (mut primal, mut dual) = (primal.first().min(primal.second()), dual.first().min(dual.second()));
    let free = mints.len() - 1;
    for (mint, &change) in mints[..free].iter_mut().zip(changes) {
        mint.left_change = (barrier - mint.left * change) / mint.price - mint.left;
        primal = primal.min(mint.left_change / mint.left);
        dual = dual.min(change / mint.price);
        sum += change;
    }
    if !(primal + dual + sum).is_finite() {
        return None;
    }
    Some((1.0f64.min(SHY / (-primal).max(SHY)), 1.0f64.min(SHY / (-dual).max(SHY))))
}

impl Piece {
    #[inline(always)]
    fn push(&self, barrier: f64) -> f64 {
        self.earned + barrier * (self.inverse.first() - self.inverse.second())
    }

    /// Of the multipliers.
    #[inline(always)]
    fn held_change(&self, barrier: f64) -> Pair {
        (Pair::both(barrier) - self.held * Pair::new(self.change, -self.change)) * self.inverse - self.held
    }
}
