//! The types of handshake messages (protocol section 3). Whoever does something for each type matches on [`Type`] or on
//! [`super::Parsed`] without a wildcard, so that a new type does not compile until it has been thought of everywhere.

use core::ffi::CStr;

/// Defines [`Type`] from one table.
macro_rules! types {
    ($($variant:ident = $first_byte:literal, $name:literal;)*) => {
        /// What a handshake message is. The value is its first byte: version 1 in the high nibble, the type in the low one.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        #[allow(missing_docs)] // they have the names of protocol section 3
        pub enum Type {
            $($variant = $first_byte,)*
        }

        impl Type {
            /// All of them.
            pub const ALL: &'static [Type] = &[$(Self::$variant,)*];

            /// The type of a message by its first byte; `None` where no message begins so.
            pub const fn of(message: &[u8]) -> Option<Self> {
                match message {
                    $([$first_byte, ..] => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The protocol's name.
            pub const fn name(self) -> &'static CStr {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

types! {
    M1 = 0x11, c"M1";
    M2 = 0x12, c"M2";
    M3 = 0x13, c"M3";
    M4 = 0x14, c"M4";
    X1 = 0x15, c"X1";
    X2 = 0x16, c"X2";
    R1 = 0x17, c"R1";
    R2 = 0x18, c"R2";
    Retry = 0x19, c"RETRY";
    Retried = 0x1a, c"RETRIED";
    Alert = 0x1f, c"ALERT";
}

impl Type {
    /// What a message of this type begins with.
    pub const fn first_byte(self) -> u8 {
        self as u8
    }

    /// Whether a message of this type opens a handshake: RETRY may answer it, and RETRIED may hold it.
    pub const fn opens(self) -> bool {
        match self {
            Self::M1 | Self::X1 | Self::R1 => true,
            Self::M2
            | Self::M3
            | Self::M4
            | Self::X2
            | Self::R2
            | Self::Retry
            | Self::Retried
            | Self::Alert => false,
        }
    }
}
