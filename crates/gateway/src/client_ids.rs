//! Client order ids: the strings that trading software chooses, and the numbers that the exchange's state has for them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::Rng as _;
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, TableDefinition,
};
use sha2::{Digest as _, Sha256};
use types::{AccountId, ClientOrderId};

use crate::{GatewayError, private};

/// By account and number.
const TEXTS: TableDefinition<(u32, u64), &str> = TableDefinition::new("client order ids 1");
/// By age, so that the oldest can be forgotten.
const AGES: TableDefinition<u64, (u32, u64)> = TableDefinition::new("ages of client order ids 1");

/// Characters of a client order id at most, as Binance has it.
pub const CLIENT_ID_LENGTH: usize = 36;

/// Texts that wait to be written at most; beyond that they are written at once.
const UNWRITTEN: usize = 4_096;

/// Remembers the texts. What is not in the database yet is in a file beside it, which outlives the process but is not synced:
/// where the machine itself fails, texts of the last moments are lost. Then the number is shown, which is unique too.
pub struct ClientIds {
    database: Arc<Database>,
    limit: u64,
    unwritten: Mutex<Unwritten>,
}

/// Texts that are not in the database yet.
struct Unwritten {
    texts: HashMap<(AccountId, ClientOrderId), Box<str>>,
    /// The same, one after the other: account (4 bytes, little-endian), length (1), text.
    log: File,
    path: PathBuf,
}

impl Unwritten {
    /// What the log holds. What was torn off at its end is none.
    fn read(log: File, path: PathBuf, bytes: &[u8]) -> Self {
        let mut texts = HashMap::new();
        let mut rest = bytes;
        while let Some((head, after)) = rest.split_first_chunk::<5>() {
            let [account @ .., length] = *head;
            let Some((text, after)) = after.split_at_checked(length.into()) else { break };
            let Some(text) = str::from_utf8(text).ok().filter(|text| is_client_id(text)) else { break };
            texts.insert((AccountId(u32::from_le_bytes(account)), number(text)), text.into());
            rest = after;
        }
        Self { texts, log, path }
    }

    /// Keeps a text, for the next process, too.
    fn insert(&mut self, account: AccountId, number: ClientOrderId, text: &str) -> io::Result<()> {
        let before = self.texts.insert((account, number), text.into());
        if before.is_some_and(|before| *before == *text) {
            return Ok(());
        }
        let length = self.log.metadata()?.len();
        self.log.write_all(&record(account, text)).inspect_err(|_| {
            // Nothing can be read beyond half a text.
            let _ = self.log.set_len(length);
        })
    }

    /// Leaves only what is not `written`.
    fn forget(
        &mut self,
        written: &HashMap<(AccountId, ClientOrderId), Box<str>>,
    ) -> Result<(), GatewayError> {
        self.texts.retain(|key, text| written.get(key) != Some(&*text));
        let left: Vec<u8> =
            self.texts.iter().flat_map(|((account, _), text)| record(*account, text)).collect();
        // Whenever the process ends, one of the two is whole.
        let new = self.path.with_extension("log-new");
        let mut log = private::append(&new)?;
        let written = log.set_len(0).and_then(|()| log.write_all(&left));
        written.and_then(|()| fs::rename(&new, &self.path)).map_err(|source| GatewayError::File {
            doing: "replace",
            path: self.path.clone(),
            source,
        })?;
        self.log = log;
        Ok(())
    }
}

fn record(account: AccountId, text: &str) -> Vec<u8> {
    // No client order id is longer than a byte can say.
    let length = u8::try_from(text.len()).unwrap_or(0);
    [&account.0.to_le_bytes()[..], &[length], text.as_bytes()].concat()
}

/// Whether Binance takes such a client order id: `^[\.A-Z\:/a-z0-9_-]{1,36}$`.
#[must_use]
pub fn is_client_id(text: &str) -> bool {
    (1..=CLIENT_ID_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:/_-".contains(&byte))
}

/// The number of a client order id: a decimal number without leading zeros is itself, anything else the first eight
/// bytes of its SHA-256. Never zero.
#[must_use]
pub fn number(text: &str) -> ClientOrderId {
    match itself(text) {
        Some(number) => ClientOrderId(number),
        None => {
            let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
            let first = hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
            ClientOrderId(first.max(1))
        }
    }
}

/// A client order id for whoever states none.
#[must_use]
pub fn fresh() -> ClientOrderId {
    ClientOrderId(rand::rng().random_range(1 << 60..1 << 63))
}

fn itself(text: &str) -> Option<u64> {
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl ClientIds {
    /// Opens or creates the memory in `path`, of the last `limit` texts.
    ///
    /// # Errors
    /// When the database fails or is in use.
    pub fn open(path: &Path, limit: u64) -> Result<Self, GatewayError> {
        let database = private::database(path)?;
        let write = database.begin_write()?;
        write.open_table(TEXTS)?;
        write.open_table(AGES)?;
        write.commit()?;
        let path = path.with_extension("log");
        let log = private::append(&path)?;
        let bytes = fs::read(&path);
        let bytes =
            bytes.map_err(|source| GatewayError::File { doing: "read", path: path.clone(), source })?;
        let ids = Self { database, limit, unwritten: Mutex::new(Unwritten::read(log, path, &bytes)) };
        ids.flush()?;
        // Nor is what could not be read in the way of what comes.
        if let Err(error) = ids.unwritten().forget(&HashMap::new()) {
            tracing::warn!(%error, "the log of client order ids cannot be emptied");
        }
        Ok(ids)
    }

    /// The number of a client order id that an account uses; the text is remembered.
    pub fn remember(&self, account: AccountId, text: &str) -> ClientOrderId {
        let number = number(text);
        if itself(text).is_none() {
            let mut unwritten = self.unwritten();
            if let Err(error) = unwritten.insert(account, number, text) {
                tracing::warn!(%error, "a client order id would not outlive the process");
            }
            let full = unwritten.texts.len() >= UNWRITTEN;
            drop(unwritten);
            if full && let Err(error) = self.flush() {
                tracing::warn!(%error, "client order ids are not remembered");
                let mut unwritten = self.unwritten();
                unwritten.texts.clear();
                // What cannot be emptied now is emptied at the next start.
                let _ = unwritten.forget(&HashMap::new());
            }
        }
        number
    }

    /// The text of a number; the number in decimal when no text is known.
    #[must_use]
    pub fn text(&self, account: AccountId, number: ClientOrderId) -> String {
        if let Some(text) = self.unwritten().texts.get(&(account, number)) {
            return text.to_string();
        }
        match self.read(account, number) {
            Ok(Some(text)) => text,
            Ok(None) => number.to_string(),
            Err(error) => {
                tracing::warn!(%error, "a client order id cannot be read");
                number.to_string()
            }
        }
    }

    /// Writes down what is not written yet. Slow; not for threads that answer.
    ///
    /// # Errors
    /// When the database fails; the texts stay in memory then.
    pub fn flush(&self) -> Result<(), GatewayError> {
        let texts = self.unwritten().texts.clone();
        if texts.is_empty() {
            return Ok(());
        }
        let write = self.database.begin_write()?;
        {
            let (mut by_number, mut ages) = (write.open_table(TEXTS)?, write.open_table(AGES)?);
            let mut next = ages.last()?.map_or(0, |(age, _)| age.value() + 1);
            for ((account, number), text) in &texts {
                let key = (account.0, number.0);
                // One that is used again keeps its age.
                if by_number.insert(key, &**text)?.is_none() {
                    ages.insert(next, key)?;
                    next += 1;
                }
            }
            while ages.len()? > self.limit {
                let Some(oldest) = ages.pop_first()?.map(|(_, key)| key.value()) else { break };
                by_number.remove(oldest)?;
            }
        }
        write.commit()?;
        if let Err(error) = self.unwritten().forget(&texts) {
            tracing::warn!(%error, "the log of client order ids keeps what is written");
        }
        Ok(())
    }

    fn read(&self, account: AccountId, number: ClientOrderId) -> Result<Option<String>, GatewayError> {
        let read = self.database.begin_read()?;
        let text = read.open_table(TEXTS)?.get((account.0, number.0))?;
        Ok(text.map(|text| text.value().to_owned()))
    }

    fn unwritten(&self) -> MutexGuard<'_, Unwritten> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(1);

    #[test]
    fn a_number_is_itself_and_everything_else_a_hash() {
        assert_eq!(number("42"), ClientOrderId(42));
        assert_eq!(number("18446744073709551615"), ClientOrderId(u64::MAX));
        // SHA-256("abc"), FIPS 180-2.
        assert_eq!(number("abc"), ClientOrderId(0xba78_16bf_8f01_cfea));
        for text in ["0", "007", "18446744073709551616", "-1", "1.0"] {
            assert_ne!(number(text).to_string(), text);
            assert_ne!(number(text), ClientOrderId::NONE);
        }
        let fresh = fresh();
        assert_eq!(number(&fresh.to_string()), fresh);
    }

    #[test]
    fn only_what_binance_takes_is_a_client_id() {
        for text in ["a", "x-TKT5PX2F2ee0f12f9a6ffb95ef", "A.b:/_-9", &"z".repeat(36)] {
            assert!(is_client_id(text), "{text}");
        }
        for text in ["", " ", "a b", "ä", "a\n", "a'--", &"z".repeat(37)] {
            assert!(!is_client_id(text), "{text}");
        }
    }

    #[test]
    fn texts_that_no_database_has_yet_outlive_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ids.redb");
        let texts = ["first", "x-1234567890:a/b.c_d", "z"];
        let numbers = {
            let ids = ClientIds::open(&path, 100).unwrap();
            ids.remember(ACCOUNT, "written");
            ids.flush().unwrap();
            texts.map(|text| ids.remember(ACCOUNT, text))
        };
        // The last record was being written.
        let log = path.with_extension("log");
        let bytes = fs::read(&log).unwrap();
        let whole: usize = texts.iter().map(|text| 5 + text.len()).sum();
        assert_eq!(bytes.len(), whole, "only what the database does not have");
        fs::write(&log, [&bytes[..], &[1, 0, 0, 0, 30, b't', b'o', b'r']].concat()).unwrap();
        let ids = ClientIds::open(&path, 100).unwrap();
        for (text, number) in texts.iter().zip(numbers) {
            assert_eq!(ids.text(ACCOUNT, number), *text);
        }
        assert_eq!(ids.text(ACCOUNT, number("written")), "written");
        assert_eq!(fs::metadata(&log).unwrap().len(), 0, "all of it is in the database now");
        // Nonsense in it costs nothing but itself.
        drop(ids);
        fs::write(&log, [0xff; 1_000]).unwrap();
        let ids = ClientIds::open(&path, 100).unwrap();
        assert_eq!(ids.text(ACCOUNT, numbers[0]), "first");
    }

    #[test]
    fn texts_come_back_after_a_restart_and_the_oldest_go_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ids.redb");
        let ids = ClientIds::open(&path, 3).unwrap();
        let first = ids.remember(ACCOUNT, "first");
        assert_eq!(ids.text(ACCOUNT, first), "first");
        ids.flush().unwrap();
        for text in ["b", "c", "first", "d"] {
            ids.remember(ACCOUNT, text);
            ids.flush().unwrap();
        }
        drop(ids);
        let ids = ClientIds::open(&path, 3).unwrap();
        assert_eq!(ids.text(ACCOUNT, first), first.to_string(), "the oldest");
        for text in ["b", "c", "d"] {
            assert_eq!(ids.text(ACCOUNT, number(text)), text);
        }
        assert_eq!(ids.text(AccountId(2), number("b")), number("b").to_string(), "another's");
    }
}
