//! SP1's precompiles.
#![expect(unsafe_code, reason = "a syscall takes pointers")]

use guest_crypto::{Point, Precompiles};
use sp1_zkvm::syscalls::{
    syscall_ed_add, syscall_ed_decompress, syscall_keccak_permute, syscall_secp256k1_add, syscall_secp256k1_double,
    syscall_sha256_compress, syscall_sha256_extend,
};

/// SP1's precompiles.
///
/// Their circuits keep every coordinate that they return below the modulus. They take the points as they are, so
/// every point given to them must be on its curve.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sp1;

/// FIPS 180-4, section 5.3.3.
const SHA256_START: [u64; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The message schedule of the block that ends a message of 64 bytes (FIPS 180-4, section 6.2.2).
static PADDING_OF_64: [u64; 64] = {
    let mut w = [0u32; 64];
    w[0] = 0x8000_0000;
    w[15] = 512;
    let mut at = 16;
    while at < 64 {
        let s0 = w[at - 15].rotate_right(7) ^ w[at - 15].rotate_right(18) ^ (w[at - 15] >> 3);
        let s1 = w[at - 2].rotate_right(17) ^ w[at - 2].rotate_right(19) ^ (w[at - 2] >> 10);
        w[at] = w[at - 16].wrapping_add(s0).wrapping_add(w[at - 7]).wrapping_add(s1);
        at += 1;
    }
    let mut wide = [0; 64];
    let mut at = 0;
    while at < 64 {
        wide[at] = w[at] as u64;
        at += 1;
    }
    wide
};

/// The schedule that the precompiles work on.
static mut SCHEDULE: [u64; 64] = [0; 64];

impl Precompiles for Sp1 {
    type Sha256State = [u64; 8];

    fn sha256_start() -> Self::Sha256State {
        SHA256_START
    }

    #[inline]
    fn sha256_compress(state: &mut Self::Sha256State, first: &[u8; 32], second: &[u8; 32]) {
        // SAFETY: there is one thread, and nothing else uses the schedule.
        let schedule = unsafe { &mut *(&raw mut SCHEDULE) };
        let (low, rest) = schedule.split_at_mut(8);
        load(low, first);
        load(&mut rest[..8], second);
        syscall_sha256_extend(schedule);
        syscall_sha256_compress(schedule, state);
    }

    #[inline]
    fn sha256_compress_padding_of_64(state: &mut Self::Sha256State) {
        // The precompile only reads the schedule.
        syscall_sha256_compress((&raw const PADDING_OF_64).cast_mut(), state);
    }

    #[inline]
    fn sha256_digest(state: &Self::Sha256State) -> [u8; 32] {
        let mut digest = [0; 32];
        for (bytes, words) in digest.as_chunks_mut::<8>().0.iter_mut().zip(state.as_chunks::<2>().0) {
            *bytes = swap_halves(words[0] | words[1] << 32).to_le_bytes();
        }
        digest
    }

    fn keccak_f(state: &mut [u64; 25]) {
        syscall_keccak_permute(state);
    }

    fn ed25519_add(p: &mut Point, q: &Point) {
        syscall_ed_add(p, q);
    }

    fn ed25519_x(y: &[u64; 4], odd: bool) -> Option<[u64; 4]> {
        // The circuit proves that x is a square root of the right sign; for a y without one there is no proof, and
        // the executor stops.
        let mut point = [0, 0, 0, 0, y[0], y[1], y[2], y[3] | u64::from(odd) << 63];
        syscall_ed_decompress(&mut point);
        point.first_chunk::<4>().copied()
    }

    fn secp256k1_add(p: &mut Point, q: &Point) {
        // The precompile only reads the second point.
        syscall_secp256k1_add(p, core::ptr::from_ref(q).cast_mut());
    }

    fn secp256k1_double(p: &mut Point) {
        syscall_secp256k1_double(p);
    }
}

/// Eight big-endian words of a message, each in a limb of its own: two at a time as far as the bytes are aligned.
#[inline]
fn load(words: &mut [u64], bytes: &[u8; 32]) {
    let words = words.as_chunks_mut::<2>().0;
    // SAFETY: every bit pattern is a number.
    let ([], pairs, []) = (unsafe { bytes.align_to::<u64>() }) else {
        // SAFETY: as above.
        match unsafe { bytes.align_to::<u32>() } {
            ([], halves, []) => {
                for (words, [low, high]) in words.iter_mut().zip(halves.as_chunks::<2>().0) {
                    store(words, u64::from(*low) | u64::from(*high) << 32);
                }
            }
            _ => {
                for (words, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0.as_chunks::<2>().0) {
                    *words = bytes.map(|bytes| u32::from_be_bytes(bytes).into());
                }
            }
        }
        return;
    };
    for (words, pair) in words.iter_mut().zip(pairs) {
        store(words, *pair);
    }
}

#[inline]
fn store(words: &mut [u64; 2], pair: u64) {
    let pair = swap_halves(pair);
    *words = [pair & 0xffff_ffff, pair >> 32];
}

/// Reverses the bytes of both 32-bit halves. The target has no instruction for it.
#[inline]
fn swap_halves(pair: u64) -> u64 {
    const BYTES: u64 = 0x00ff_00ff_00ff_00ff;
    const SHORTS: u64 = 0x0000_ffff_0000_ffff;
    let pair = (pair & BYTES) << 8 | pair >> 8 & BYTES;
    (pair & SHORTS) << 16 | pair >> 16 & SHORTS
}
