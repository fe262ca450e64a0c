//! `lscoap-gateway`, the program.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    lscoap_gateway::cli::main()
}
