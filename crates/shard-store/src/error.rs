//! What can go wrong with a store.

use std::io;
use std::path::{Path, PathBuf};

use availability::{CodingError, Commitment};
use thiserror::Error;

/// `ENOMEM`, `ENFILE`, `EMFILE`: too little memory or too many open files, which says nothing of the file.
const OF_THE_PROCESS: [i32; 3] = [12, 23, 24];

/// Why something cannot be stored or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The folder is not a store.
    #[error("{} is not a shard store; publish into it to make it one", dir.display())]
    NotAStore {
        /// The folder.
        dir: PathBuf,
    },
    /// The file system fails.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// There is no space left. What was there is as it was.
    #[error("{}: the disk is full; make space, or keep fewer blocks", path.display())]
    DiskFull {
        /// The file that did not fit.
        path: PathBuf,
    },
    /// The number is taken.
    #[error("block {number} is already published with the commitment {}", hex::encode(kept.0))]
    Conflict {
        /// The block.
        number: u64,
        /// What it is published with.
        kept: Commitment,
    },
    /// No such block.
    #[error("there is no such block")]
    NoSuchBlock,
    /// The block's shards were given up.
    #[error("the shards of block {number} were pruned; only its header is kept")]
    Pruned {
        /// The block.
        number: u64,
    },
    /// The block has no such shard.
    #[error("block {number} has {total} shards; there is no shard {index}")]
    NoSuchShard {
        /// The block.
        number: u64,
        /// The shard asked for.
        index: usize,
        /// How many there are.
        total: usize,
    },
    /// The shard is not what was published.
    #[error("shard {index} of block {number} is damaged; scrubbing repairs it")]
    DamagedShard {
        /// The block.
        number: u64,
        /// The shard.
        index: usize,
    },
    /// The head or record of a block is not what was written.
    #[error("{}: {what}; publish the block again", path.display())]
    DamagedHead {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The block does not code as it should.
    #[error(transparent)]
    Coding(#[from] CodingError),
}

impl StoreError {
    /// For an error of the file system at `path`.
    pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path: path.clone() }
            }
            _ => Self::File { path: path.clone(), source },
        }
    }

    /// For the head, record or name of a block: a file that is there and cannot be read is damaged, unless it is this process that
    /// cannot.
    pub(crate) fn unreadable(self) -> Self {
        match self {
            Self::File { path, source }
                if source.kind() != io::ErrorKind::NotFound
                    && !source.raw_os_error().is_some_and(|code| OF_THE_PROCESS.contains(&code)) =>
            {
                Self::DamagedHead { path, what: format!("it cannot be read: {source}") }
            }
            error => error,
        }
    }

    /// Whether something is not there, rather than broken.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
