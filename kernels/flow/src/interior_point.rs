//! Newton steps on the perturbed conditions of optimality; flow.py says of what.

use alloc::vec;
use alloc::vec::Vec;

use crate::elimination::{NOWHERE, System, numbered};
use crate::problem::Problem;

const MOST_STEPS: usize = 60;
/// Of the way to a border that one step may go.
const SHY: f64 = 0.995;
const SMALLEST: f64 = 1e-300;
/// Of a capacity: the least room that is left of it.
const NEARLY_FULL: f64 = 1e-16;
const LEAST_DIAGONAL: f64 = 1e-14;
const FIRST: f64 = 0.1;

/// A piece, what stays positive of it, and what a step works out for it.
#[derive(Clone, Copy)]
struct Piece {
    source: usize,
    target: usize,
    place: u32,
    capacity: f64,
    slope: f64,
    bend: f64,
    z: f64,
    /// capacity - z
    room: f64,
    /// Multipliers of z >= 0 and of z <= capacity.
    low: f64,
    high: f64,
    marginal: f64,
    growth: f64,
    earned: f64,
    yielding: f64,
    push: f64,
    change: f64,
    low_change: f64,
    high_change: f64,
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
                source: source[k] as usize,
                target: target[k] as usize,
                place: places[k],
                capacity: capacity[k],
                slope: slope[k],
                bend: bend[k],
                z,
                room: capacity[k] - z,
                low: FIRST,
                high: FIRST.min(FIRST / capacity[k]),
                marginal: 0.0,
                growth: 0.0,
                earned: 0.0,
                yielding: 0.0,
                push: 0.0,
                change: 0.0,
                low_change: 0.0,
                high_change: 0.0,
            }
        })
        .collect();
    let mut mints = vec![Mint { supply: 0.0, balance: 0.0, left: FIRST, price: 1.0, left_change: 0.0 }; free + 1];
    for (mint, &supplied) in supply.iter().enumerate() {
        mints[number[mint] as usize].supply = supplied;
    }
    let mut changes = vec![0.0; free + 1];
    found.fill(f64::INFINITY);

    for step in 0..MOST_STEPS {
        let (gap, unmet, stray) = evaluated(&mut pieces, &mut mints);
        let error = gap + unmet + stray;
        if step == 0 || error < found[2] {
            found.copy_from_slice(&[gap, unmet, error]);
            for (flow, piece) in flows.iter_mut().zip(&pieces) {
                *flow = piece.z;
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
        assemble(&mut pieces, &mints, &mut system, &mut changes, barrier);
        if !system.solve(&mut changes[..free]) {
            return;
        }
        let Some((forward, upward)) = changed(&mut pieces, &mut mints, &changes, barrier) else { return };
        advance(&mut pieces, &mut mints, &changes, forward, upward);
    }
}

/// Balances, marginal outputs and earnings; returns the complementarity gap, the largest unmet balance, and what is not stationary,
/// which costs at most what could flow there.
fn evaluated(pieces: &mut [Piece], mints: &mut [Mint]) -> (f64, f64, f64) {
    for mint in mints.iter_mut() {
        mint.balance = mint.supply;
    }
    let (mut gap, mut unmet, mut stray) = (0.0, 0.0, 0.0);
    for piece in pieces {
        piece.growth = 1.0 / (1.0 + piece.bend * piece.z);
        let average = piece.slope * piece.growth;
        piece.marginal = average * piece.growth;
        piece.earned = mints[piece.target].price * piece.marginal - mints[piece.source].price;
        mints[piece.target].balance += average * piece.z;
        mints[piece.source].balance -= piece.z;
        gap += piece.z * piece.low + piece.room * piece.high;
        stray += (piece.earned + piece.low - piece.high).abs() * piece.z;
    }
    let free = mints.len() - 1;
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

fn assemble(pieces: &mut [Piece], mints: &[Mint], system: &mut System, right: &mut [f64], barrier: f64) {
    system.values.fill(0.0);
    for ((mint, right), diagonal) in mints.iter().zip(right.iter_mut()).zip(&mut system.diagonal) {
        *right = barrier / mint.price - mint.balance;
        *diagonal = mint.left / mint.price + LEAST_DIAGONAL;
    }
    for piece in pieces {
        let (emptying, filling) = (1.0 / piece.z, 1.0 / piece.room);
        let curving = 2.0 * mints[piece.target].price * piece.marginal * piece.bend * piece.growth;
        piece.yielding = 1.0 / (curving + piece.low * emptying + piece.high * filling);
        piece.push = piece.earned + barrier * (emptying - filling);
        let crossed = piece.marginal * piece.yielding;
        system.diagonal[piece.target] += piece.marginal * crossed;
        system.diagonal[piece.source] += piece.yielding;
        if piece.place != NOWHERE {
            system.values[piece.place as usize] -= crossed;
        }
        right[piece.target] -= crossed * piece.push;
        right[piece.source] += piece.yielding * piece.push;
    }
    right[mints.len() - 1] = 0.0;
}

/// The changes of everything from those of the prices, and how far flows and multipliers may each go; None out of all bounds.
fn changed(pieces: &mut [Piece], mints: &mut [Mint], changes: &[f64], barrier: f64) -> Option<(f64, f64)> {
    let (mut primal, mut dual, mut sum) = (0.0f64, 0.0f64, 0.0);
    for piece in pieces {
        let change = (piece.marginal * changes[piece.target] - changes[piece.source] + piece.push) * piece.yielding;
        let (emptying, filling) = (1.0 / piece.z, 1.0 / piece.room);
        piece.change = change;
        piece.low_change = (barrier - piece.low * change) * emptying - piece.low;
        piece.high_change = (barrier + piece.high * change) * filling - piece.high;
        primal = primal.min(change * emptying).min(-change * filling);
        dual = dual.min(piece.low_change / piece.low).min(piece.high_change / piece.high);
        sum += change;
    }
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

fn advance(pieces: &mut [Piece], mints: &mut [Mint], changes: &[f64], forward: f64, upward: f64) {
    for piece in pieces {
        piece.z = (piece.z + forward * piece.change).max(SMALLEST);
        piece.room = (piece.capacity - piece.z).max(piece.capacity * NEARLY_FULL);
        piece.low = (piece.low + upward * piece.low_change).max(SMALLEST);
        piece.high = (piece.high + upward * piece.high_change).max(SMALLEST);
    }
    let free = mints.len() - 1;
    for (mint, &change) in mints[..free].iter_mut().zip(changes) {
        mint.left = (mint.left + forward * mint.left_change).max(SMALLEST);
        mint.price = (mint.price + upward * change).max(SMALLEST);
    }
}
