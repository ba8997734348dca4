//! Proofs of consecutive batches made into one: the claims of each in, all claims out.
//!
//! Each input is the public output of a proof of `guests/sp1`, claims one after the other. The program relies on those
//! proofs, which whoever proves this program's execution must have: the proof of it checks them. So its output says what
//! one proof over all the batches would have said.
//!
//! Which program the proofs are of is built in. Anything wrong ends the program with an error.
#![no_main]

use sha2::{Digest, Sha256};
use transition::{BatchRange, Claim};

sp1_zkvm::entrypoint!(main);

/// The key of `guests/sp1`, as SP1 names it inside the machine.
const STATEMENT: [u32; 8] = words(include_bytes!("../../elf/glassbook-sp1.vkey"));

fn main() {
    let parts: u32 = sp1_zkvm::io::read();
    let mut batches = 0;
    let mut last: Option<Claim> = None;
    for _ in 0..parts {
        let claims = sp1_zkvm::io::read_vec();
        assert!(!claims.is_empty(), "a proof has claims");
        for bytes in claims.chunks(Claim::BYTES) {
            let claim = Claim::decode(bytes).expect("a claim does not decode");
            assert!(last.as_ref().is_none_or(|last| claim.follows(last)), "a batch is missing in between");
            last = Some(claim);
            batches += 1;
            assert!(batches <= BatchRange::MAX_BATCHES, "too many batches for one proof");
        }
        sp1_zkvm::lib::verify::verify_sp1_proof(&STATEMENT, &Sha256::digest(&claims).into());
        sp1_zkvm::io::commit_slice(&claims);
    }
    assert!(batches > 0, "nothing is claimed");
}

/// SP1's `bytes32` of a key is a number of eight digits to the base 2^31: here they are. Compilation fails on anything else
/// than `0x` and 64 hexadecimal digits.
const fn words(text: &[u8]) -> [u32; 8] {
    assert!(text.len() >= 66 && text[0] == b'0' && text[1] == b'x', "a key is 0x and 64 digits");
    let mut words = [0_u32; 8];
    let mut bit = 0;
    // The first byte is zero: eight digits have 248 bits.
    assert!(text[2] == b'0' && text[3] == b'0', "a key is less than 2^248");
    while bit < 248 {
        let digit = match text[4 + bit / 4] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'f' => digit - b'a' + 10,
            _ => panic!("not a hexadecimal digit"),
        };
        let value = (digit >> (3 - bit % 4)) & 1;
        words[bit / 31] = words[bit / 31] << 1 | value as u32;
        bit += 1;
    }
    words
}
