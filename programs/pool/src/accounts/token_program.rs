//! The two token programs.

use pinocchio::{AccountView, Address, address::address_eq};

use crate::errors::{PoolError, Result};

/// TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA
const SPL_TOKEN: Address = Address::new_from_array([
    6, 221, 246, 225, 215, 101, 161, 147, 217, 203, 225, 70, 206, 235, 121, 172, 28, 180, 133, 237, 95, 91, 55, 145, 58, 140, 245,
    133, 126, 255, 0, 169,
]);
/// TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb
const TOKEN_2022: Address = Address::new_from_array([
    6, 221, 246, 225, 238, 117, 143, 222, 24, 66, 93, 188, 228, 108, 205, 218, 182, 26, 252, 77, 131, 185, 13, 39, 254, 189, 249,
    40, 216, 161, 139, 252,
]);

#[derive(Clone, Copy)]
pub struct TokenProgram<'a> {
    pub address: &'a Address,
    /// Token-2022, whose mints can carry extensions.
    pub extended: bool,
}

impl<'a> TokenProgram<'a> {
    #[inline(always)]
    pub fn load(view: &'a AccountView) -> Result<Self> {
        let address = view.address();
        if address_eq(address, &SPL_TOKEN) {
            Ok(Self { address, extended: false })
        } else if address_eq(address, &TOKEN_2022) {
            Ok(Self { address, extended: true })
        } else {
            Err(PoolError::InvalidTokenProgram)
        }
    }

    /// SPL Token itself, the program of every LP mint.
    #[inline(always)]
    pub fn load_spl_token(view: &'a AccountView) -> Result<Self> {
        match Self::load(view)? {
            program if !program.extended => Ok(program),
            _ => Err(PoolError::InvalidTokenProgram),
        }
    }
}
