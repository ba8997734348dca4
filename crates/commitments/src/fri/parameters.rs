//! The parameters, and the types of Plonky3 that they make.

use p3_blake3::Blake3;
use p3_challenger::{HashChallenger, SerializingChallenger32};
use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_field::extension::QuinticTrinomialExtensionField;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_koala_bear::KoalaBear;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_symmetric::{CompressionFunctionFromHasher, SerializingHasher};

/// The field of values: integers modulo 2^31 - 2^24 + 1.
pub type Value = KoalaBear;
/// The field of points and challenges: degree five over it, 154.9 bits. Degree four has 123.9, too few for 128.
pub type Challenge = QuinticTrinomialExtensionField<Value>;

/// Codewords have 2^1 times as many positions as polynomials have coefficients.
pub const LOG_BLOWUP: usize = 1;
/// Queries of the low-degree test. Each misses a word outside of the unique decoding radius with a probability of at most
/// (1 + rate) / 2.
pub const QUERIES: usize = 272;
/// Bits of proof of work before the queries are drawn.
pub const GRINDING_BITS: usize = 16;
/// The low-degree test folds eight values into one.
pub const LOG_ARITY: usize = 3;
/// The fewest rows: 2^8. With fewer the rate is too far above 1/2.
pub const LEAST_LOG_ROWS: usize = 8;
/// The most rows: 2^20.
pub const MOST_LOG_ROWS: usize = 20;
/// The most columns. Every query opens a row of them.
pub const MOST_COLUMNS: usize = 512;
/// The most positions times columns of all matrices that are opened together; what a batch's challenge loses is their
/// number over the field's size.
pub const MOST_BATCHED: usize = 1 << 26;

type Hasher = SerializingHasher<Blake3>;
type Compression = CompressionFunctionFromHasher<Blake3, 2, 32>;
pub(crate) type Dft = Radix2DitParallel<Value>;
pub(crate) type Mmcs = MerkleTreeMmcs<Value, u8, Hasher, Compression, 2, 32>;
pub(crate) type ChallengeMmcs = ExtensionMmcs<Value, Challenge, Mmcs>;
pub(crate) type Pcs = TwoAdicFriPcs<Value, Dft, Mmcs, ChallengeMmcs>;
pub(crate) type Challenger = SerializingChallenger32<Value, HashChallenger<u8, Blake3, 32>>;

pub(crate) fn mmcs() -> Mmcs {
    Mmcs::new(Hasher::new(Blake3), Compression::new(Blake3), 0)
}

pub(crate) fn pcs() -> Pcs {
    Pcs::new(Dft::default(), mmcs(), parameters(ChallengeMmcs::new(mmcs())))
}

/// What the security statement is made for.
fn parameters<M>(mmcs: M) -> FriParameters<M> {
    FriParameters {
        log_blowup: LOG_BLOWUP,
        log_final_poly_len: 0,
        max_log_arity: LOG_ARITY,
        num_queries: QUERIES,
        batch_proof_of_work_bits: 0,
        commit_proof_of_work_bits: 0,
        query_proof_of_work_bits: GRINDING_BITS,
        mmcs,
    }
}

#[cfg(test)]
mod tests {
    use p3_security::fri::{FriRegime, commit_phase_error_udr, query_phase_error};
    use p3_security::shape::InstanceShape;

    use super::*;
    use crate::PolynomialCommitment;
    use crate::fri::Fri;

    /// log2 of the size of the field of challenges.
    fn field_bits() -> f64 {
        5.0 * f64::from((1u32 << 31) - (1 << 24) + 1).log2()
    }

    /// Every round's bits at this number of rows with as many columns as may be opened together: of the batch's challenge,
    /// of a folding challenge, of the queries, of collisions in the Merkle trees.
    fn rounds(log_rows: usize) -> [f64; 4] {
        let rows = (1u64 << log_rows) as f64;
        let positions = rows * 2.0;
        let batch = field_bits() - (MOST_BATCHED as f64 + MOST_BATCHED as f64 / positions).log2();
        let fold = field_bits() - (((1 << LOG_ARITY) - 1) as f64 * (positions + 1.0)).log2();
        // One row more, since a quotient of degree below the rows is of a polynomial of degree up to the rows.
        let missed = f64::midpoint(1.0, (rows + 1.0) / positions);
        let queries = -missed.log2() * QUERIES as f64 + GRINDING_BITS as f64;
        [batch, fold, queries, 128.0]
    }

    #[test]
    fn every_round_has_the_bits_that_are_claimed_at_every_size() {
        for log_rows in LEAST_LOG_ROWS..=MOST_LOG_ROWS {
            let least = rounds(log_rows).into_iter().fold(f64::INFINITY, f64::min);
            assert!(least >= f64::from(Fri::SECURITY.proven_bits), "2^{log_rows} rows: {least}");
        }
        let fewer = rounds(LEAST_LOG_ROWS - 2).into_iter().fold(f64::INFINITY, f64::min);
        assert!(fewer < 128.0, "fewer rows could be allowed");
    }

    #[test]
    fn plonky3_counts_the_same_bits() {
        for log_rows in LEAST_LOG_ROWS..=MOST_LOG_ROWS {
            let regime: FriRegime = parameters(()).security_regime();
            let [_, fold, queries, _] = rounds(log_rows);
            let missed = p3_security::proximity::alpha_udr(log_rows, LOG_BLOWUP, 1);
            let theirs = query_phase_error(missed, regime.num_queries, regime.query_pow_bits).bits();
            assert!((theirs - queries).abs() < 0.1, "queries: {theirs}, {queries}");
            let shape = InstanceShape {
                log_trace_length: log_rows,
                modulus_bits: 155,
                collision_resistance: 128,
                num_batched_functions: 1,
            };
            let theirs = commit_phase_error_udr(&regime, &shape).expect("it folds").bits();
            assert!((theirs - fold).abs() < 0.1, "folding: {theirs}, {fold}");
        }
    }

    /// A field of degree four cannot have 128 bits, however many queries there are.
    #[test]
    fn a_field_of_degree_four_is_too_small() {
        let bits = 4.0 * f64::from((1u32 << 31) - (1 << 24) + 1).log2();
        assert!(bits < 128.0);
    }
}
