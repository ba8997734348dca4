//! The key that transactions are signed with. It is never printed.

use std::fmt;
use std::path::{Path, PathBuf};

use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Signature};
use thiserror::Error;

/// Why there is no key.
#[derive(Debug, Error)]
pub enum SignerError {
    /// The variable is not set, or is not text.
    #[error("the environment variable {name} holds no key")]
    Unset {
        /// The variable.
        name: String,
    },
    /// The variable does not hold a key. What it holds is not repeated.
    #[error("the environment variable {name} does not hold a private key: 64 hexadecimal digits are needed")]
    Malformed {
        /// The variable.
        name: String,
    },
    /// Where a variable or a file is to be named, there is the key itself. It is not repeated.
    #[error(
        "that is a private key, where the name of an environment variable or of a keystore file belongs; whoever sees this \
         command has the key now"
    )]
    KeyAsName,
    /// The bytes are not a key of the curve.
    #[error("the bytes are no private key")]
    NotAKey,
    /// The keystore file cannot be read, or the password is not its own.
    #[error("the keystore {} cannot be opened: {why}", path.display())]
    Keystore {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// The key did not sign.
    #[error("the key did not sign: {0}")]
    Signing(String),
}

/// A private key. Printing it shows the address.
#[derive(Clone)]
pub struct Signer {
    key: PrivateKeySigner,
}

impl Signer {
    /// From a keystore file (Web3 Secret Storage, as geth and Foundry write it). Takes seconds: the password is stretched.
    ///
    /// # Errors
    /// When the file cannot be read or the password is wrong.
    pub fn from_keystore(path: &Path, password: &str) -> Result<Self, SignerError> {
        if path.to_str().is_some_and(looks_like_a_key) {
            return Err(SignerError::KeyAsName);
        }
        let key = PrivateKeySigner::decrypt_keystore(path, password)
            .map_err(|error| SignerError::Keystore { path: path.to_path_buf(), why: error.to_string() })?;
        Ok(Self { key })
    }

    /// From an environment variable that holds the key as hexadecimal, with or without `0x`.
    ///
    /// # Errors
    /// When it is not set or holds something else, or the name is a key itself.
    pub fn from_env(name: &str) -> Result<Self, SignerError> {
        if looks_like_a_key(name) {
            return Err(SignerError::KeyAsName);
        }
        let text = std::env::var(name).map_err(|_| SignerError::Unset { name: name.to_string() })?;
        let key = text.trim().parse().map_err(|_| SignerError::Malformed { name: name.to_string() })?;
        Ok(Self { key })
    }

    /// From the key itself.
    ///
    /// # Errors
    /// When it is zero or not below the curve's order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SignerError> {
        PrivateKeySigner::from_bytes(&B256::from(bytes))
            .map(|key| Self { key })
            .map_err(|_| SignerError::NotAKey)
    }

    /// Whose transactions it signs.
    #[must_use]
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// Signs a digest.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn sign(&self, digest: &B256) -> Result<Signature, SignerError> {
        self.key.sign_hash_sync(digest).map_err(|error| SignerError::Signing(error.to_string()))
    }
}

/// 64 hexadecimal digits, with or without `0x`.
fn looks_like_a_key(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(text);
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_a_signer_shows_its_address_alone() {
        let signer = Signer::from_bytes(&[0x5a; 32]).unwrap();
        let shown = format!("{signer:?} {signer:#?}");
        assert!(shown.contains(&signer.address().to_string()));
        assert!(!shown.to_lowercase().contains("5a5a5a"));
    }

    #[test]
    fn a_bad_key_in_the_environment_is_not_repeated() {
        // PATH is set everywhere and is no key.
        let error = Signer::from_env("PATH").unwrap_err();
        assert!(matches!(error, SignerError::Malformed { .. }));
        assert!(!error.to_string().contains('/'));
        assert!(matches!(Signer::from_env("GLASSBOOK_NO_SUCH_KEY"), Err(SignerError::Unset { .. })));
    }

    #[test]
    fn a_key_in_the_place_of_a_name_is_refused_and_not_repeated() {
        let digits = "5a".repeat(32);
        for name in [digits.clone(), format!("0x{digits}"), format!("0X{}", digits.to_uppercase())] {
            let errors = [
                Signer::from_env(&name).unwrap_err(),
                Signer::from_keystore(Path::new(&name), "").unwrap_err(),
            ];
            for error in errors {
                assert!(matches!(error, SignerError::KeyAsName), "{error}");
                assert!(!format!("{error} {error:?}").to_lowercase().contains("5a5a"), "{error}");
            }
        }
        // An odd name is still one.
        let name = &digits[1..];
        assert!(matches!(Signer::from_env(name), Err(SignerError::Unset { .. })));
    }

    #[test]
    fn zero_is_no_key() {
        assert!(matches!(Signer::from_bytes(&[0; 32]), Err(SignerError::NotAKey)));
    }
}
