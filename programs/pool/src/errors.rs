//! Every way an instruction can be refused, numbered as in the specification.

use crate::syscalls;

pub type Result<T> = core::result::Result<T, PoolError>;

macro_rules! errors {
    ($($name:ident = $code:literal,)+) => {
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[repr(u32)]
        pub enum PoolError {
            $($name = $code,)+
        }

        /// The names by `code - 6000`. Fixed width, so that the table holds no pointers: a table of `&str` would need relocations.
        static NAMES: [[u8; NAME_LENGTH]; [$($code),+].len()] = [$(padded(stringify!($name)),)+];
    };
}

errors! {
    InvalidInstruction = 6000,
    InvalidAccountOwner = 6001,
    InvalidPool = 6002,
    InvalidVault = 6003,
    InvalidMint = 6004,
    InvalidTokenProgram = 6005,
    InvalidAuthority = 6006,
    InvalidOracle = 6007,
    InvalidLpMint = 6008,
    UnsupportedMint = 6009,
    InvalidFee = 6010,
    PoolAlreadyInitialized = 6011,
    SwapsDisabled = 6012,
    AddingDisabled = 6013,
    RemovingDisabled = 6014,
    AmountTooSmall = 6015,
    InsufficientLiquidity = 6016,
    MathOverflow = 6017,
    SlippageExceeded = 6018,
    MissingSignature = 6019,
    NotEnoughAccounts = 6020,
    AccountNotWritable = 6021,
    InvalidTokenAccount = 6022,
    MintsOutOfOrder = 6023,
    TransferFeeMismatch = 6024,
}

const FIRST_CODE: u32 = PoolError::InvalidInstruction as u32;
const NAME_LENGTH: usize = 24;
const PREFIX: &[u8; 7] = b"Error: ";

impl PoolError {
    /// Writes `Error: <name>` to the transaction log and returns the code the runtime reports as a custom program error.
    #[cold]
    pub fn report(self) -> u64 {
        let mut line = [0u8; PREFIX.len() + NAME_LENGTH];
        let (prefix, name) = line.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        if let Some(known) = NAMES.get((self as u32 - FIRST_CODE) as usize) {
            name.copy_from_slice(known);
        }
        let mut length = line.len();
        while length > 0 && line[length - 1] == 0 {
            length -= 1;
        }
        syscalls::log(line.get(..length).unwrap_or(&[]));
        self as u64
    }
}

const fn padded(name: &str) -> [u8; NAME_LENGTH] {
    let bytes = name.as_bytes();
    let mut out = [0u8; NAME_LENGTH];
    let mut i = 0;
    while i < bytes.len() {
        out[i] = bytes[i];
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_their_codes() {
        assert_eq!(NAMES[0], padded("InvalidInstruction"));
        let last = PoolError::TransferFeeMismatch as u32 - FIRST_CODE;
        assert_eq!(NAMES.len(), last as usize + 1);
        assert_eq!(NAMES[last as usize], padded("TransferFeeMismatch"));
    }
}
