//! KZG: the known answers of Ethereum's specifications, and what is refused.
//!
//! Blobs and answers are those of the consensus specifications' tests for EIP-4844 and EIP-7594 (their generators
//! `kzg_4844` and `kzg_7594`), as c-kzg-4844 at b7e4098 has them in `blob_to_kzg_commitment`, `compute_blob_kzg_proof`,
//! `compute_kzg_proof`, `compute_cells_and_kzg_proofs` and `recover_cells_and_kzg_proofs`. The blobs have formulas; of the
//! cells and proofs their SHA-256 is kept.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::LazyLock;

use ark_ff::{BigInteger, Field, PrimeField};
use commitments::kzg::{
    BLOB_BYTES, CELL_BYTES, CELLS, CellOpening, Kzg, KzgCommitment, KzgCommitted, KzgProof, KzgProofs, Scalar,
};
use commitments::{Encoding, Error, PolynomialCommitment};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// The order of BLS12-381's groups.
type Fr = ark_bls12_381::Fr;

struct Answers {
    blob: fn(u64) -> Fr,
    commitment: &'static str,
    blob_proof: &'static str,
    /// Of all cells.
    cells: &'static str,
    /// Of all their proofs.
    proofs: &'static str,
}

const INFINITY: &str =
    "c00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

const ANSWERS: [Answers; 7] = [
    Answers {
        blob: |_| Fr::from(0),
        commitment: INFINITY,
        blob_proof: INFINITY,
        cells: "8a39d2abd3999ab73c34db2476849cddf303ce389b35826850f9a700589b4a90",
        proofs: "6344e6aa419ed4ef15f7bf2d0cd777bee3bbb83174a612c527f4e956b7c87f95",
    },
    Answers {
        blob: |_| Fr::from(2),
        commitment: "a572cbea904d67468808c8eb50a9450c9721db309128012543902d0ac358a62ae28f75bb8f1c7c42c39a8c5529bf0f4e",
        blob_proof: INFINITY,
        cells: "7cad6a0a172ea6f5fb2feaf12a57a31f6fe8fc1c49c87885cde50af294a477f0",
        proofs: "6344e6aa419ed4ef15f7bf2d0cd777bee3bbb83174a612c527f4e956b7c87f95",
    },
    Answers {
        blob: |i| Fr::from(2).pow([i + 256]),
        commitment: "a421e229565952cfff4ef3517100a97da1d4fe57956fa50a442f92af03b1bf37adacc8ad4ed209b31287ea5bb94d9d06",
        blob_proof: "a2aeea08a9cd37fb0b089b1938bbe7eedd4ea6120dc70f45d59ad077008d08be115b858350b1eff645148fe4470b65c8",
        cells: "ad36824e971fecdf2991eeafbb60d79e6b6f66173f136d60989402203fa4d222",
        proofs: "31ce3f54e2d13c983875dc3daf33888ee4d51bbf4c19dc32e02a32928cf5ea6c",
    },
    Answers {
        blob: |i| Fr::from(3).pow([i + 256]),
        commitment: "b49d88afcd7f6c61a8ea69eff5f609d2432b47e7e4cd50b02cdddb4e0c1460517e8df02e4e64dc55e3d8ca192d57193a",
        blob_proof: "99075a77ae270bb59bef56d89e633040b4e5c3e9b8b4f0a4b0a9b25bc6f55c8c81fe89b91b0fd6537adbaf7889a7bfdf",
        cells: "564822fafd787c725eb778738e9e88c630d7939eb3b4d2bdf99d10218b98c81f",
        proofs: "30bd16b0df9b4376ca652c644b04094a099743fdc186322e461da3564db53e3f",
    },
    Answers {
        blob: |i| Fr::from(5).pow([i + 256]),
        commitment: "8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca25f26936857bc3a7c2539ea8ec3a952b7",
        blob_proof: "8a9953b9de21f91395b66705990d222ce4e6a692f94a32b0ed0648df735e87d686dfe608a7acbdc605180540b55f7272",
        cells: "af591743b9299f4614dbd7c9c6a8f71ac117a9be3eecf5fb461e73d65eeb458a",
        proofs: "b546cf70b5f10926ffa9649fd967e7ab6b14f7dfc28a8f240442a8e482753517",
    },
    Answers {
        blob: |_| Fr::from(-1),
        commitment: "b7f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
        blob_proof: INFINITY,
        cells: "b4f75b02969e8fe2d5682e71a3cd021b734df5ab848c29c2eddfc5fa87f58979",
        proofs: "6344e6aa419ed4ef15f7bf2d0cd777bee3bbb83174a612c527f4e956b7c87f95",
    },
    Answers {
        blob: |i| Fr::from(i == 3211),
        commitment: "93efc82d2017e9c57834a1246463e64774e56183bb247c8fc9dd98c56817e878d97b05f5c8d900acf1fbbbca6f146556",
        blob_proof: "9720099d507280aba6a9c9e8c31187336d10dc6a4b04646d1aa42c8d38f891de36f939313cb99e9e7953606555db269a",
        cells: "aedd5a5115f4790da2f91a6f31407374c78e20e75e0e2193e5b137c93af206d8",
        proofs: "4abe0277af836b5ac6ee00f60ed684ba140b9d6a494800512d6a780d3954bc4e",
    },
];

/// Of `compute_kzg_proof`: the blob, the point, the value, the proof.
const OPENINGS: [(usize, &str, &str, &str); 4] = [
    (
        2,
        "0000000000000000000000000000000000000000000000000000000000000000",
        "50625ad853cc21ba40594f79591e5d35c445ecf9453014da6524c0cf6367c359",
        "b72d80393dc39beea3857cb3719277138876b2b207f1d5e54dd62a14e3242d123b5a6db066181ff01a51c26c9d2f400b",
    ),
    (
        // A root of unity: the value is in the blob.
        2,
        "564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306",
        "6d928e13fe443e957d82e3e71d48cb65d51028eb4483e719bf8efcdf12f7c321",
        "a444d6bb5aadc3ceb615b50d6606bd54bfe529f59247987cd1ab848d19de599a9052f1835fb0d0d44cf70183e19a68c9",
    ),
    (
        4,
        "5eb7004fe57383e6c88b99d839937fddf3f99279353aaf8d5c9a75f91ce33c62",
        "4882cf0609af8c7cd4c256e63a35838c95a9ebbf6122540ab344b42fd66d32e1",
        "987ea6df69bbe97c23e0dd948cf2d4490824ba7fea5af812721b2393354b0810a9dba2c231ea7ae30f26c412c7ea6e3a",
    ),
    (
        6,
        "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "92c51ff81dd71dab71cefecd79e8274b4b7ba36a0f40e2dc086bc4061c7f63249877db23297212991fd63e07b7ebc348",
    ),
];

static KZG: LazyLock<Kzg> = LazyLock::new(Kzg::default);

fn scalar(number: Fr) -> Scalar {
    number.into_bigint().to_bytes_be().try_into().unwrap()
}

fn blob(index: usize) -> Vec<u8> {
    (0..4096).flat_map(|i| scalar((ANSWERS[index].blob)(i))).collect()
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn committed(index: usize) -> (KzgCommitment, KzgCommitted) {
    KZG.commit(&blob(index)).unwrap()
}

/// A blob's cells. Of the one with powers of five, since these take long.
static CELL_OPENINGS: LazyLock<Vec<CellOpening>> = LazyLock::new(|| KZG.open_cells(&committed(4).1).unwrap());

fn digests(openings: &[CellOpening]) -> (String, String) {
    assert_eq!(openings.len(), CELLS);
    let cells: Vec<u8> = openings.iter().flat_map(|opening| opening.cell.clone()).collect();
    let proofs: Vec<u8> = openings.iter().flat_map(|opening| opening.proof.0).collect();
    (hex::encode(Sha256::digest(cells)), hex::encode(Sha256::digest(proofs)))
}

#[test]
fn blobs_have_the_specifications_commitments_and_proofs() {
    for (index, answers) in ANSWERS.iter().enumerate() {
        let (commitment, committed) = committed(index);
        assert_eq!(hex::encode(commitment.0), answers.commitment, "blob {index}");
        let proof = KZG.prove_blob(&committed).unwrap();
        assert_eq!(hex::encode(proof.0), answers.blob_proof, "blob {index}");
        assert_eq!(KZG.verify_blobs(&[(&blob(index), commitment, proof)]), Ok(()));
    }
}

#[test]
fn openings_at_points_are_the_specifications() {
    for (index, point, value, proof) in OPENINGS {
        let (commitment, committed) = committed(index);
        let (got_value, got_proof) = KZG.open(&committed, &bytes(point)).unwrap();
        assert_eq!((hex::encode(got_value), hex::encode(got_proof.0)), (value.into(), proof.into()));
        assert_eq!(KZG.verify(&commitment, &bytes(point), &got_value, &got_proof), Ok(()));
        assert!(KZG.verify(&commitment, &bytes(point), &scalar(Fr::from(77)), &got_proof).is_err());
        assert!(KZG.verify(&commitment, &scalar(Fr::from(78)), &got_value, &got_proof).is_err());
    }
}

#[test]
fn cells_and_their_proofs_are_the_specifications() {
    for (index, answers) in ANSWERS.iter().enumerate() {
        let openings = KZG.open_cells(&committed(index).1).unwrap();
        assert_eq!(digests(&openings), (answers.cells.into(), answers.proofs.into()));
        assert_eq!(KZG.verify_cells(&openings), Ok(()), "blob {index}");
    }
}

#[test]
fn half_of_the_cells_give_all() {
    let all = &*CELL_OPENINGS;
    let commitment = all[0].commitment;
    let recover = |indices: &mut dyn Iterator<Item = usize>| {
        let cells: Vec<(u64, &[u8])> =
            indices.map(|index| (all[index].index, all[index].cell.as_slice())).collect();
        KZG.recover(commitment, &cells)
    };
    let expected = (ANSWERS[4].cells.to_owned(), ANSWERS[4].proofs.to_owned());
    for recovered in
        [recover(&mut (0..CELLS).step_by(2)), recover(&mut (0..CELLS / 2)), recover(&mut (CELLS / 2..CELLS))]
    {
        assert_eq!(digests(&recovered.unwrap()), expected);
    }
    // Too few, out of order, twice the same, none, one that there is not.
    assert!(recover(&mut (1..CELLS / 2)).is_err());
    assert!(recover(&mut (0..CELLS / 2).rev()).is_err());
    assert!(recover(&mut (0..CELLS).map(|index| index / 2)).is_err());
    assert!(recover(&mut (0..0)).is_err());
    let mut cells: Vec<(u64, &[u8])> =
        all.iter().take(CELLS / 2).map(|o| (o.index, o.cell.as_slice())).collect();
    cells[63].0 = 128;
    assert!(KZG.recover(commitment, &cells).is_err());
    // One cell is another's: what comes out is of no commitment, or of another.
    let mut cells: Vec<(u64, &[u8])> =
        all.iter().take(CELLS / 2).map(|o| (o.index, o.cell.as_slice())).collect();
    cells[5].1 = &all[6].cell;
    assert_eq!(
        KZG.recover(commitment, &cells).map(|_| ()),
        Err(Error::Refused("the cells are of another blob"))
    );
}

#[test]
fn a_batch_with_one_wrong_cell_is_refused() {
    let good: Vec<CellOpening> = CELL_OPENINGS[..8].to_vec();
    assert_eq!(KZG.verify_cells(&good), Ok(()));
    assert_eq!(KZG.verify_cells(&[]), Ok(()));
    let refused = |change: &dyn Fn(&mut CellOpening)| {
        let mut openings = good.clone();
        change(&mut openings[3]);
        assert!(KZG.verify_cells(&openings).is_err());
    };
    refused(&|opening| opening.commitment = committed(3).0);
    refused(&|opening| opening.commitment.0[47] ^= 1);
    refused(&|opening| opening.index = 4);
    refused(&|opening| opening.index = 128);
    refused(&|opening| opening.cell[31] ^= 1);
    refused(&|opening| opening.cell[..32].fill(0xff));
    refused(&|opening| opening.cell.truncate(CELL_BYTES - 1));
    refused(&|opening| opening.cell.push(0));
    refused(&|opening| opening.proof = good[0].proof);
    refused(&|opening| opening.proof.0[1] ^= 1);
    // Cells of several blobs, in any order, one of them twice.
    let mut mixed = good.clone();
    mixed.extend(KZG.open_cells(&committed(3).1).unwrap().into_iter().take(3));
    mixed.push(good[5].clone());
    mixed.reverse();
    assert_eq!(KZG.verify_cells(&mixed), Ok(()));
}

#[test]
fn blobs_that_are_not_blobs_are_refused() {
    let good = blob(2);
    assert_eq!(good.len(), BLOB_BYTES);
    for wrong in [&good[1..], &[&good[..], &[0]].concat(), &[]] {
        assert!(matches!(KZG.commit(wrong), Err(Error::Kzg(_))));
    }
    let mut over = good;
    over[32..64].fill(0xff);
    assert!(matches!(KZG.commit(&over), Err(Error::Kzg(_))));
    // The modulus itself.
    let modulus: [u8; 32] = bytes("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
    over[32..64].copy_from_slice(&modulus);
    assert!(matches!(KZG.commit(&over), Err(Error::Kzg(_))));
    let (_, committed) = committed(4);
    assert!(matches!(KZG.open(&committed, &modulus), Err(Error::Kzg(_))));
}

#[test]
fn another_blob_commitment_or_proof_is_refused() {
    let (commitment, committed_blob) = committed(2);
    let (other, _) = committed(3);
    let proof = KZG.prove_blob(&committed_blob).unwrap();
    let (right, wrong) = (blob(2), blob(3));
    let good: (&[u8], _, _) = (&right, commitment, proof);
    assert_eq!(KZG.verify_blobs(&[good, good]), Ok(()));
    for bad in [
        (&wrong[..], commitment, proof),
        (&right[..], other, proof),
        (&right[..], commitment, KzgProof(other.0)),
        (&right[..], commitment, KzgProof(bytes(INFINITY))),
    ] {
        assert!(KZG.verify_blobs(&[bad]).is_err());
        assert!(KZG.verify_blobs(&[good, bad]).is_err());
    }
}

#[test]
fn every_flipped_bit_of_a_commitment_or_proof_is_refused() {
    let (commitment, committed) = committed(4);
    let point = scalar(Fr::from(12_345));
    let (value, proof) = KZG.open(&committed, &point).unwrap();
    let (of_commitment, of_proof) = (commitment.to_bytes(), proof.to_bytes());
    // A verification that gets as far as the pairings takes milliseconds.
    for bit in (0..24).chain((24..8 * of_proof.len()).step_by(5)) {
        let flipped = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        let result = KzgProof::from_bytes(&flipped(&of_proof))
            .and_then(|proof| KZG.verify(&commitment, &point, &value, &proof));
        assert!(result.is_err(), "bit {bit}");
        let result = KzgCommitment::from_bytes(&flipped(&of_commitment))
            .and_then(|commitment| KZG.verify(&commitment, &point, &value, &proof));
        assert!(result.is_err(), "bit {bit}");
    }
    for length in 0..of_proof.len() {
        assert!(KzgProof::from_bytes(&of_proof[..length]).is_err());
        assert!(KzgCommitment::from_bytes(&of_commitment[..length]).is_err());
    }
    assert!(KzgProof::from_bytes(&[&of_proof[..], &[0]].concat()).is_err());
    // The point at infinity, in its one encoding and in others.
    let mut infinity = of_proof;
    infinity[2..].copy_from_slice(&bytes::<48>(INFINITY));
    assert!(KzgProof::from_bytes(&infinity).is_ok());
    infinity[2] = 0xe0;
    assert!(KzgProof::from_bytes(&infinity).is_err());
    infinity[2] = 0xc0;
    infinity[49] = 1;
    assert!(KzgProof::from_bytes(&infinity).is_err());
}

#[test]
fn several_blobs_are_opened_at_a_point() {
    let (commitments, blobs): (Vec<_>, Vec<_>) = [2, 3, 4].into_iter().map(committed).unzip();
    let blobs: Vec<&KzgCommitted> = blobs.iter().collect();
    let point = scalar(Fr::from(99));
    let (values, proofs) = KZG.open_batch(&blobs, &point).unwrap();
    assert_eq!(KzgProofs::from_bytes(&proofs.to_bytes()), Ok(proofs.clone()));
    assert_eq!(KZG.verify_batch(&commitments, &point, &values, &proofs), Ok(()));
    for index in 0..3 {
        let mut other = values.clone();
        other[index] = scalar(Fr::from(1));
        assert!(KZG.verify_batch(&commitments, &point, &other, &proofs).is_err());
        let mut other = proofs.clone();
        other.0[index] = KzgProof(bytes(INFINITY));
        assert!(KZG.verify_batch(&commitments, &point, &values, &other).is_err());
    }
    assert_eq!(
        KZG.verify_batch(&commitments, &point, &values[..2], &proofs),
        Err(Error::Count { expected: 3, got: 2 })
    );
    assert!(KZG.verify_batch(&[], &point, &[], &KzgProofs(vec![])).is_err());
    assert!(KzgProofs::from_bytes(&proofs.to_bytes()[..90]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn what_is_opened_is_accepted_and_comes_back_from_its_bytes(seed: u64, at: u64) {
        let blob: Vec<u8> =
            (0..4096).flat_map(|i| scalar(Fr::from(seed).pow([i + 3]) + Fr::from(i))).collect();
        let point = scalar(Fr::from(at));
        let (commitment, committed) = KZG.commit(&blob).unwrap();
        let (value, proof) = KZG.open(&committed, &point).unwrap();
        let commitment_again = KzgCommitment::from_bytes(&commitment.to_bytes()).unwrap();
        let proof_again = KzgProof::from_bytes(&proof.to_bytes()).unwrap();
        prop_assert_eq!(KZG.verify(&commitment_again, &point, &value, &proof_again), Ok(()));
        let wrong = scalar(Fr::from(at) + Fr::from(1));
        prop_assert!(KZG.verify(&commitment, &wrong, &value, &proof).is_err());
    }
}
