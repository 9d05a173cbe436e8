//! The accounts this program owns, byte for byte as the specification lays them out.

mod integers;
mod oracle;
mod pool;

pub use integers::{LeI64, LeU16, LeU32, LeU64, LeU128};
pub use oracle::{Observation, Oracle};
pub use pool::{Pool, Side};
