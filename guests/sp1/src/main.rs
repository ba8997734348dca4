#![no_main]
sp1_zkvm::entrypoint!(main);
fn main() {}
