//! A mint and the token program that owns it.
//!
//! Layouts: solana-program/token, interface/src/state.rs (Mint, 82 bytes); solana-program/token-2022,
//! interface/src/extension/mod.rs (account type at byte 165, then type-length-value entries).

use pinocchio::{AccountView, Address, address::address_eq};

use super::{TokenProgram, require_address};
use crate::{
    errors::{PoolError, Result},
    math::{BPS, transfer_fee::TransferFee},
};

const LENGTH: usize = 82;
const DECIMALS: usize = 44;
const INITIALIZED: usize = 45;
const ACCOUNT_TYPE: usize = 165;
const ACCOUNT_TYPE_MINT: u8 = 1;
const ENTRIES: usize = ACCOUNT_TYPE + 1;

const TRANSFER_FEE_CONFIG: u16 = 1;
/// Extensions with which a transfer is still exactly what this program computes, as bits by their number: transfer fee 1,
/// mint close authority 3, interest-bearing 10, metadata pointer 18, metadata 19, group pointer 20, group 21, group member
/// pointer 22, group member 23, scaled UI amount 25.
const SUPPORTED: u32 = 1 << 1 | 1 << 3 | 1 << 10 | 1 << 18 | 1 << 19 | 1 << 20 | 1 << 21 | 1 << 22 | 1 << 23 | 1 << 25;

pub struct MintAccount<'a> {
    pub view: &'a AccountView,
    pub program: TokenProgram<'a>,
}

impl<'a> MintAccount<'a> {
    /// A mint the pool stores.
    #[inline(always)]
    pub fn load(view: &'a AccountView, expected: &Address, token_program: &'a AccountView) -> Result<Self> {
        require_address(view, expected, PoolError::InvalidMint)?;
        Self::owned(view, token_program)
    }

    /// A mint a pool is opened for: initialized, and with harmless extensions only.
    pub fn load_new(view: &'a AccountView, token_program: &'a AccountView) -> Result<Self> {
        let mint = Self::owned(view, token_program)?;
        let extensions = mint.extensions()?;
        extensions.transfer_fee(0)?;
        Ok(mint)
    }

    #[inline(always)]
    fn owned(view: &'a AccountView, token_program: &'a AccountView) -> Result<Self> {
        let program = TokenProgram::load(token_program)?;
        if !address_eq(&view.owner(), program.address) {
            return Err(PoolError::InvalidTokenProgram);
        }
        Ok(Self { view, program })
    }

    /// The fee a transfer pays in this epoch. Reads the extensions anew each time: a mint without supply can be closed and
    /// created again with others.
    #[inline(always)]
    pub fn transfer_fee(&self, epoch: u64) -> Result<TransferFee> {
        if self.program.extended { extended_transfer_fee(self.view, epoch) } else { Ok(TransferFee::NONE) }
    }

    /// Whether token accounts of this mint need room for withheld transfer fees.
    pub fn withholds_fees(&self) -> Result<bool> {
        Ok(self.extensions()?.transfer_fee_config.is_some())
    }

    fn extensions(&self) -> Result<Extensions<'_>> {
        Extensions::read(bytes(self.view), self.program.extended)
    }
}

pub fn mint_decimals(mint: &AccountView) -> Result<u8> {
    bytes(mint).get(DECIMALS).copied().ok_or(PoolError::InvalidMint)
}

#[inline(always)]
fn bytes(view: &AccountView) -> &[u8] {
    // SAFETY: mints are only read here; the slice never outlives a call that could change the mint.
    unsafe { view.borrow_unchecked() }
}

/// Out of line and by value, so that mints of SPL Token pay nothing for it.
#[inline(never)]
fn extended_transfer_fee(mint: &AccountView, epoch: u64) -> Result<TransferFee> {
    Extensions::read(bytes(mint), true)?.transfer_fee(epoch)
}

struct Extensions<'a> {
    transfer_fee_config: Option<&'a [u8; 108]>,
}

impl<'a> Extensions<'a> {
    #[inline(always)]
    fn read(mint: &'a [u8], extended: bool) -> Result<Self> {
        let mut found = Self { transfer_fee_config: None };
        if mint.get(INITIALIZED) != Some(&1) {
            return Err(PoolError::InvalidMint);
        }
        if mint.len() == LENGTH {
            return Ok(found);
        }
        if !extended || mint.get(ACCOUNT_TYPE) != Some(&ACCOUNT_TYPE_MINT) {
            return Err(PoolError::InvalidMint);
        }
        let mut rest = mint.get(ENTRIES..).unwrap_or(&[]);
        while let Some((head, tail)) = rest.split_first_chunk::<4>() {
            let [kind_low, kind_high, length_low, length_high] = *head;
            let kind = u16::from_le_bytes([kind_low, kind_high]);
            let length = usize::from(u16::from_le_bytes([length_low, length_high]));
            if kind == 0 {
                break;
            }
            if kind > 31 || SUPPORTED & (1 << kind) == 0 {
                return Err(PoolError::UnsupportedMint);
            }
            let (body, after) = tail.split_at_checked(length).ok_or(PoolError::InvalidMint)?;
            if kind == TRANSFER_FEE_CONFIG {
                found.transfer_fee_config = Some(body.try_into().map_err(|_| PoolError::InvalidMint)?);
            }
            rest = after;
        }
        Ok(found)
    }

    /// The newer of the two recorded fees from its epoch on, else the older.
    #[inline(always)]
    fn transfer_fee(&self, epoch: u64) -> Result<TransferFee> {
        let Some(config) = self.transfer_fee_config else {
            return Ok(TransferFee::NONE);
        };
        let newer = FeeRecord::at::<90>(config);
        let FeeRecord { maximum, bps, .. } = if epoch >= newer.epoch { newer } else { FeeRecord::at::<72>(config) };
        if u64::from(bps) > BPS {
            return Err(PoolError::InvalidMint);
        }
        Ok(TransferFee { bps, maximum })
    }
}

struct FeeRecord {
    epoch: u64,
    maximum: u64,
    bps: u16,
}

impl FeeRecord {
    #[inline(always)]
    fn at<const OFFSET: usize>(config: &[u8; 108]) -> Self {
        const { assert!(OFFSET + 18 <= 108) };
        let number = |at: usize| {
            let mut bytes = [0u8; 8];
            bytes.copy_from_slice(&config[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        Self {
            epoch: number(OFFSET),
            maximum: number(OFFSET + 8),
            bps: u16::from_le_bytes([config[OFFSET + 16], config[OFFSET + 17]]),
        }
    }
}
