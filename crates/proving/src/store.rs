//! What must survive a crash: the jobs in a database, their inputs and proofs in files beside it.
//!
//! ```text
//! DIR/queue.redb             jobs, worker profiles
//! DIR/inputs/JOB.range       a job's input, until the job is finished
//! DIR/proofs/FIRST-LAST.KIND.proof
//! ```
//!
//! A file is written beside its place as `NAME.NUMBER.partial` and renamed; what a crash left of such files goes when the
//! directory is opened.
//!
//! An input is durable before its job is; a proof is durable before its job is done. So a job that is written down can
//! always be worked on, and one that is done can always be shown.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use verifier::{Proof, ProofKind};

use crate::StoreError;
use crate::job::{Job, JobId, Millis, WorkerId};

const JOBS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("jobs 1");
const PROFILES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("profiles 1");
/// How the names of unfinished files end.
const PARTIAL: &str = "partial";

/// A proof that is kept: its kind, its first and its last batch.
pub type Kept = (ProofKind, (u64, u64));

/// The directory of a queue. One process at a time.
#[derive(Debug)]
pub struct Store {
    database: Database,
    dir: PathBuf,
    /// Files begun: no two that are being written have one name.
    begun: AtomicU64,
}

impl Store {
    /// Opens or creates a directory.
    ///
    /// # Errors
    /// When the file system fails, another process has it open, or the database is damaged.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        for sub in ["inputs", "proofs"] {
            let path = dir.join(sub);
            fs::create_dir_all(&path).map_err(|source| StoreError::File { path, source })?;
        }
        let path = dir.join("queue.redb");
        let database = Database::create(&path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::Busy { path: path.clone() },
            error => StoreError::Database(redb::Error::from(error).into()),
        })?;
        let write = database.begin_write()?;
        write.open_table(JOBS)?;
        write.open_table(PROFILES)?;
        write.commit()?;
        // The database is locked: nobody else writes here.
        for sub in ["inputs", "proofs"] {
            remove_partial(&dir.join(sub))?;
        }
        Ok(Self { database, dir: dir.to_path_buf(), begun: AtomicU64::new(0) })
    }

    /// All jobs.
    ///
    /// # Errors
    /// When the database fails or a record does not decode.
    pub fn jobs(&self) -> Result<Vec<Job>, StoreError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(JOBS)?;
        let mut jobs = Vec::new();
        for entry in table.iter()? {
            let (_, value) = entry?;
            jobs.push(postcard::from_bytes(value.value()).map_err(|_| StoreError::Record)?);
        }
        Ok(jobs)
    }

    /// Writes jobs down, all or none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn put(&self, jobs: &[&Job]) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        {
            let mut table = write.open_table(JOBS)?;
            for job in jobs {
                let bytes = postcard::to_allocvec(job).map_err(|_| StoreError::Record)?;
                table.insert(&job.id.0[..], &bytes[..])?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// Forgets jobs. Proofs stay.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget(&self, jobs: &[JobId]) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        {
            let mut table = write.open_table(JOBS)?;
            for id in jobs {
                table.remove(&id.0[..])?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// What was learned about workers.
    ///
    /// # Errors
    /// When the database fails.
    pub fn profiles(&self) -> Result<Vec<(WorkerId, Vec<u8>)>, StoreError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(PROFILES)?;
        let mut profiles = Vec::new();
        for entry in table.iter()? {
            let (key, profile) = entry?;
            let id = key.value().try_into().map_err(|_| StoreError::Record)?;
            profiles.push((WorkerId(id), profile.value().to_vec()));
        }
        Ok(profiles)
    }

    /// Writes down what was learned about a worker.
    ///
    /// # Errors
    /// When the database fails.
    pub fn put_profile(&self, worker: WorkerId, profile: &[u8]) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        write.open_table(PROFILES)?.insert(&worker.0[..], profile)?;
        write.commit()?;
        Ok(())
    }

    /// Keeps a job's input.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn put_input(&self, id: JobId, input: &[u8]) -> Result<(), StoreError> {
        self.write_durably(&self.input_path(id), input)
    }

    /// A job's input.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn input(&self, id: JobId) -> Result<Vec<u8>, StoreError> {
        read(&self.input_path(id))
    }

    /// Drops the input of a finished job. That it is left over harms nobody.
    pub fn drop_input(&self, id: JobId) {
        let _ = fs::remove_file(self.input_path(id));
    }

    fn input_path(&self, id: JobId) -> PathBuf {
        self.dir.join("inputs").join(format!("{id}.range"))
    }

    /// Where the proof of a job is, or will be.
    #[must_use]
    pub fn proof_path(&self, job: &Job) -> PathBuf {
        let (first, last) = job.batches;
        self.dir.join("proofs").join(format!("{first:012}-{last:012}.{}.proof", job.kind))
    }

    /// The kinds and batches of the proofs that are kept, from the names of their files.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn proofs(&self) -> Result<BTreeSet<Kept>, StoreError> {
        let path = self.dir.join("proofs");
        let failed = |source| StoreError::File { path: path.clone(), source };
        let mut proofs = BTreeSet::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // What else lies there is nobody's business.
            proofs.extend(name.to_str().and_then(parse_proof_name));
        }
        Ok(proofs)
    }

    /// Keeps a proof.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn put_proof(&self, job: &Job, file: &[u8]) -> Result<(), StoreError> {
        self.write_durably(&self.proof_path(job), file)
    }

    /// A job's proof.
    ///
    /// # Errors
    /// When the file system fails, or somebody has altered the file.
    pub fn proof(&self, job: &Job) -> Result<Proof, StoreError> {
        Ok(Proof::decode(&read(&self.proof_path(job))?)?)
    }

    /// The proof that lies where the job's would be, with the size of its file and when that was written.
    pub(crate) fn kept_proof(&self, job: &Job) -> Option<(Proof, u64, Millis)> {
        let file = fs::metadata(self.proof_path(job)).ok()?;
        let written = file.modified().map_or_else(|_| Millis::now(), Millis::of);
        Some((self.proof(job).ok()?, file.len(), written))
    }

    /// Whole or not at all, and there after a crash.
    fn write_durably(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.{PARTIAL}", self.begun.fetch_add(1, Ordering::Relaxed)));
        let write = || {
            let mut file = File::create_new(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, path)?;
            path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
        };
        write().map_err(|source| {
            let _ = fs::remove_file(&temporary);
            StoreError::File { path: path.to_path_buf(), source }
        })
    }
}

fn remove_partial(dir: &Path) -> Result<(), StoreError> {
    let remove = || {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == PARTIAL) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    };
    remove().map_err(|source| StoreError::File { path: dir.to_path_buf(), source })
}

fn parse_proof_name(name: &str) -> Option<Kept> {
    let (batches, kind) = name.strip_suffix(".proof")?.split_once('.')?;
    let (first, last) = batches.split_once('-')?;
    Some((kind.parse().ok()?, (first.parse().ok()?, last.parse().ok()?)))
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    let limit = 2 * Proof::MAX_BYTES as u64;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|source| StoreError::File { path: path.to_path_buf(), source })?;
    Ok(bytes)
}
