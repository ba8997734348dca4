//! Why a gateway does not start, or cannot keep what it must keep.

use std::path::PathBuf;

use thiserror::Error;

/// Why a gateway does not start, or cannot keep what it must keep.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// A file or directory.
    #[error("{doing} {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// Another process has a database open.
    #[error("{} is open in another process", path.display())]
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// A database.
    #[error("the gateway's database: {0}")]
    Database(Box<redb::Error>),
    /// Something in a database does not decode: written by another version, or damaged.
    #[error("a record of {what} in the gateway's database does not decode")]
    Record {
        /// Of what.
        what: &'static str,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Certificate or key do not serve.
    #[error("TLS with {}: {why}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A setting makes no sense.
    #[error("{setting}: {why}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for GatewayError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}

from_redb!(TransactionError, TableError, StorageError, CommitError);
