//! What all schemes have in common.

use crate::Error;

/// A commitment to polynomials that can be opened at points.
///
/// A verifier that holds a commitment, a point and a value is convinced by a proof that the committed polynomial has that
/// value there. None of the schemes hides: who sees a commitment can test guesses at the polynomial.
///
/// What exactly a verifier is convinced of, and how strongly, is [`Self::SECURITY`].
pub trait PolynomialCommitment {
    /// The field of coefficients and evaluations.
    type Field;
    /// What is committed to: one polynomial, or several of one size.
    type Polynomial: ?Sized;
    /// Where it is opened.
    type Point;
    /// What it is there.
    type Value;
    /// The short string that stands for the polynomial.
    type Commitment: Encoding;
    /// What the committer keeps in order to open.
    type Committed;
    /// An opening's proof.
    type Proof: Encoding;
    /// One proof for several commitments at one point.
    type BatchProof: Encoding;
    /// What can be wrong.
    type Error: std::error::Error;

    /// What a proof proves, and under which assumptions.
    const SECURITY: SecurityStatement;

    /// Commits to a polynomial.
    ///
    /// # Errors
    ///
    /// When it does not fit the scheme.
    fn commit(
        &self,
        polynomial: &Self::Polynomial,
    ) -> Result<(Self::Commitment, Self::Committed), Self::Error>;

    /// The value at a point, with its proof.
    ///
    /// # Errors
    ///
    /// When the scheme cannot open there.
    fn open(
        &self,
        committed: &Self::Committed,
        point: &Self::Point,
    ) -> Result<(Self::Value, Self::Proof), Self::Error>;

    /// Whether the committed polynomial has this value at this point.
    ///
    /// # Errors
    ///
    /// When the proof does not show it.
    fn verify(
        &self,
        commitment: &Self::Commitment,
        point: &Self::Point,
        value: &Self::Value,
        proof: &Self::Proof,
    ) -> Result<(), Self::Error>;

    /// Commits to several polynomials, one commitment each.
    ///
    /// # Errors
    ///
    /// As [`Self::commit`].
    fn commit_batch(&self, polynomials: &[&Self::Polynomial]) -> Result<Vec<Made<Self>>, Self::Error> {
        polynomials.iter().map(|polynomial| self.commit(polynomial)).collect()
    }

    /// The values of several polynomials at one point, with one proof for all.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], and when there are none.
    fn open_batch(
        &self,
        committed: &[&Self::Committed],
        point: &Self::Point,
    ) -> Result<Opened<Self>, Self::Error>;

    /// Checks what [`Self::open_batch`] gave.
    ///
    /// # Errors
    ///
    /// When the proof does not show it.
    fn verify_batch(
        &self,
        commitments: &[Self::Commitment],
        point: &Self::Point,
        values: &[Self::Value],
        proof: &Self::BatchProof,
    ) -> Result<(), Self::Error>;

    /// Checks openings that know nothing of each other, each of its own commitment at its own point, for less than the
    /// price of each where the scheme has a way. Says whether all hold, not which does not.
    ///
    /// # Errors
    ///
    /// When one of the proofs does not show what it should.
    fn verify_many(&self, openings: &[Opening<'_, Self>]) -> Result<(), Self::Error> {
        openings.iter().try_for_each(|opening| {
            self.verify(opening.commitment, opening.point, opening.value, opening.proof)
        })
    }
}

/// A commitment, and what its maker keeps.
pub type Made<S> = (<S as PolynomialCommitment>::Commitment, <S as PolynomialCommitment>::Committed);

/// Values at a point, and the proof of all.
pub type Opened<S> = (Vec<<S as PolynomialCommitment>::Value>, <S as PolynomialCommitment>::BatchProof);

/// A claim with its proof.
#[derive(Debug)]
pub struct Opening<'a, S: PolynomialCommitment + ?Sized> {
    /// Whose value.
    pub commitment: &'a S::Commitment,
    /// Where.
    pub point: &'a S::Point,
    /// The value claimed.
    pub value: &'a S::Value,
    /// Its proof.
    pub proof: &'a S::Proof,
}

/// What is known of a scheme's security. The derivations are in the book, in the chapter on commitments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityStatement {
    /// log2 of the work to make a proof of something false, as proven under [`Self::assumption`] at the cost of the best
    /// published attack on it.
    pub proven_bits: u32,
    /// The same if conjectures hold that nobody has proved or refuted.
    pub conjectured_bits: u32,
    /// What is assumed.
    pub assumption: &'static str,
    /// Who had to be trusted when the parameters were made.
    pub setup: Setup,
    /// Whether it stands against known quantum algorithms.
    pub post_quantum: bool,
}

/// How a scheme's parameters came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Anybody can compute them again; nobody holds a secret.
    Transparent,
    /// From a ceremony with many participants; who knows the secrets of all of them can prove anything.
    Ceremony,
}

/// The one encoding of a commitment or a proof.
///
/// Begins with a byte for the kind and one for its version. What decodes encodes to the same bytes.
pub trait Encoding: Sized {
    /// No encoding is longer.
    const MOST_BYTES: usize;

    /// The encoding.
    fn to_bytes(&self) -> Vec<u8>;

    /// What these bytes encode.
    ///
    /// # Errors
    ///
    /// When they encode nothing of this kind and version, are not the canonical encoding, or are too many.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Error>;
}

/// The kinds of encodings: the first byte.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    IpaCommitment = 1,
    IpaProof = 2,
    FriCommitment = 3,
    FriProof = 4,
    FriRow = 5,
    #[cfg(feature = "kzg")]
    KzgCommitment = 6,
    #[cfg(feature = "kzg")]
    KzgProof = 7,
    #[cfg(feature = "kzg")]
    KzgProofs = 8,
    LowDegreeProof = 9,
}

/// The version of all encodings: the second byte.
const VERSION: u8 = 1;

impl Kind {
    /// An encoding's first two bytes.
    pub(crate) fn header(self) -> [u8; 2] {
        [self as u8, VERSION]
    }

    /// What follows the first two bytes, if they are right.
    pub(crate) fn body(self, bytes: &[u8], most: usize) -> Result<&[u8], Error> {
        if bytes.len() > most {
            return Err(Error::TooLong { got: bytes.len(), most });
        }
        match bytes.split_first_chunk() {
            Some(([kind, _], _)) if *kind != self as u8 => Err(Error::Malformed("another kind")),
            Some(([_, version], _)) if *version != VERSION => Err(Error::Malformed("another version")),
            Some((_, body)) => Ok(body),
            None => Err(Error::Malformed("shorter than a header")),
        }
    }
}
