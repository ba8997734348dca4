//! A shard as a file of its own, for keepers without a server.
//!
//! ```text
//!  0  magic "GBSHRDF" and version 1      8
//!  8  header                            77  (availability::Header)
//! 85  sample                                (availability::Sample)
//! ```
//!
//! It needs no checksum: the shard is held against the header's root, and the header against the commitment.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use availability::{CodingError, Header, MAX_CODED, Sample};

use crate::StoreError;

const MAGIC: &[u8; 8] = b"GBSHRDF\x01";
const HEAD: usize = 8 + Header::LENGTH;

/// A shard with its path, and the header that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardFile {
    /// The header.
    pub header: Header,
    /// The shard.
    pub sample: Sample,
}

impl ShardFile {
    /// The file's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&MAGIC[..], &self.header.encode(), &self.sample.encode()].concat()
    }

    /// Reads the file's bytes. Whether the shard is the header's is for a decoder or verifier to say.
    ///
    /// # Errors
    /// When they are not a whole shard file.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodingError> {
        let short = CodingError::Length { expected: HEAD, found: bytes.len() };
        let (head, sample) = bytes.split_at_checked(HEAD).ok_or(short)?;
        let (magic, header) = head.split_at(8);
        if magic != MAGIC {
            return Err(CodingError::Version { found: magic[7] });
        }
        let header = Header::decode(header)?;
        Ok(Self { header, sample: Sample::decode(&header, sample)? })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is not a shard file.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        let failed = StoreError::at(path);
        let mut bytes = Vec::new();
        // No shard is longer than all shards may be.
        let limit = (HEAD + MAX_CODED) as u64;
        File::open(path).map_err(&failed)?.take(limit).read_to_end(&mut bytes).map_err(&failed)?;
        Ok(Self::decode(&bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use availability::{Parameters, encode};

    use super::*;

    #[test]
    fn a_shard_file_is_read_as_it_was_written_and_nothing_else_is() {
        let encoded = encode(b"some payload", Parameters::new(4, 2).unwrap()).unwrap();
        let file = ShardFile { header: *encoded.header(), sample: encoded.sample(5).unwrap() };
        let bytes = file.encode();
        assert_eq!(ShardFile::decode(&bytes).unwrap(), file);
        for length in 0..bytes.len() {
            assert!(ShardFile::decode(&bytes[..length]).is_err(), "{length}");
        }
        assert!(ShardFile::decode(&[&bytes[..], &[0]].concat()).is_err());
        for at in 0..8 {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(ShardFile::decode(&other).is_err(), "{at}");
        }
    }
}
