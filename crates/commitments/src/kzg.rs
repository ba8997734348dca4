//! KZG over BLS12-381 as Ethereum has it: blobs (EIP-4844) and cells of extended blobs (EIP-7594), with the parameters of
//! the public ceremony. For Ethereum's blobs only; behind the feature `kzg`.
//!
//! A blob is 4096 field elements of 32 bytes, big-endian: a polynomial's values on the 4096th roots of unity in
//! bit-reversed order. Its extension has 128 cells of 64 elements, any 64 of which give the rest. Cells are verified in
//! batches only: one alone costs twenty times as much as one of 128.
//!
//! All arithmetic is c-kzg's.

use c_kzg::{
    BYTES_PER_BLOB, BYTES_PER_CELL, Blob, Bytes32, Bytes48, CELLS_PER_EXT_BLOB, Cell, KzgSettings,
    ethereum_kzg_settings,
};

use crate::Error;
use crate::scheme::{Encoding, Kind, PolynomialCommitment, SecurityStatement, Setup};

/// Bytes of a blob: 4096 field elements.
pub const BLOB_BYTES: usize = BYTES_PER_BLOB;
/// Bytes of a cell: 64 field elements.
pub const CELL_BYTES: usize = BYTES_PER_CELL;
/// Cells of an extended blob. Half of them suffice.
pub const CELLS: usize = CELLS_PER_EXT_BLOB;
/// The most commitments that are opened at one point together.
const MOST_TOGETHER: usize = 1024;

/// A field element: 32 bytes, big-endian, below the modulus. Whether it is, is checked where it is used.
pub type Scalar = [u8; 32];

/// Ethereum's KZG commitments.
#[derive(Clone, Copy)]
pub struct Kzg {
    settings: &'static KzgSettings,
}

/// A commitment: kind, version, a compressed point of 48 bytes. That it is of the right group is checked where it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KzgCommitment(pub [u8; 48]);

/// A proof: kind, version, a compressed point of 48 bytes. That it is of the right group is checked where it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KzgProof(pub [u8; 48]);

/// Proofs of several commitments at one point, in order: kind, version, 48 bytes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KzgProofs(pub Vec<KzgProof>);

/// A committed blob.
#[derive(Clone)]
pub struct KzgCommitted {
    blob: Box<Blob>,
    commitment: KzgCommitment,
}

/// A cell, where it belongs, and its proof.
#[derive(Clone, Debug)]
pub struct CellOpening {
    /// Of which blob.
    pub commitment: KzgCommitment,
    /// Which of the [`CELLS`] cells.
    pub index: u64,
    /// [`CELL_BYTES`] bytes.
    pub cell: Vec<u8>,
    /// Its proof.
    pub proof: KzgProof,
}

impl Default for Kzg {
    fn default() -> Self {
        Self { settings: ethereum_kzg_settings(0) }
    }
}

impl Kzg {
    /// The blob's proof of EIP-4844, at a point that is drawn from blob and commitment.
    ///
    /// # Errors
    ///
    /// None for a committed blob.
    pub fn prove_blob(&self, committed: &KzgCommitted) -> Result<KzgProof, Error> {
        let commitment = Bytes48::new(committed.commitment.0);
        let proof = self.settings.compute_blob_kzg_proof(&committed.blob, &commitment)?;
        Ok(KzgProof(proof.to_bytes().into_inner()))
    }

    /// Whether these are blobs with their commitments and proofs, all checked together.
    ///
    /// # Errors
    ///
    /// When one is not, or something is malformed.
    pub fn verify_blobs(&self, blobs: &[(&[u8], KzgCommitment, KzgProof)]) -> Result<(), Error> {
        let contents =
            blobs.iter().map(|(bytes, _, _)| Blob::from_bytes(bytes)).collect::<Result<Vec<_>, _>>()?;
        let commitments: Vec<Bytes48> =
            blobs.iter().map(|(_, commitment, _)| Bytes48::new(commitment.0)).collect();
        let proofs: Vec<Bytes48> = blobs.iter().map(|(_, _, proof)| Bytes48::new(proof.0)).collect();
        accepted(self.settings.verify_blob_kzg_proof_batch(&contents, &commitments, &proofs)?)
    }

    /// All cells of the extended blob with their proofs, [`CELLS`] of them.
    ///
    /// # Errors
    ///
    /// None for a committed blob.
    pub fn open_cells(&self, committed: &KzgCommitted) -> Result<Vec<CellOpening>, Error> {
        let (cells, proofs) = self.settings.compute_cells_and_kzg_proofs(&committed.blob)?;
        Ok(cell_openings(committed.commitment, &cells[..], &proofs[..]))
    }

    /// Whether all these are cells of their commitments.
    ///
    /// # Errors
    ///
    /// When one is not, or something is malformed. Says not which.
    pub fn verify_cells(&self, openings: &[CellOpening]) -> Result<(), Error> {
        let cells =
            openings.iter().map(|opening| Cell::from_bytes(&opening.cell)).collect::<Result<Vec<_>, _>>()?;
        let commitments: Vec<Bytes48> =
            openings.iter().map(|opening| Bytes48::new(opening.commitment.0)).collect();
        let indices: Vec<u64> = openings.iter().map(|opening| opening.index).collect();
        let proofs: Vec<Bytes48> = openings.iter().map(|opening| Bytes48::new(opening.proof.0)).collect();
        accepted(self.settings.verify_cell_kzg_proof_batch(&commitments, &indices, &cells, &proofs)?)
    }

    /// All cells of the blob that has these, at least half of them, with ascending indices. The caller has verified them,
    /// and knows the commitment; what comes back belongs to it, or an error does.
    ///
    /// # Errors
    ///
    /// When they are too few, not of one blob, not in order, or not of this commitment.
    pub fn recover(
        &self,
        commitment: KzgCommitment,
        cells: &[(u64, &[u8])],
    ) -> Result<Vec<CellOpening>, Error> {
        let indices: Vec<u64> = cells.iter().map(|(index, _)| *index).collect();
        let contents = cells.iter().map(|(_, cell)| Cell::from_bytes(cell)).collect::<Result<Vec<_>, _>>()?;
        let (cells, proofs) = self.settings.recover_cells_and_kzg_proofs(&indices, &contents)?;
        // From other cells than were committed to, another blob is recovered.
        let blob: Vec<u8> = cells[..CELLS / 2].iter().flat_map(|cell| cell.to_bytes()).collect();
        let recovered = self.settings.blob_to_kzg_commitment(&Blob::from_bytes(&blob)?)?;
        if recovered.to_bytes().into_inner() != commitment.0 {
            return Err(Error::Refused("the cells are of another blob"));
        }
        Ok(cell_openings(commitment, &cells[..], &proofs[..]))
    }
}

impl PolynomialCommitment for Kzg {
    type Field = Scalar;
    /// [`BLOB_BYTES`] bytes.
    type Polynomial = [u8];
    type Point = Scalar;
    type Value = Scalar;
    type Commitment = KzgCommitment;
    type Committed = KzgCommitted;
    type Proof = KzgProof;
    type BatchProof = KzgProofs;
    type Error = Error;

    const SECURITY: SecurityStatement = SecurityStatement {
        proven_bits: 117,
        conjectured_bits: 121,
        assumption: "discrete logarithms in BLS12-381 with 4096 powers of the secret given; algebraic group and random oracle models; one honest participant",
        setup: Setup::Ceremony,
        post_quantum: false,
    };

    fn commit(&self, blob: &[u8]) -> Result<(KzgCommitment, KzgCommitted), Error> {
        let blob = Box::new(Blob::from_bytes(blob)?);
        let commitment = self.settings.blob_to_kzg_commitment(&blob)?;
        let commitment = KzgCommitment(commitment.to_bytes().into_inner());
        Ok((commitment, KzgCommitted { blob, commitment }))
    }

    fn open(&self, committed: &KzgCommitted, point: &Scalar) -> Result<(Scalar, KzgProof), Error> {
        let (proof, value) = self.settings.compute_kzg_proof(&committed.blob, &Bytes32::new(*point))?;
        Ok((*value, KzgProof(proof.to_bytes().into_inner())))
    }

    fn verify(
        &self,
        commitment: &KzgCommitment,
        point: &Scalar,
        value: &Scalar,
        proof: &KzgProof,
    ) -> Result<(), Error> {
        accepted(self.settings.verify_kzg_proof(
            &Bytes48::new(commitment.0),
            &Bytes32::new(*point),
            &Bytes32::new(*value),
            &Bytes48::new(proof.0),
        )?)
    }

    /// A proof each: Ethereum has no combined ones at one point.
    fn open_batch(
        &self,
        committed: &[&KzgCommitted],
        point: &Scalar,
    ) -> Result<(Vec<Scalar>, KzgProofs), Error> {
        check_together(committed.len())?;
        let mut values = Vec::with_capacity(committed.len());
        let mut proofs = Vec::with_capacity(committed.len());
        for committed in committed {
            let (value, proof) = self.open(committed, point)?;
            values.push(value);
            proofs.push(proof);
        }
        Ok((values, KzgProofs(proofs)))
    }

    fn verify_batch(
        &self,
        commitments: &[KzgCommitment],
        point: &Scalar,
        values: &[Scalar],
        proof: &KzgProofs,
    ) -> Result<(), Error> {
        check_together(commitments.len())?;
        for got in [values.len(), proof.0.len()] {
            if got != commitments.len() {
                return Err(Error::Count { expected: commitments.len(), got });
            }
        }
        commitments
            .iter()
            .zip(values)
            .zip(&proof.0)
            .try_for_each(|((commitment, value), proof)| self.verify(commitment, point, value, proof))
    }
}

fn check_together(got: usize) -> Result<(), Error> {
    let most = MOST_TOGETHER;
    if (1..=most).contains(&got) { Ok(()) } else { Err(Error::Size { got, least: 1, most }) }
}

fn accepted(holds: bool) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Refused("the pairings differ")) }
}

fn cell_openings(commitment: KzgCommitment, cells: &[Cell], proofs: &[c_kzg::KzgProof]) -> Vec<CellOpening> {
    (0..)
        .zip(cells.iter().zip(proofs))
        .map(|(index, (cell, proof))| CellOpening {
            commitment,
            index,
            cell: cell.to_bytes().to_vec(),
            proof: KzgProof(proof.to_bytes().into_inner()),
        })
        .collect()
}

impl From<c_kzg::Error> for Error {
    fn from(error: c_kzg::Error) -> Self {
        Self::Kzg(error.to_string())
    }
}

/// A compressed point as far as its form goes: marked as compressed, and the point at infinity in one way only.
fn point(bytes: &[u8]) -> Result<[u8; 48], Error> {
    let point: [u8; 48] = bytes.try_into().map_err(|_| Error::Malformed("a point is 48 bytes"))?;
    let (compressed, infinite) = (point[0] & 0x80 != 0, point[0] & 0x40 != 0);
    if !compressed {
        return Err(Error::Malformed("a point that is not compressed"));
    }
    if infinite && (point[0] != 0xc0 || point[1..].iter().any(|byte| *byte != 0)) {
        return Err(Error::Malformed("another encoding of the point at infinity"));
    }
    Ok(point)
}

impl Encoding for KzgCommitment {
    const MOST_BYTES: usize = 2 + 48;

    fn to_bytes(&self) -> Vec<u8> {
        [&Kind::KzgCommitment.header()[..], &self.0].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Kind::KzgCommitment.body(bytes, Self::MOST_BYTES).and_then(point).map(Self)
    }
}

impl Encoding for KzgProof {
    const MOST_BYTES: usize = 2 + 48;

    fn to_bytes(&self) -> Vec<u8> {
        [&Kind::KzgProof.header()[..], &self.0].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Kind::KzgProof.body(bytes, Self::MOST_BYTES).and_then(point).map(Self)
    }
}

impl Encoding for KzgProofs {
    const MOST_BYTES: usize = 2 + 48 * MOST_TOGETHER;

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Kind::KzgProofs.header().to_vec();
        self.0.iter().for_each(|proof| bytes.extend(proof.0));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (proofs, rest) = Kind::KzgProofs.body(bytes, Self::MOST_BYTES)?.as_chunks::<48>();
        if !rest.is_empty() {
            return Err(Error::Malformed("a point is 48 bytes"));
        }
        let proofs = proofs.iter().map(|bytes| point(bytes).map(KzgProof)).collect::<Result<_, _>>()?;
        Ok(Self(proofs))
    }
}
