//! The statement as an SP1 program: one buffer with the inputs of consecutive batches in, their claims out.
//!
//! Anything wrong ends the program with an error, and of a program that ends so there is no proof that a verifier
//! takes.
#![no_main]

mod precompiles;

use guest_crypto::Suite;
use precompiles::Sp1;
use transition::{BatchRange, Limits, execute_range};

sp1_zkvm::entrypoint!(main);

fn main() {
    let bytes = sp1_zkvm::io::read_vec();
    let range = BatchRange::decode(&bytes, &Limits::default()).expect("the input does not decode");
    let claims = execute_range::<Suite<Sp1>>(&range).expect("the input proves nothing");
    for claim in claims {
        sp1_zkvm::io::commit_slice(&claim.encode());
    }
}
