//! Proofs of single operations, of batches and of ranges, by their names.
//!
//! A single operation is a batch of one command: an exchange that seals after every command makes such batches. A proof of
//! one costs about as much as a proof of hundreds, so this is for who needs that one proof alone.

use transition::SealedBatch;
use verifier::ProofKind;

use crate::router::{Limits, Request, RequestClass};
use crate::{JobId, Manager, SubmitError, SubmitOptions, Work};

impl Manager {
    /// Has the placement of one order proved: a batch of one command, which places an order that may rest.
    ///
    /// # Errors
    /// When the batch holds anything else, the queue is full, or the disk fails.
    pub fn prove_order_placement(
        &self,
        batch: SealedBatch,
        kind: ProofKind,
        options: SubmitOptions,
    ) -> Result<JobId, SubmitError> {
        self.operation(batch, kind, options, RequestClass::Placement)
    }

    /// Has the matching of one order proved: a batch of one command, an order that trades at once or not at all.
    ///
    /// # Errors
    /// When the batch holds anything else, the queue is full, or the disk fails.
    pub fn prove_order_matching(
        &self,
        batch: SealedBatch,
        kind: ProofKind,
        options: SubmitOptions,
    ) -> Result<JobId, SubmitError> {
        self.operation(batch, kind, options, RequestClass::Match)
    }

    /// Has a cancellation proved: a batch of one command, which cancels one order or many.
    ///
    /// # Errors
    /// When the batch holds anything else, the queue is full, or the disk fails.
    pub fn prove_cancellation(
        &self,
        batch: SealedBatch,
        kind: ProofKind,
        options: SubmitOptions,
    ) -> Result<JobId, SubmitError> {
        self.operation(batch, kind, options, RequestClass::Cancellation)
    }

    /// Has a batch proved.
    ///
    /// # Errors
    /// When the queue is full or the disk fails.
    pub fn prove_batch(
        &self,
        batch: SealedBatch,
        kind: ProofKind,
        options: SubmitOptions,
    ) -> Result<JobId, SubmitError> {
        self.prove_range(vec![batch], kind, options)
    }

    /// Has consecutive batches proved together.
    ///
    /// # Errors
    /// When they are none, too many or not consecutive, the queue is full, or the disk fails.
    pub fn prove_range(
        &self,
        batches: Vec<SealedBatch>,
        kind: ProofKind,
        options: SubmitOptions,
    ) -> Result<JobId, SubmitError> {
        self.submit(&Work::new(batches, kind)?, options)
    }

    fn operation(
        &self,
        batch: SealedBatch,
        kind: ProofKind,
        options: SubmitOptions,
        expected: RequestClass,
    ) -> Result<JobId, SubmitError> {
        let work = Work::new(vec![batch], kind)?;
        let found = Request::new(&work.range, Limits::kind(kind), types::Timestamp(0))?.class;
        if found == expected {
            self.submit(&work, options)
        } else {
            Err(SubmitError::NotThatOperation { found: found.to_string(), expected: expected.to_string() })
        }
    }
}
