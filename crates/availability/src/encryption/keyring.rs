//! The keys of one exchange, and their file.
//!
//! Each key is for the batches from a certain one on, up to where the next begins. So which key seals a batch follows from its
//! number, not from the time: a batch that is published again after a rotation is sealed with the same key as before. Keys are
//! never removed by a rotation, so old batches stay readable. Nor is a key used for others: an envelope opens only with the key
//! that would seal its batch, so whoever gets a retired key can make no envelope of a later batch.
//!
//! The file is text, with permissions for its owner only:
//!
//! ```text
//! glassbook keyring 1
//! chain 1
//! exchange 00112233445566778899aabbccddeeff00112233
//! key from 0 <64 hexadecimal digits>
//! key from 1200 <64 hexadecimal digits>
//! check <64 hexadecimal digits: BLAKE3 of all lines before>
//! ```
//!
//! Whoever writes it holds a lock on a file beside it, whose name ends in `.lock` and which stays.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rand::TryRngCore;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::envelope::Key;
use super::{EncryptionError, Envelope, Exchange};

/// The most keys of a keyring.
const MAX_KEYS: usize = 4096;
/// The longest file: as many keys and their lines.
const MAX_FILE: u64 = 512 << 10;
const TITLE: &str = "glassbook keyring 1";
const CHECK_CONTEXT: &str = "glassbook availability keyring v1 check";

/// Names a key without telling it: the first bytes of a hash of the secret. Two keys never share one in practice (2^−64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The keys of one exchange. Shows their ids only, and is overwritten when dropped.
pub struct Keyring {
    exchange: Exchange,
    /// Each with the first batch it is for, ascending.
    keys: Vec<(u64, Key)>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<(u64, KeyId)> = self.ids().collect();
        f.debug_struct("Keyring").field("exchange", &self.exchange).field("keys", &ids).finish()
    }
}

impl Keyring {
    /// A keyring with one fresh key, for all batches from `from` on.
    ///
    /// # Errors
    /// [`EncryptionError::Randomness`].
    pub fn generate(exchange: Exchange, from: u64) -> Result<Self, EncryptionError> {
        Ok(Self { exchange, keys: vec![(from, fresh()?)] })
    }

    /// Adds a fresh key for all batches from `from` on, which must be one that nothing was published of yet. Save the keyring before
    /// that batch is sealed.
    ///
    /// # Errors
    /// [`EncryptionError::RotationBackwards`], [`EncryptionError::TooManyKeys`], [`EncryptionError::Randomness`].
    pub fn rotate(&mut self, from: u64) -> Result<KeyId, EncryptionError> {
        let key = fresh()?;
        let id = key.id;
        self.add(from, key)?;
        Ok(id)
    }

    /// The keys' ids, each with the first batch it is for.
    pub fn ids(&self) -> impl Iterator<Item = (u64, KeyId)> {
        self.keys.iter().map(|(from, key)| (*from, key.id))
    }

    /// Whose keys they are.
    #[must_use]
    pub fn exchange(&self) -> Exchange {
        self.exchange
    }

    /// Seals a batch's payload with the key that is for it. The same payload gives the same envelope every time.
    ///
    /// # Errors
    /// [`EncryptionError::NoKey`], [`EncryptionError::TooLarge`].
    pub fn seal(&self, batch: u64, payload: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        self.key_for(batch)?.seal(self.exchange, batch, payload)
    }

    /// The payload of an envelope of this exchange and of `batch`, sealed with the key that is for it.
    ///
    /// # Errors
    /// [`EncryptionError::Malformed`], [`EncryptionError::OtherExchange`], [`EncryptionError::OtherBatch`],
    /// [`EncryptionError::UnknownKey`], [`EncryptionError::NoKey`], [`EncryptionError::OtherKey`], [`EncryptionError::Altered`].
    pub fn open(&self, batch: u64, envelope: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        let header = Envelope::read(envelope)?;
        if header.exchange != self.exchange {
            return Err(EncryptionError::OtherExchange { expected: self.exchange, found: header.exchange });
        }
        if header.batch != batch {
            return Err(EncryptionError::OtherBatch { expected: batch, found: header.batch });
        }
        if self.keys.iter().all(|(_, key)| key.id != header.key) {
            return Err(EncryptionError::UnknownKey(header.key));
        }
        let key = self.key_for(batch)?;
        if key.id != header.key {
            return Err(EncryptionError::OtherKey { expected: key.id, found: header.key });
        }
        key.open(envelope)
    }

    fn key_for(&self, batch: u64) -> Result<&Key, EncryptionError> {
        let later = self.keys.partition_point(|(from, _)| *from <= batch);
        let (_, key) = later.checked_sub(1).map(|at| &self.keys[at]).ok_or(EncryptionError::NoKey(batch))?;
        Ok(key)
    }

    /// Reads a keyring's file.
    ///
    /// # Errors
    /// [`EncryptionError::Permissions`] if others than its owner may use it, [`EncryptionError::File`], [`EncryptionError::Io`].
    pub fn load(path: &Path) -> Result<Self, EncryptionError> {
        let file = File::open(path).map_err(io(path))?;
        let metadata = file.metadata().map_err(io(path))?;
        private(path, &metadata)?;
        // Room for all at once: a vector that grows leaves copies of the secrets behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 1));
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(io(path))?;
        Self::parse(&bytes).map_err(|why| EncryptionError::File { path: path.to_path_buf(), why })
    }

    /// Writes the keyring's file, in the place of an older one if there is one. It is on disk, whole, before this returns, and until
    /// then the older one is. Whoever changes a keyring that is on disk uses [`Keyring::rotate_file`]: what somebody else saved
    /// since this one was loaded would be lost.
    ///
    /// # Errors
    /// [`EncryptionError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), EncryptionError> {
        let _lock = lock(path)?;
        self.replace(path)
    }

    /// Writes the file of a new keyring. It is on disk, whole, before this returns, and if there is a file already, nothing is
    /// changed, whenever that came.
    ///
    /// # Errors
    /// [`EncryptionError::Exists`], [`EncryptionError::Io`].
    pub fn create(&self, path: &Path) -> Result<(), EncryptionError> {
        let _lock = lock(path)?;
        let new = self.write_beside(path)?;
        // Unlike renaming, linking fails where there is something.
        let linked = fs::hard_link(&new, path);
        fs::remove_file(&new).map_err(io(&new))?;
        match linked {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(EncryptionError::Exists(path.to_path_buf()))
            }
            linked => linked.map_err(io(path)).and_then(|()| sync_directory(path)),
        }
    }

    /// [`Keyring::rotate`] of the keyring in a file, which nobody else changes meanwhile. It is on disk before this returns.
    ///
    /// # Errors
    /// As [`Keyring::load`], [`Keyring::rotate`] and [`Keyring::save`].
    pub fn rotate_file(path: &Path, from: u64) -> Result<(Self, KeyId), EncryptionError> {
        let _lock = lock(path)?;
        let mut keyring = Self::load(path)?;
        let id = keyring.rotate(from)?;
        keyring.replace(path)?;
        Ok((keyring, id))
    }

    /// Puts the keyring in the place of the file. The lock must be held.
    fn replace(&self, path: &Path) -> Result<(), EncryptionError> {
        let new = self.write_beside(path)?;
        fs::rename(&new, path).map_err(io(path))?;
        sync_directory(path)
    }

    /// Writes the keyring into a file beside its own. The lock must be held.
    fn write_beside(&self, path: &Path) -> Result<PathBuf, EncryptionError> {
        let new = beside(path, ".new");
        // Left by a crash, if it is there: nobody reads it.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(&new)(error)),
            _ => {}
        }
        let mut file = create_private(&new).map_err(io(&new))?;
        file.write_all(&self.text()).and_then(|()| file.sync_all()).map_err(io(&new))?;
        Ok(new)
    }

    fn add(&mut self, from: u64, key: Key) -> Result<(), EncryptionError> {
        match self.keys.last() {
            Some((last, _)) if from <= *last => Err(EncryptionError::RotationBackwards { last: *last, from }),
            _ if self.keys.len() >= MAX_KEYS => Err(EncryptionError::TooManyKeys(MAX_KEYS)),
            _ => {
                self.keys.push((from, key));
                Ok(())
            }
        }
    }

    fn text(&self) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize));
        let Exchange { chain_id, contract } = self.exchange;
        text.extend_from_slice(
            format!("{TITLE}\nchain {chain_id}\nexchange {}\n", hex::encode(contract)).as_bytes(),
        );
        for (from, key) in &self.keys {
            let mut digits = Zeroizing::new([0; 64]);
            hex::encode_to_slice(key.secret.as_slice(), &mut *digits).expect("32 bytes are 64 digits");
            text.extend_from_slice(format!("key from {from} ").as_bytes());
            text.extend_from_slice(&*digits);
            text.push(b'\n');
        }
        let check = format!("check {}\n", hex::encode(check(&text)));
        text.extend_from_slice(check.as_bytes());
        text
    }

    /// Accepts exactly what [`Keyring::text`] writes.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > MAX_FILE {
            return Err("it is too long".to_owned());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
        let mut lines = text.lines();
        let mut line = |what: &str| lines.next().ok_or_else(|| format!("{what} is missing"));
        if line("the title")? != TITLE {
            return Err(format!("line 1 is not {TITLE:?}"));
        }
        let chain_id = line("the chain")?.strip_prefix("chain ").and_then(|chain| chain.parse().ok());
        let chain_id = chain_id.ok_or("line 2 is not `chain <number>`")?;
        let mut contract = [0; 20];
        line("the exchange")?
            .strip_prefix("exchange ")
            .and_then(|digits| hex::decode_to_slice(digits, &mut contract).ok())
            .ok_or("line 3 is not `exchange <40 hexadecimal digits>`")?;
        let mut keyring = Self { exchange: Exchange { chain_id, contract }, keys: Vec::new() };
        for number in 4.. {
            let line = line("the check")?;
            if line.starts_with("check ") {
                break;
            }
            let wrong = || format!("line {number} is not `key from <batch> <64 hexadecimal digits>`");
            let (from, digits) =
                line.strip_prefix("key from ").and_then(|rest| rest.split_once(' ')).ok_or_else(wrong)?;
            let from = from.parse().map_err(|_| wrong())?;
            let mut secret = Zeroizing::new([0; 32]);
            hex::decode_to_slice(digits, &mut *secret).map_err(|_| wrong())?;
            keyring.add(from, Key::new(secret)).map_err(|error| format!("line {number}: {error}"))?;
        }
        if keyring.keys.is_empty() {
            return Err("it has no key".to_owned());
        }
        // The check is part of what is compared, and so are spaces, letter case and whatever follows.
        if *keyring.text() != bytes {
            return Err("its check does not hold: it was altered, or cut short".to_owned());
        }
        Ok(keyring)
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> EncryptionError {
    let path = path.to_path_buf();
    move |source| EncryptionError::Io { path, source }
}

/// A file beside another, which adds something to its name.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
}

/// Waits until nobody else writes the file, and keeps others from it until it is dropped. The lock's own file is never removed:
/// whoever waits for it would then hold one that others do not see.
fn lock(path: &Path) -> Result<File, EncryptionError> {
    let path = beside(path, ".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(io(&path))?;
    file.lock().map_err(io(&path))?;
    Ok(file)
}

fn sync_directory(path: &Path) -> Result<(), EncryptionError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io(directory))
}

fn fresh() -> Result<Key, EncryptionError> {
    let mut secret = Zeroizing::new([0; 32]);
    OsRng.try_fill_bytes(&mut *secret).map_err(|error| EncryptionError::Randomness(error.to_string()))?;
    Ok(Key::new(secret))
}

fn check(text: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new_derive_key(CHECK_CONTEXT).update(text).finalize().as_bytes()
}

#[cfg(unix)]
fn create_private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn private(path: &Path, metadata: &fs::Metadata) -> Result<(), EncryptionError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(EncryptionError::Permissions { path: path.to_path_buf(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_: &Path, _: &fs::Metadata) -> Result<(), EncryptionError> {
    Ok(())
}
