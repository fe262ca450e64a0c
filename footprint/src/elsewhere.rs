//! Figures of other software that nothing here measures: each was measured once, by hand.

/// Where they are from, and how to read them.
pub const SOURCE: &str = "Measured by this project in November 2026 from each peer's own sources of that time with arm-none-eabi-gcc 12.2, on the \
    same emulated board and in the same way: instructions, flash after garbage collection of sections, painted stack. `make size` does \
    not measure them again";

/// A handshake.
pub struct Handshake {
    /// Who, and how it was built.
    pub name: &'static str,
    /// M instructions of the two ends.
    pub client: f64,
    /// See `client`.
    pub server: f64,
    /// Both roles, as a number with its unit.
    pub flash: &'static str,
    /// In bytes.
    pub stack: u64,
    /// In bytes.
    pub heap: u64,
    /// How many messages, and their bytes on the wire.
    pub messages: &'static str,
}

/// The optional fourth message of EDHOC in brackets.
pub static HANDSHAKES: [Handshake; 6] = [
    Handshake {
        name: "uoscore-uedhoc, EDHOC static DH, tinycrypt, Os",
        client: 52.2,
        server: 52.1,
        flash: "32,581 bytes (42,580 with OSCORE)",
        stack: 3376,
        heap: 0,
        messages: "3 (+1): 101 (+9)",
    },
    Handshake {
        name: "libedhoc, EDHOC static DH, mbedTLS, Os",
        client: 46.4,
        server: 46.4,
        flash: "78,508 bytes",
        stack: 2052,
        heap: 3532,
        messages: "3 (+1): 101 (+9)",
    },
    Handshake {
        name: "tinydtls, DTLS 1.2, raw public key, Os",
        client: 430.0,
        server: 440.0,
        flash: "35.8 KB",
        stack: 2068,
        heap: 1600,
        messages: "15: 1,163",
    },
    Handshake {
        name: "mbedTLS 3.6, DTLS 1.2, certificate, Os",
        client: 46.8,
        server: 46.6,
        flash: "61.7 KB",
        stack: 1132,
        heap: 9100,
        messages: "6: 1,678",
    },
    Handshake {
        name: "tinydtls, DTLS 1.2, PSK (no curve), Os",
        client: 0.287,
        server: 0.322,
        flash: "29.3 KB",
        stack: 1640,
        heap: 1162,
        messages: "10: 481",
    },
    Handshake {
        name: "mbedTLS 3.6, DTLS 1.2, PSK (no curve), Os",
        client: 0.409,
        server: 0.432,
        flash: "27.5 KB",
        stack: 1060,
        heap: 4429,
        messages: "6: 541",
    },
];

/// Sealing with AES-CCM, the key schedule and 13 bytes of additional data included.
pub struct Sealing {
    /// Who.
    pub name: &'static str,
    /// k instructions for 64 bytes.
    pub small: &'static str,
    /// k instructions for 1,024 bytes.
    pub large: &'static str,
}

/// All of them with tables, whose addresses depend on the key, but for uoscore.
pub static SEALINGS: [Sealing; 3] = [
    Sealing { name: "mbedTLS (tables)", small: "11.1", large: "114" },
    Sealing { name: "tinydtls (tables)", small: "10.9", large: "125" },
    Sealing { name: "uoscore, protecting a request of 20 bytes", small: "61.3", large: "" },
];
