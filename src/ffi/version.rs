//! The version of the library.

/// The major version of this header.
pub const LSCOAP_VERSION_MAJOR: u32 = 0;
/// The minor version of this header.
pub const LSCOAP_VERSION_MINOR: u32 = 1;
/// The patch version of this header.
pub const LSCOAP_VERSION_PATCH: u32 = 0;

/// The version of the linked library: `major << 16 | minor << 8 | patch`.
#[unsafe(no_mangle)]
pub extern "C" fn lscoap_version() -> u32 {
    LSCOAP_VERSION_MAJOR << 16 | LSCOAP_VERSION_MINOR << 8 | LSCOAP_VERSION_PATCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_crates() {
        let text = std::format!("{LSCOAP_VERSION_MAJOR}.{LSCOAP_VERSION_MINOR}.{LSCOAP_VERSION_PATCH}");
        assert_eq!(text, env!("CARGO_PKG_VERSION"));
    }
}
