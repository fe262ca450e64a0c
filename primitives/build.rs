//! Tells the crate whether there is assembly for the target: compilers do not tell it to crates, but in nightly builds.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(thumb2)");
    let target = std::env::var("TARGET").unwrap_or_default();
    if ["thumbv7m", "thumbv7em", "thumbv8m.main"].iter().any(|start| target.starts_with(start)) {
        println!("cargo::rustc-cfg=thumb2");
    }
}
