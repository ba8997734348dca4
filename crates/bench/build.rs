//! Tells the report which compiler built it.

use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc).arg("-V").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    println!("cargo:rustc-env=BENCH_RUSTC={}", version.as_deref().map_or("rustc", str::trim));
    println!("cargo:rerun-if-changed=build.rs");
}
