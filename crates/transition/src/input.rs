//! Everything an execution needs, in one self-contained piece: what a prover is sent.

use alloc::vec::Vec;

use types::{AccountId, DecodeError, Reader, Writer};

use crate::Authorisation;

const VERSION: u8 = 1;

/// Everything an execution needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchInput {
    /// The state before the batch.
    pub previous_root: [u8; 32],
    /// The published commands.
    pub commands: Vec<u8>,
    /// Who signed them.
    pub authorisation: Authorisation,
    /// The part of the state that they touch, encoded.
    pub witness: Vec<u8>,
}

/// The largest input that [`BatchInput::decode`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of commands.
    pub commands: usize,
    /// Signatures of each kind.
    pub signatures: usize,
    /// Bytes of witness.
    pub witness: usize,
}

impl Default for Limits {
    /// 64 MiB of commands, a million signatures, 512 MiB of witness.
    fn default() -> Self {
        Self { commands: 64 << 20, signatures: 1 << 20, witness: 512 << 20 }
    }
}

impl BatchInput {
    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Appends the canonical encoding.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(self.commands.len() + self.witness.len() + 256);
        out.byte(VERSION);
        out.raw(&self.previous_root);
        out.uint(self.commands.len() as u64);
        out.raw(&self.commands);
        out.uint(self.authorisation.streams.len() as u64);
        for (account, signature) in &self.authorisation.streams {
            out.uint(account.0.into());
            out.raw(signature);
        }
        out.uint(self.authorisation.owners.len() as u64);
        for signature in &self.authorisation.owners {
            out.raw(signature);
        }
        out.uint(self.witness.len() as u64);
        out.raw(&self.witness);
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// When the bytes are not one, or exceed the limits. Nothing is allocated beyond the bytes that are there.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        match r.byte("version")? {
            VERSION => {}
            tag => return Err(DecodeError::UnknownTag { what: "batch input version", tag }),
        }
        let previous_root = r.array("previous root")?;
        let length = r.count(limits.commands as u64, "commands length")?;
        let commands = r.raw(length, "commands")?.to_vec();
        let count = r.count(limits.signatures as u64, "stream signatures")?;
        let mut streams = Vec::with_capacity(count.min(r.left() / 65));
        for _ in 0..count {
            streams.push((AccountId(r.u32("account")?), r.array("stream signature")?));
        }
        let count = r.count(limits.signatures as u64, "owner signatures")?;
        let mut owners = Vec::with_capacity(count.min(r.left() / 65));
        for _ in 0..count {
            owners.push(r.array("owner signature")?);
        }
        let length = r.count(limits.witness as u64, "witness length")?;
        let witness = r.raw(length, "witness")?.to_vec();
        r.finish()?;
        Ok(Self { previous_root, commands, authorisation: Authorisation { streams, owners }, witness })
    }
}
