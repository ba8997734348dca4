//! The guest program, as committed.

use proving::BackendError;
use sp1_sdk::blocking::{Prover, ProverClient};
use sp1_sdk::{Elf, HashableKey, ProvingKey};
use verifier::ProgramId;

use crate::backend::{encode, failed, guarded};

/// The committed executable: the statement. `guests/build` makes it, byte for byte.
pub const ELF: &[u8] = include_bytes!("../../../guests/elf/glassbook-sp1.elf");

/// The same, as the SDK wants it.
pub const STATEMENT: Elf = Elf::Static(ELF);

/// The committed executable that makes proofs of consecutive batches one, as the SDK wants it.
pub const AGGREGATE: Elf = Elf::Static(include_bytes!("../../../guests/elf/glassbook-sp1-aggregate.elf"));

/// The encoded verification key of any executable, and the id that it gives its program.
///
/// # Errors
/// When it is not an executable for SP1.
pub fn program_key(elf: Vec<u8>) -> Result<(Vec<u8>, ProgramId), BackendError> {
    guarded(|| {
        let key = ProverClient::builder().light().build().setup(Elf::from(elf)).map_err(failed)?;
        let key = key.verifying_key();
        Ok((encode(key)?, ProgramId(key.bytes32_raw())))
    })
}
