//! The statement as a ZisK guest: a range of batches in, the SHA-256 of its claims out.
//!
//! ZisK has room for 256 bytes of public output, and a claim has 416, so the output is the digest of the claims' encodings
//! one after the other. Whoever checks a proof knows the claims and hashes them again.
#![no_std]
#![no_main]

extern crate alloc;

mod precompiles;

use core::panic::PanicInfo;

use guest_crypto::Suite;
use state::TreeHash;
use transition::{BatchRange, Crypto, Limits, execute_range};

use crate::precompiles::Zisk;

type Zkvm = Suite<Zisk>;

ziskos::entrypoint!(main);

fn main() {
    let range = BatchRange::decode(ziskos::io::read_slice(), &Limits::default()).expect("the input decodes");
    let claims = execute_range::<Zkvm>(&range).expect("the range executes");
    let digest = <Zkvm as Crypto>::Hash::hash(&claims.iter().flat_map(transition::Claim::encode).collect::<alloc::vec::Vec<u8>>());
    ziskos::io::commit_slice(&digest);
}

/// Whatever goes wrong, nothing is proved.
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    precompiles::fail()
}
