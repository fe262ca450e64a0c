//! Tells the crate whether there is assembly for the target: compilers do not tell it to crates, but in nightly builds.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(thumb2)");
    println!("cargo::rustc-check-cfg=cfg(umaal)");
    let target = std::env::var("TARGET").unwrap_or_default();
    let is = |start: &str| target.starts_with(start);
    if is("thumbv7m") || is("thumbv7em") || is("thumbv8m.main") {
        println!("cargo::rustc-cfg=thumb2");
    }
    let asked = std::env::var_os("CARGO_FEATURE_DSP").is_some();
    if is("thumbv7em") || asked && is("thumbv8m.main") {
        println!("cargo::rustc-cfg=umaal");
    }
}
