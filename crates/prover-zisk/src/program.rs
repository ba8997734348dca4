//! The guest program, as committed.

use zisk_sdk::GuestProgram;

/// The committed executable: the statement. `guests/zisk/build` makes it, byte for byte.
pub const ELF: &[u8] = include_bytes!("../../../guests/elf/glassbook-zisk.elf");

/// The same, as the SDK wants it.
pub(crate) fn statement() -> GuestProgram {
    GuestProgram::from_bytes("glassbook-zisk", ELF.to_vec())
}
