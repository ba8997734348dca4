//! Where proofs are made, and whether what that needs is there.

use std::path::{Path, PathBuf};

/// How a [`crate::Zisk`] works.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where proofs are made.
    pub mode: Mode,
    /// The program's key, where it is known: 32 bytes that ZisK derives from the executable and its proving key. Proofs
    /// are checked against it. Unset, it is the committed one, or the one that ZisK's own setup gives.
    pub program_key: Option<[u8; 32]>,
}

/// Where proofs are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nowhere: batches are executed by ZisK's emulator, which proves nothing.
    #[default]
    Execute,
    /// In this process, with ZisK's proving key.
    Embedded {
        /// The folder of the proving key; unset, where ZisK's installer puts it.
        proving_key: Option<PathBuf>,
    },
    /// By a ZisK coordinator and its workers.
    Remote {
        /// The coordinator's address, such as `http://coordinator:50051`.
        url: String,
    },
}

impl Mode {
    /// Where the work is done, in a word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Execute => "emulator",
            Self::Embedded { .. } => "cpu",
            Self::Remote { .. } => "coordinator",
        }
    }

    /// What is not there for proving, and how to get it: a sentence for the operator.
    ///
    /// # Errors
    /// When something is missing.
    pub fn can_prove(&self) -> Result<(), String> {
        match self {
            Self::Execute => {
                Err("this worker only executes; give it a proving key (--proving-key) or a coordinator \
                                  (--coordinator)"
                    .to_string())
            }
            Self::Embedded { proving_key } => installed(&folder(proving_key.as_deref())),
            Self::Remote { .. } => Ok(()),
        }
    }
}

/// The folder of the proving key: the one given, or where ZisK's installer puts it.
pub(crate) fn folder(given: Option<&Path>) -> PathBuf {
    if let Some(given) = given {
        return given.to_path_buf();
    }
    let home = std::env::var_os("ZISK_HOME").map(PathBuf::from);
    home.or_else(|| std::env::home_dir().map(|home| home.join(".zisk")))
        .unwrap_or_default()
        .join("provingKey")
}

/// Whether a proving key is there. That it is whole and of the right version is for the SDK to say.
fn installed(folder: &Path) -> Result<(), String> {
    if folder.join("pilout.globalInfo.json").is_file() {
        return Ok(());
    }
    Err(format!(
        "ZisK's proving key is not in {}; install the one of ZisK {} with ZisK's installer `ziskup` (many gigabytes), \
         or say where it is with --proving-key or ZISK_HOME, or name a coordinator with --coordinator",
        folder.display(),
        verifier::zisk::VERSION,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_named_with_its_place_and_its_installer() {
        let dir = tempfile::tempdir().unwrap();
        let mode = Mode::Embedded { proving_key: Some(dir.path().join("nothing")) };
        let what = mode.can_prove().unwrap_err();
        assert!(what.contains("nothing") && what.contains("ziskup"), "{what}");
        std::fs::write(dir.path().join("pilout.globalInfo.json"), "{}").unwrap();
        assert_eq!(Mode::Embedded { proving_key: Some(dir.path().to_path_buf()) }.can_prove(), Ok(()));
    }
}
