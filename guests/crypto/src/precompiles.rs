//! What a zkVM must offer.

/// An affine point: four little-endian 64-bit limbs of x, then four of y, each below the field's modulus.
pub type Point = [u64; 8];

/// The steps that a zkVM has precompiles for.
///
/// An implementation may halt the guest where its precompile cannot go on, such as for a y that is no point's: to a
/// batch a bad signature and a halt are the same, nothing is proved. Every returned coordinate must be below the
/// field's modulus whatever the prover does, because equality of points is decided on limbs.
pub trait Precompiles: Copy + Default + Send + Sync + 'static {
    /// The chaining value of SHA-256, as the precompile wants it.
    type Sha256State: Copy;

    /// FIPS 180-4, section 5.3.3.
    fn sha256_start() -> Self::Sha256State;

    /// Compresses the block `first ‖ second`.
    fn sha256_compress(state: &mut Self::Sha256State, first: &[u8; 32], second: &[u8; 32]);

    /// Compresses the block that ends every message of 64 bytes. Its message schedule is a constant, which some
    /// precompiles can use.
    fn sha256_compress_padding_of_64(state: &mut Self::Sha256State) {
        let mut second = [0; 32];
        second[30] = 0x02;
        let mut first = [0; 32];
        first[0] = 0x80;
        Self::sha256_compress(state, &first, &second);
    }

    /// The chaining value as a digest.
    fn sha256_digest(state: &Self::Sha256State) -> [u8; 32];

    /// Keccak-f\[1600\].
    fn keccak_f(state: &mut [u64; 25]);

    /// `p + q` on edwards25519, complete.
    fn ed25519_add(p: &mut Point, q: &Point);

    /// `p + p` on edwards25519.
    fn ed25519_double(p: &mut Point) {
        let q = *p;
        Self::ed25519_add(p, &q);
    }

    /// The x of the point with this y, which is below the modulus and not 1 or -1; `odd` is x's lowest bit.
    fn ed25519_x(y: &[u64; 4], odd: bool) -> Option<[u64; 4]>;

    /// `p + q` on secp256k1, for points with different x.
    fn secp256k1_add(p: &mut Point, q: &Point);

    /// `p + p` on secp256k1.
    fn secp256k1_double(p: &mut Point);
}
