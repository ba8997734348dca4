//! One group commit on disk: header, records, padding, chain hash, end marker; whole 512-byte sectors.
//!
//! Two properties carry recovery. The header has a checksum of its own, so the length can be trusted
//! before the rest is read. And no sector of a fully written frame is all zeros, nor one damaged byte away
//! from it (see [`mask`](FrameHeader::mask)), so a zero sector means that it was never written.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::ChainHash;

/// What a disk writes atomically, and the grid that frames are aligned to.
pub(crate) const SECTOR: usize = 512;
/// The shortest frame: one sector.
pub(crate) const MIN_FRAME_BYTES: usize = SECTOR;
pub(crate) const FRAME_HEADER_BYTES: usize = 48;
pub(crate) const FRAME_FOOTER_BYTES: usize = 40;
pub(crate) const FRAME_MAGIC: [u8; 8] = *b"GB-FRAME";
/// Ends every frame. No byte is zero or one flipped bit away from it, so any cut inside it shows.
pub(crate) const END_MARKER: [u8; 8] = *b"FRAMEEND";
/// Set in [`FrameHeader::flags`] where the commit did not wait for the disk.
pub(crate) const FLAG_UNSYNCED: u32 = 1;

/// Names one journal; salts the header checksums, so that nothing inside a record passes for a frame.
pub(crate) type JournalId = [u8; 16];

/// The length of the frame that holds `payload` bytes of length-prefixed records.
pub(crate) const fn frame_bytes(payload: usize) -> usize {
    (FRAME_HEADER_BYTES + payload + FRAME_FOOTER_BYTES).next_multiple_of(SECTOR)
}

/// The first 48 bytes of a frame; all integers little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Bytes of length-prefixed records, padding not counted.
    pub(crate) payload_bytes: u32,
    /// How many records.
    pub(crate) records: u32,
    /// Index of the first one.
    pub(crate) first_index: u64,
    /// Eight bytes XORed over records and padding, repeatedly, so that no sector is all zeros. Zero in
    /// nearly every frame; something else where a record has a long run of zeros.
    pub(crate) mask: [u8; 8],
    /// [`FLAG_UNSYNCED`] or nothing.
    pub(crate) flags: u32,
}

impl FrameHeader {
    pub(crate) fn total_bytes(&self) -> usize {
        frame_bytes(self.payload_bytes as usize)
    }

    pub(crate) fn encode(&self, id: &JournalId) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        bytes[..8].copy_from_slice(&FRAME_MAGIC);
        bytes[8..12].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.records.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first_index.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.mask);
        bytes[32..36].copy_from_slice(&self.flags.to_le_bytes());
        let check = header_check(id, &bytes);
        bytes[40..].copy_from_slice(&check);
        bytes
    }

    /// `None` unless magic and checksum are right.
    pub(crate) fn decode(id: &JournalId, bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; FRAME_HEADER_BYTES] = bytes.first_chunk()?;
        if bytes[..8] != FRAME_MAGIC || bytes[40..] != header_check(id, bytes) {
            return None;
        }
        Some(Self {
            payload_bytes: u32::from_le_bytes(array(bytes, 8)),
            records: u32::from_le_bytes(array(bytes, 12)),
            first_index: u64::from_le_bytes(array(bytes, 16)),
            mask: array(bytes, 24),
            flags: u32::from_le_bytes(array(bytes, 32)),
        })
    }

    /// Whether `bytes`, which is no whole header, can be a header at `first_index` whose writing stopped
    /// part-way, with zeros behind.
    pub(crate) fn is_cut_short(id: &JournalId, bytes: &[u8; FRAME_HEADER_BYTES], first_index: u64) -> bool {
        let mut known = *bytes;
        known[..8].copy_from_slice(&FRAME_MAGIC);
        known[16..24].copy_from_slice(&first_index.to_le_bytes());
        let check = header_check(id, &known);
        known[40..].copy_from_slice(&check);
        let written = FRAME_HEADER_BYTES - trailing_zeros(bytes);
        bytes[..written] == known[..written]
    }
}

/// Collects records in memory in their on-disk form.
#[derive(Debug)]
pub(crate) struct FrameBuilder {
    /// Room for the header, then the records.
    bytes: Vec<u8>,
    records: u32,
}

impl FrameBuilder {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; FRAME_HEADER_BYTES], records: 0 }
    }

    pub(crate) fn records(&self) -> u32 {
        self.records
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(FRAME_HEADER_BYTES);
        self.records = 0;
    }

    /// How long the frame is with one more record of `record_bytes`.
    pub(crate) fn bytes_with(&self, record_bytes: usize) -> usize {
        frame_bytes(self.payload_bytes() + 4 + record_bytes)
    }

    /// How long the frame is as it stands.
    pub(crate) fn frame_bytes(&self) -> usize {
        frame_bytes(self.payload_bytes())
    }

    /// The caller has checked the limits, which keep both casts exact.
    pub(crate) fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(record);
        self.records += 1;
    }

    /// Completes the frame: its bytes for the disk and the chain hash after it. [`clear`](Self::clear) after.
    pub(crate) fn finish(
        &mut self,
        id: &JournalId,
        first_index: u64,
        flags: u32,
        chain: &ChainHash,
    ) -> (&[u8], ChainHash) {
        let payload_bytes = self.payload_bytes();
        let total = frame_bytes(payload_bytes);
        let footer = total - FRAME_FOOTER_BYTES;
        self.bytes.resize(total, 0);
        let mut mask = [0; 8];
        // A mask spoils a sector only where the sector repeats that very mask, so all but a few of the 2^64
        // will do. They are drawn from the chain hash because whoever writes records cannot foresee it.
        let mut seed = u64::from_le_bytes(array(chain, 0)) ^ first_index;
        while !self.inner_sectors().chunks_exact(SECTOR).all(is_evidently_written) {
            apply_mask(&mut self.bytes[FRAME_HEADER_BYTES..footer], mask);
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            mask = (seed | 0x0101_0101_0101_0101).to_le_bytes();
            apply_mask(&mut self.bytes[FRAME_HEADER_BYTES..footer], mask);
        }
        let payload_bytes = payload_bytes as u32;
        let header = FrameHeader { payload_bytes, records: self.records, first_index, mask, flags };
        self.bytes[..FRAME_HEADER_BYTES].copy_from_slice(&header.encode(id));
        let next = chain_hash(chain, &self.bytes[..footer]);
        self.bytes[footer..footer + 32].copy_from_slice(&next);
        self.bytes[footer + 32..].copy_from_slice(&END_MARKER);
        (&self.bytes, next)
    }

    /// All sectors but the first, which the header's magic shows to be written, and the last, where the end
    /// marker does.
    fn inner_sectors(&self) -> &[u8] {
        self.bytes.get(SECTOR..self.bytes.len() - SECTOR).unwrap_or_default()
    }

    fn payload_bytes(&self) -> usize {
        self.bytes.len() - FRAME_HEADER_BYTES
    }
}

/// `SHA-256(previous ‖ frame header ‖ payload)`, the payload being all between header and footer as it is
/// on disk.
pub(crate) fn chain_hash(previous: &ChainHash, header_and_payload: &[u8]) -> ChainHash {
    Sha256::new().chain_update(previous).chain_update(header_and_payload).finalize().into()
}

/// Whether a sector can be part of a whole frame: at least two bytes are not zero, so that no single
/// damaged byte makes it look unwritten.
pub(crate) fn is_evidently_written(sector: &[u8]) -> bool {
    sector.iter().filter(|&&byte| byte != 0).nth(1).is_some()
}

pub(crate) fn apply_mask(bytes: &mut [u8], mask: [u8; 8]) {
    if mask != [0; 8] {
        for word in bytes.chunks_mut(8) {
            word.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        }
    }
}

/// Where each record lies inside an unmasked payload; `None` if the lengths do not add up.
pub(crate) fn next_record(payload: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at.checked_add(4)?;
    let length = u32::from_le_bytes(payload.get(at..start)?.try_into().ok()?);
    let end = start.checked_add(length as usize)?;
    (end <= payload.len()).then_some(start..end)
}

/// Whether `payload` is exactly `records` length-prefixed records.
pub(crate) fn holds_records(payload: &[u8], records: u32) -> bool {
    let mut at = 0;
    for _ in 0..records {
        match next_record(payload, at) {
            Some(record) => at = record.end,
            None => return false,
        }
    }
    at == payload.len()
}

/// How many zero bytes `bytes` ends with.
pub(crate) fn trailing_zeros(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|&&byte| byte == 0).count()
}

/// `N` bytes at `at`; callers index within fixed-size headers.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

fn header_check(id: &JournalId, header: &[u8; FRAME_HEADER_BYTES]) -> [u8; 8] {
    array(&Sha256::new().chain_update(id).chain_update(&header[..40]).finalize(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_zeros_leaves_no_sector_that_looks_unwritten() {
        for length in [0, 1, 400, 424, 425, 512, 513, 970, 5000, 100_000] {
            let mut builder = FrameBuilder::new();
            builder.push(&vec![0; length]);
            let (bytes, _) = builder.finish(&[7; 16], 3, 0, &[9; 32]);
            assert!(bytes.chunks_exact(SECTOR).all(is_evidently_written), "length {length}");
            let header = FrameHeader::decode(&[7; 16], bytes).unwrap();
            let mut payload = bytes[FRAME_HEADER_BYTES..bytes.len() - FRAME_FOOTER_BYTES].to_vec();
            apply_mask(&mut payload, header.mask);
            assert!(holds_records(&payload[..header.payload_bytes as usize], 1));
        }
    }

    #[test]
    fn a_record_made_of_the_first_mask_is_masked_with_another() {
        let mask_of = |record: &[u8]| {
            let mut builder = FrameBuilder::new();
            builder.push(record);
            let (bytes, _) = builder.finish(&[7; 16], 3, 0, &[9; 32]);
            assert!(bytes.chunks_exact(SECTOR).all(is_evidently_written));
            FrameHeader::decode(&[7; 16], bytes).unwrap().mask
        };
        let first = mask_of(&[0; 4096]);
        // The payload begins 48 bytes into the frame and the record 4 later: shift the pattern to fit.
        let mut record: Vec<u8> = first.iter().copied().cycle().skip(4).take(2048).collect();
        record.extend([0; 2048]);
        let second = mask_of(&record);
        assert_ne!(first, [0; 8]);
        assert_ne!(second, [0; 8]);
        assert_ne!(first, second);
    }

    #[test]
    fn a_frame_has_these_very_bytes() {
        let mut builder = FrameBuilder::new();
        builder.push(b"hello");
        builder.push(b"");
        let (bytes, chain) = builder.finish(b"0123456789abcdef", 42, 0, &[0; 32]);
        let mut expected = hex::decode(concat!(
            "47422d4652414d45", // magic
            "0d00000002000000", // payload bytes, records
            "2a00000000000000", // first index
            "0000000000000000", // mask
            "0000000000000000", // flags, reserved
            "0ea12c2500a021b5", // checksum of the header
            "0500000068656c6c6f",
            "00000000"
        ))
        .unwrap();
        expected.resize(SECTOR - FRAME_FOOTER_BYTES, 0);
        expected
            .extend(hex::decode("28fed3ace3765b6cfd1d765bbcfe84c07b05fec5f3fcb5138e57587e4f352415").unwrap());
        expected.extend(b"FRAMEEND");
        assert_eq!(hex::encode(bytes), hex::encode(expected));
        assert_eq!(chain[..], bytes[SECTOR - 40..SECTOR - 8]);
    }
}
