//! Keys that users and operators name on the command line.

use std::path::Path;

use anyhow::Result;
use l1::Signer;

/// The key from an environment variable or a keystore file, if one is named.
pub fn signer(name: Option<&str>, keystore: Option<&Path>) -> Result<Option<Signer>> {
    Ok(match (name, keystore) {
        (Some(name), _) => Some(Signer::from_env(name)?),
        (None, Some(path)) => {
            let password = std::env::var("GLASSBOOK_KEYSTORE_PASSWORD").unwrap_or_default();
            Some(Signer::from_keystore(path, &password)?)
        }
        (None, None) => None,
    })
}
