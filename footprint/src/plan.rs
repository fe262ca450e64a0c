//! What is measured: processors, back-ends, and which functions an application of each kind links.

/// A processor, by the board that QEMU emulates.
pub struct Cpu {
    /// As the tables call it.
    pub name: &'static str,
    /// As QEMU and `c-examples/firmware` call the board.
    pub board: &'static str,
    /// Rust's target.
    pub target: &'static str,
    /// What the names of the cross toolchain begin with.
    pub toolchain: &'static str,
    /// Whether the assembly runs on it.
    pub assembly: bool,
    /// Whether the small P-256 is measured on it.
    pub small: bool,
    /// Whether another processor's figures are nearly the same.
    pub has_relative: bool,
    /// Whether the stack is searched for secrets there.
    pub scanned: bool,
}

impl Cpu {
    const fn cortex(name: &'static str, board: &'static str, target: &'static str) -> Self {
        let toolchain = "arm-none-eabi-";
        Self {
            name,
            board,
            target,
            toolchain,
            assembly: false,
            small: false,
            has_relative: false,
            scanned: false,
        }
    }

    const fn risc_v(name: &'static str, board: &'static str, target: &'static str) -> Self {
        Self { toolchain: "riscv64-unknown-elf-", ..Self::cortex(name, board, target) }
    }
}

/// The processor of the budgets.
pub static M4F: Cpu = Cpu {
    assembly: true,
    small: true,
    scanned: true,
    ..Cpu::cortex("M4F", "mps2-an386", "thumbv7em-none-eabihf")
};

/// The processor of the nRF51822.
pub static M0: Cpu = Cpu::cortex("M0", "microbit", "thumbv6m-none-eabi");
/// The processor of the LM3S6965.
pub static M3: Cpu = Cpu { small: true, ..Cpu::cortex("M3", "mps2-an385", "thumbv7m-none-eabi") };

/// All that is Rust compiles to: nothing here is written in RISC-V's assembly.
pub static RV32IMAC: Cpu = Cpu {
    small: true,
    scanned: true,
    ..Cpu::risc_v("RV32IMAC", "riscv-virt-imac", "riscv32imac-unknown-none-elf")
};

static M33: Cpu =
    Cpu { assembly: true, has_relative: true, ..Cpu::cortex("M33", "mps2-an505", "thumbv8m.main-none-eabi") };
static RV32IMC: Cpu =
    Cpu { has_relative: true, ..Cpu::risc_v("RV32IMC", "riscv-virt-imc", "riscv32imc-unknown-none-elf") };

/// All of them, the smallest of each family first.
pub static CPUS: [&Cpu; 6] = [&M0, &M3, &M4F, &M33, &RV32IMC, &RV32IMAC];

/// Who computes on the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// The crates of RustCrypto.
    RustCrypto,
    /// The assembly of `p256-cm4`.
    Assembly,
    /// The compact core of `p256-small`.
    Small,
}

impl Backend {
    /// As the tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::RustCrypto => "RustCrypto",
            Self::Assembly => "assembly",
            Self::Small => "small",
        }
    }

    /// What is added to cargo's features.
    pub fn features(self) -> &'static [&'static str] {
        match self {
            Self::RustCrypto => &[],
            Self::Assembly => &["p256-cm4"],
            Self::Small => &["p256-small"],
        }
    }

    /// The back-ends of a processor.
    pub fn of(cpu: &Cpu) -> Vec<Self> {
        let runs = [(Self::RustCrypto, true), (Self::Assembly, cpu.assembly), (Self::Small, cpu.small)];
        runs.into_iter().filter(|(_, runs)| *runs).map(|(backend, _)| backend).collect()
    }
}

/// An application: the roles and profiles that it is built with, and the functions that it calls.
pub struct Application {
    /// As the tables call it.
    pub title: &'static str,
    /// A name for files: small letters and hyphens.
    pub name: &'static str,
    /// Features of the crate.
    pub features: &'static [&'static str],
    /// What it calls.
    pub functions: Functions,
}

/// Which functions are linked.
pub enum Functions {
    /// Those of the roles in the features.
    OfRoles,
    /// These.
    These(&'static [&'static str]),
    /// Every function in the header.
    All,
}

/// What a device calls.
pub const CLIENT: &[&str] = &[
    "lscoap_client_init",
    "lscoap_client_step",
    "lscoap_client_finish",
    "lscoap_client_restart",
    "lscoap_client_wipe",
    "lscoap_seal_request",
    "lscoap_open_response",
    "lscoap_session_wipe",
];

/// What a server calls.
pub const SERVER: &[&str] = &[
    "lscoap_server_init",
    "lscoap_server_step",
    "lscoap_server_open_request",
    "lscoap_server_find",
    "lscoap_server_forget",
    "lscoap_server_wipe",
    "lscoap_seal_response",
    "lscoap_seal_notification",
    "lscoap_response_code",
    "lscoap_record_refusal",
];

/// What resumption adds to them.
pub const RESUME: &[&str] = &["lscoap_client_resume", "lscoap_session_store", "lscoap_session_restore"];

/// What whole messages add to a client.
pub const COAP: &[&str] = &["lscoap_protect_request", "lscoap_unprotect_response"];

/// What being a member of a group adds to them.
pub const MEMBER: &[&str] = &[
    "lscoap_member_init",
    "lscoap_member_ask",
    "lscoap_member_ask_due",
    "lscoap_member_answer",
    "lscoap_member_notice",
    "lscoap_member_unprotect_request",
    "lscoap_member_answer_wanted",
    "lscoap_member_protect_answer",
    "lscoap_member_wake",
    "lscoap_member_wipe",
];

/// What calls `lscoap_device` in place of a client's functions.
pub const DEVICE: &[&str] = &[
    "lscoap_device_init",
    "lscoap_device_restore",
    "lscoap_device_request",
    "lscoap_device_cancel",
    "lscoap_device_receive",
    "lscoap_device_poll",
    "lscoap_device_deadline",
    "lscoap_device_stored",
    "lscoap_device_suspend",
    "lscoap_device_moved",
    "lscoap_device_code",
    "lscoap_device_session",
    "lscoap_device_wipe",
];

/// Both roles and profiles.
pub const BOTH: Application = Application {
    title: "both roles and profiles",
    name: "both",
    features: &["client", "server", "signed", "express"],
    functions: Functions::OfRoles,
};

/// The same, with resumption and storage.
pub const WITH_RESUME: Application = Application {
    title: "both roles and profiles, and resumption",
    name: "both-resume",
    features: &["client", "server", "signed", "express", "resume"],
    functions: Functions::OfRoles,
};

/// The applications of one role and one profile.
pub static SINGLE: [Application; 4] = [
    Application {
        title: "client, signed",
        name: "client-signed",
        features: &["client", "signed"],
        functions: Functions::OfRoles,
    },
    Application {
        title: "client, express",
        name: "client-express",
        features: &["client", "express"],
        functions: Functions::OfRoles,
    },
    Application {
        title: "server, signed",
        name: "server-signed",
        features: &["server", "signed"],
        functions: Functions::OfRoles,
    },
    Application {
        title: "server, express",
        name: "server-express",
        features: &["server", "express"],
        functions: Functions::OfRoles,
    },
];

/// A device with all that `lscoap_device` does.
pub const DEVICE_SIGNED: Application = Application {
    title: "device, signed",
    name: "device",
    features: &["client", "signed", "device"],
    functions: Functions::These(DEVICE),
};

/// The signed client with what has budgets of its own, one upon the other.
pub static EXTENDED: [Application; 4] = [
    Application {
        title: "client, signed, and whole messages",
        name: "client-coap",
        features: &["client", "signed", "coap"],
        functions: Functions::OfRoles,
    },
    Application {
        title: "client, signed, whole messages and resumption",
        name: "client-coap-resume",
        features: &["client", "signed", "coap", "resume"],
        functions: Functions::OfRoles,
    },
    DEVICE_SIGNED,
    Application {
        title: "client, signed, whole messages and a group's member",
        name: "client-coap-member",
        features: &["client", "signed", "coap", "group"],
        functions: Functions::OfRoles,
    },
];

/// Everything that there is.
pub const EVERY: Application = Application {
    title: "every function of the header",
    name: "every",
    features: &[
        "client",
        "server",
        "signed",
        "express",
        "resume",
        "coap",
        "device",
        "group",
        "group-delegate",
    ],
    functions: Functions::All,
};

impl Application {
    /// The functions, `all` being those of the header.
    pub fn functions(&self, all: &[String]) -> Vec<String> {
        let of_role = |feature, functions: &[&str]| {
            let there = if self.features.contains(&feature) { functions } else { &[] };
            there.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()
        };
        match self.functions {
            Functions::OfRoles => {
                let roles = [
                    ("client", CLIENT),
                    ("server", SERVER),
                    ("coap", COAP),
                    ("resume", RESUME),
                    ("group", MEMBER),
                ];
                roles.map(|(feature, functions)| of_role(feature, functions)).concat()
            }
            Functions::These(functions) => functions.iter().map(|name| (*name).to_owned()).collect(),
            Functions::All => all.to_vec(),
        }
    }
}

/// The functions that a C header declares: words that begin with `lscoap_` and are followed by a parenthesis.
pub fn functions_of_header(header: &str) -> Vec<String> {
    let mut names: Vec<String> = header
        .match_indices("lscoap_")
        .filter(|(at, _)| !header[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_.".contains(c)))
        .filter_map(|(at, _)| {
            let rest = &header[at..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
            rest[end..].starts_with('(').then(|| rest[..end].to_owned())
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_and_types_are_not() {
        let header = "// lscoap_..._wipe() wipes; see lscoap_one(), mylscoap_no().\n\
            typedef int (*lscoap_callback)(void *);\nlscoap_status lscoap_two(struct lscoap_slot *slot);\n\
            int lscoap_one(void);";
        assert_eq!(functions_of_header(header), ["lscoap_one", "lscoap_two"]);
    }

    #[test]
    fn an_application_calls_what_its_role_needs() {
        let [signed_client, ..] = &SINGLE;
        assert_eq!(signed_client.functions(&[]), CLIENT);
        assert_eq!(BOTH.functions(&[]).len(), CLIENT.len() + SERVER.len());
        let [with_coap, _, device, member] = &EXTENDED;
        assert_eq!(with_coap.functions(&[]), [CLIENT, COAP].concat());
        assert_eq!(member.functions(&[]), [CLIENT, COAP, MEMBER].concat());
        assert_eq!(device.functions(&[]), DEVICE);
        assert_eq!(EVERY.functions(&["lscoap_one".to_owned()]), ["lscoap_one"]);
    }
}
