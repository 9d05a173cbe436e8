//! Little-endian integers of alignment 1, so that packed account layouts need no unaligned references.

macro_rules! little_endian {
    ($($name:ident($integer:ty, $bytes:literal),)+) => {$(
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub struct $name([u8; $bytes]);

        impl $name {
            #[inline(always)]
            pub const fn new(value: $integer) -> Self {
                Self(value.to_le_bytes())
            }

            #[inline(always)]
            pub const fn get(&self) -> $integer {
                <$integer>::from_le_bytes(self.0)
            }

            #[inline(always)]
            pub fn set(&mut self, value: $integer) {
                self.0 = value.to_le_bytes();
            }

            #[inline(always)]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }
    )+};
}

little_endian! {
    LeU16(u16, 2),
    LeU32(u32, 4),
    LeU64(u64, 8),
    LeI64(i64, 8),
    LeU128(u128, 16),
}
