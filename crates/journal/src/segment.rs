//! A segment file: its name, its header sector, its seal sector, and how one comes to be.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::frame::{END_MARKER, JournalId, SECTOR, array, trailing_zeros};
use crate::{ChainHash, JournalError};

pub(crate) const HEADER_BYTES: u64 = SECTOR as u64;
/// The last sector of a segment is kept for the seal.
pub(crate) const SEAL_BYTES: u64 = SECTOR as u64;
/// The name of the segment being prepared; it gets its own once it is needed.
pub(crate) const PREPARED_NAME: &str = "next.prepared";

const SEGMENT_MAGIC: [u8; 8] = *b"GLASSJNL";
const SEAL_MAGIC: [u8; 8] = *b"GB-SEALD";
const VERSION: u32 = 1;
const HEADER_FIELDS: usize = 112;
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// The first sector of a segment; all integers little-endian, zeros behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) max_frame_bytes: u32,
    pub(crate) id: JournalId,
    pub(crate) segment_bytes: u64,
    pub(crate) first_index: u64,
    /// The chain hash before the first frame.
    pub(crate) chain: ChainHash,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SECTOR] {
        let mut bytes = [0; SECTOR];
        bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.max_frame_bytes.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.id);
        bytes[32..40].copy_from_slice(&self.segment_bytes.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.first_index.to_le_bytes());
        bytes[48..80].copy_from_slice(&self.chain);
        let check = Sha256::digest(&bytes[..80]);
        bytes[80..HEADER_FIELDS].copy_from_slice(&check);
        bytes
    }

    /// The header, or what is wrong with it.
    pub(crate) fn decode(bytes: &[u8; SECTOR]) -> Result<Self, String> {
        if bytes[..8] != SEGMENT_MAGIC {
            return Err("the segment header does not begin with GLASSJNL".into());
        }
        if bytes[80..HEADER_FIELDS] != Sha256::digest(&bytes[..80])[..] {
            return Err("the segment header does not match its checksum".into());
        }
        if trailing_zeros(bytes) < SECTOR - HEADER_FIELDS {
            return Err("there are stray bytes behind the segment header".into());
        }
        let version = u32::from_le_bytes(array(bytes, 8));
        if version != VERSION {
            return Err(format!("the segment has format version {version}; this program knows {VERSION}"));
        }
        let header = Self {
            max_frame_bytes: u32::from_le_bytes(array(bytes, 12)),
            id: array(bytes, 16),
            segment_bytes: u64::from_le_bytes(array(bytes, 32)),
            first_index: u64::from_le_bytes(array(bytes, 40)),
            chain: array(bytes, 48),
        };
        let smallest = HEADER_BYTES + SEAL_BYTES + u64::from(header.max_frame_bytes);
        if header.segment_bytes < smallest || header.segment_bytes > i64::MAX as u64 {
            return Err("the sizes in the segment header contradict each other".into());
        }
        Ok(header)
    }

    /// Where frames must end: the beginning of the seal.
    pub(crate) fn frames_end(&self) -> u64 {
        self.segment_bytes - SEAL_BYTES
    }
}

/// What the last sector says once the next segment is durable: that there is one, and where it begins.
pub(crate) fn seal(next_index: u64, chain: &ChainHash) -> [u8; SECTOR] {
    let mut bytes = [0; SECTOR];
    bytes[..8].copy_from_slice(&SEAL_MAGIC);
    bytes[8..16].copy_from_slice(&next_index.to_le_bytes());
    bytes[16..48].copy_from_slice(chain);
    bytes[48..56].copy_from_slice(&END_MARKER);
    bytes
}

/// A segment by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFile {
    pub(crate) first_index: u64,
    pub(crate) path: PathBuf,
}

impl SegmentFile {
    pub(crate) fn named(dir: &Path, first_index: u64) -> Self {
        Self { first_index, path: dir.join(format!("{first_index:020}.log")) }
    }
}

/// The segments of `dir`, oldest first.
pub(crate) fn list(dir: &Path) -> Result<Vec<SegmentFile>, JournalError> {
    let mut segments = Vec::new();
    let unreadable = || JournalError::io("list directory", dir);
    for entry in fs::read_dir(dir).map_err(unreadable())? {
        let path = entry.map_err(unreadable())?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let index = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| stem.len() == 20);
            match index.and_then(|digits| digits.parse().ok()) {
                Some(first_index) => segments.push(SegmentFile { first_index, path }),
                None => return Err(JournalError::corrupt(&path, 0, "a .log file without a segment's name")),
            }
        }
    }
    segments.sort_by_key(|segment| segment.first_index);
    Ok(segments)
}

/// Reads the header of a segment and holds it against the file's name.
pub(crate) fn read_header(segment: &SegmentFile, file: &File) -> Result<SegmentHeader, JournalError> {
    let mut sector = [0; SECTOR];
    read_zero_extended(file, &mut sector, 0).map_err(JournalError::io("read", &segment.path))?;
    let header =
        SegmentHeader::decode(&sector).map_err(|what| JournalError::corrupt(&segment.path, 0, what))?;
    if header.first_index != segment.first_index {
        let what = format!("the header says that the segment begins at record {}", header.first_index);
        return Err(JournalError::corrupt(&segment.path, 40, what));
    }
    let length = file.metadata().map_err(JournalError::io("inspect", &segment.path))?.len();
    if length > header.segment_bytes {
        let what = format!("the file is longer than its {} bytes", header.segment_bytes);
        return Err(JournalError::corrupt(&segment.path, header.segment_bytes, what));
    }
    Ok(header)
}

/// Fills `buffer` from `offset`; what lies beyond the end of the file reads as zeros, as it would had the
/// file its full length.
pub(crate) fn read_zero_extended(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer[filled..].fill(0);
    Ok(())
}

/// Overwrites `from..to` with zeros, extending the file if it is shorter.
pub(crate) fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let count = (to - at).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..count as usize], at)?;
        at += count;
    }
    Ok(())
}

/// Makes the zero-filled file that will be the next segment. It is written, not `fallocate`d, so that later
/// overwrites change no file-system metadata, and synced piece by piece, so that commits running meanwhile
/// wait for a piece and not for the whole. Stops early, and removes the file, when `stop` says so.
pub(crate) fn prepare(dir: &Path, segment_bytes: u64, stop: impl Fn() -> bool) -> Result<(), JournalError> {
    const PIECE: u64 = 4 << 20;
    let path = dir.join(PREPARED_NAME);
    let fill = || {
        let mut file = File::create(&path)?;
        let mut at = 0;
        while at < segment_bytes && !stop() {
            let piece = (segment_bytes - at).min(PIECE);
            write_zeros(&file, at, at + piece)?;
            file.sync_data()?;
            at += piece;
        }
        file.flush()?;
        if at < segment_bytes { Err(io::ErrorKind::Interrupted.into()) } else { file.sync_all() }
    };
    fill().map_err(|error| {
        let _ = fs::remove_file(&path);
        JournalError::space("prepare", &path, segment_bytes)(error)
    })
}

/// Turns the prepared file into the segment `header` describes. Its header is durable before its name is,
/// so a segment that has its name always has its header.
pub(crate) fn install_prepared(
    dir: &Path,
    header: &SegmentHeader,
) -> Result<(SegmentFile, File), JournalError> {
    let prepared = dir.join(PREPARED_NAME);
    let segment = SegmentFile::named(dir, header.first_index);
    let file = File::options()
        .read(true)
        .write(true)
        .open(&prepared)
        .map_err(JournalError::io("open", &prepared))?;
    file.write_all_at(&header.encode(), 0).and_then(|()| file.sync_data()).map_err(JournalError::space(
        "write the header of",
        &prepared,
        HEADER_BYTES,
    ))?;
    fs::rename(&prepared, &segment.path).map_err(JournalError::space("rename", &prepared, 4096))?;
    crate::directory::sync(dir)?;
    Ok((segment, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_header_has_these_very_bytes() {
        let header = SegmentHeader {
            max_frame_bytes: 8 << 20,
            id: *b"0123456789abcdef",
            segment_bytes: 64 << 20,
            first_index: 42,
            chain: [0xc5; 32],
        };
        let bytes = header.encode();
        let expected = concat!(
            "474c4153534a4e4c", // magic
            "0100000000008000", // version, longest frame
            "30313233343536373839616263646566",
            "0000000400000000", // segment bytes
            "2a00000000000000", // first index
            "c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5",
            "77d003cffa5b995aac0337820ee8657498dee26c23d3b225ac2de0ea13542665" // checksum
        );
        assert_eq!(hex::encode(&bytes[..HEADER_FIELDS]), expected);
        assert!(bytes[HEADER_FIELDS..].iter().all(|&byte| byte == 0));
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
    }

    #[test]
    fn a_seal_has_these_very_bytes() {
        let bytes = seal(258, &[0xc5; 32]);
        let expected = concat!(
            "47422d5345414c44", // magic
            "0201000000000000", // first index of the next segment
            "c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5",
            "4652414d45454e44" // end marker
        );
        assert_eq!(hex::encode(&bytes[..56]), expected);
        assert!(bytes[56..].iter().all(|&byte| byte == 0));
    }
}
