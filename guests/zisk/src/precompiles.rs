//! ZisK's precompiles.

use core::arch::asm;
use core::mem::MaybeUninit;

use guest_crypto::{Point, Precompiles};
use ziskos::syscalls::{
    SyscallPoint256, syscall_ed25519_add, syscall_keccak_f, syscall_secp256k1_add, syscall_secp256k1_dbl,
    syscall_sha256_f,
};
use ziskos::zisklib::decompress_ed25519;
use ziskos::ziskos_memcpy;

/// ZisK's precompiles.
#[derive(Clone, Copy, Debug, Default)]
pub struct Zisk;

impl Precompiles for Zisk {
    /// Two 32-bit words in each, the first in the lower half.
    type Sha256State = [u64; 4];

    fn sha256_start() -> [u64; 4] {
        [0xbb67_ae85_6a09_e667, 0xa54f_f53a_3c6e_f372, 0x9b05_688c_510e_527f, 0x5be0_cd19_1f83_d9ab]
    }

    fn sha256_compress(state: &mut [u64; 4], first: &[u8; 32], second: &[u8; 32]) {
        // The precompile wants its block aligned and in one piece. Copies are a precompile too, of bytes anywhere.
        let mut block = [MaybeUninit::<u64>::uninit(); 8];
        ziskos_memcpy!(block[..4], first, 32);
        ziskos_memcpy!(block[4..], second, 32);
        // SAFETY: all 64 bytes were just written.
        syscall_sha256_f(state, unsafe { &*block.as_ptr().cast() });
    }

    fn sha256_compress_padding_of_64(state: &mut [u64; 4]) {
        static PADDING: [u64; 8] = [0x80, 0, 0, 0, 0, 0, 0, 0x0002_0000_0000_0000];
        syscall_sha256_f(state, &PADDING);
    }

    fn sha256_digest(state: &[u64; 4]) -> [u8; 32] {
        let mut digest = [0; 32];
        for (bytes, pair) in digest.as_chunks_mut::<8>().0.iter_mut().zip(state) {
            *bytes = swap_both(*pair).to_le_bytes();
        }
        digest
    }

    fn keccak_f(state: &mut [u64; 25]) {
        // SAFETY: the state is 25 aligned words, which is all that the precompile asks for.
        unsafe { syscall_keccak_f(state) };
    }

    fn ed25519_add(p: &mut Point, q: &Point) {
        syscall_ed25519_add(point_mut(p), point(q));
    }

    fn ed25519_x(y: &[u64; 4], odd: bool) -> Option<[u64; 4]> {
        let mut bytes = [0; 32];
        for (bytes, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(y) {
            *bytes = limb.to_le_bytes();
        }
        bytes[31] |= u8::from(odd) << 7;
        // The root is the prover's hint, and checked: a root of x^2 where there is one, of 2 x^2 where there is none.
        let point = decompress_ed25519(&bytes)?;
        point.first_chunk::<4>().copied()
    }

    fn secp256k1_add(p: &mut Point, q: &Point) {
        syscall_secp256k1_add(point_mut(p), point(q));
    }

    fn secp256k1_double(p: &mut Point) {
        syscall_secp256k1_dbl(point_mut(p));
    }
}

/// Swaps the bytes of both 32-bit words. The machine has no instruction for that; ten will do.
fn swap_both(pair: u64) -> u64 {
    const BYTES: u64 = 0x00ff_00ff_00ff_00ff;
    const HALVES: u64 = 0x0000_ffff_0000_ffff;
    let pair = (pair & BYTES) << 8 | pair >> 8 & BYTES;
    (pair & HALVES) << 16 | pair >> 16 & HALVES
}

fn point(p: &Point) -> &SyscallPoint256 {
    // SAFETY: eight words in both, x before y, and `SyscallPoint256` is `repr(C)`.
    unsafe { &*core::ptr::from_ref(p).cast() }
}

fn point_mut(p: &mut Point) -> &mut SyscallPoint256 {
    // SAFETY: as for `point`.
    unsafe { &mut *core::ptr::from_mut(p).cast() }
}

/// Ends the guest in failure: the machine has no way to go on from a non-zero exit, so nothing can be proved.
pub fn fail() -> ! {
    // SAFETY: the machine's exit call, with the exit code in a0. Nothing comes after it.
    unsafe { asm!("ecall", in("a0") 1, in("a7") 93, options(noreturn)) }
}
