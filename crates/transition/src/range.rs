//! Consecutive batches that are executed, and proved, together.
//!
//! A proof has a price whatever it proves, so a prover may take several batches at once. What it proves is one claim a
//! batch, in order, each beginning with the state that the one before ended with. A range of one batch proves exactly
//! that batch's claim.

use alloc::vec::Vec;

use types::{DecodeError, Reader, Writer};

use crate::{BatchInput, Claim, Crypto, Limits, TransitionError, execute};

const VERSION: u8 = 1;

/// The inputs of consecutive batches: what a prover is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRange {
    inputs: Vec<BatchInput>,
}

impl BatchRange {
    /// Batches in one range at most.
    pub const MAX_BATCHES: usize = 256;

    /// A range of these batches; none when there are none or too many.
    #[must_use]
    pub fn new(inputs: Vec<BatchInput>) -> Option<Self> {
        (1..=Self::MAX_BATCHES).contains(&inputs.len()).then_some(Self { inputs })
    }

    /// The batches, in order. There is at least one.
    #[must_use]
    pub fn inputs(&self) -> &[BatchInput] {
        &self.inputs
    }

    /// The canonical encoding: version, count, and for each batch the length of its input and the input.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.byte(VERSION);
        out.uint(self.inputs.len() as u64);
        for input in &self.inputs {
            let bytes = input.encode();
            out.uint(bytes.len() as u64);
            out.raw(&bytes);
        }
        out
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// When the bytes are not one, or a batch exceeds the limits. Nothing is allocated beyond the bytes that are there.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        match r.byte("version")? {
            VERSION => {}
            tag => return Err(DecodeError::UnknownTag { what: "batch range version", tag }),
        }
        let count = r.count(Self::MAX_BATCHES as u64, "batches")?;
        if count == 0 {
            return Err(DecodeError::BadInteger { what: "batches" });
        }
        let mut inputs = Vec::new();
        for _ in 0..count {
            let length = r.count(r.left() as u64, "batch input length")?;
            inputs.push(BatchInput::decode(r.raw(length, "batch input")?, limits)?);
        }
        r.finish()?;
        Ok(Self { inputs })
    }
}

impl From<BatchInput> for BatchRange {
    fn from(input: BatchInput) -> Self {
        Self { inputs: alloc::vec![input] }
    }
}

/// Executes a range: [`execute`] for each batch, each on the state that the one before ended with.
///
/// # Errors
/// When a batch proves nothing or does not begin where the one before ended, and why.
pub fn execute_range<C: Crypto + Clone + 'static>(range: &BatchRange) -> Result<Vec<Claim>, TransitionError> {
    let mut claims: Vec<Claim> = Vec::with_capacity(range.inputs.len());
    for input in &range.inputs {
        // Chain, exchange, batch number, sequence and L1 position are part of the state.
        if claims.last().is_some_and(|before| before.state_root != input.previous_root) {
            return Err(TransitionError::PreviousRoot);
        }
        claims.push(execute::<C>(input)?);
    }
    Ok(claims)
}
