//! What provers that were ended by force left in shared memory.
//!
//! SP1's executor runs in a process of its own and shares its memory and its trace with the prover through files of
//! `/dev/shm`, gigabytes each, whose names are random. The prover removes them when it ends; one that is killed does not, and
//! its executor then waits for ever for room in the trace. Whose a file was is not in its name, so what counts is who
//! has it: an execution whose files no process has open or mapped is nobody's, and neither is one that only executors without
//! their prover have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What [`clear`] has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Files.
    pub files: usize,
    /// The memory that they took.
    pub bytes: u64,
    /// Executors without a prover, which it ended.
    pub executors: usize,
}

/// Removes what provers of this user left that are dead, and ends their executors. Touches nothing that a living prover has.
///
/// Provers in containers that share `/dev/shm` but do not see each other's processes must not both call this: an execution
/// that is just beginning could lose its files.
///
/// # Errors
/// When files or processes cannot be listed, or a file cannot be removed.
pub fn clear() -> io::Result<Cleared> {
    clear_in(Path::new("/dev/shm"), Path::new("/proc"))
}

/// The same where shared memory and processes are in other folders.
///
/// # Errors
/// As [`clear`].
pub fn clear_in(shared: &Path, processes: &Path) -> io::Result<Cleared> {
    let user = fs::metadata(processes.join("self"))?.uid();
    // In this order: who makes a file has it from its first moment, so every living owner of these is found.
    let executions = executions_of(shared, user)?;
    let holders = if executions.is_empty() { Vec::new() } else { holders_of(shared, processes)? };
    let mut ended = BTreeSet::new();
    let mut cleared = Cleared::default();
    for (id, files) in executions {
        let holders: Vec<_> = holders.iter().filter(|holder| holder.executions.contains(&id)).collect();
        let orphaned = |executor: &Holder| {
            executor.is_executor && holders.iter().all(|holder| holder.process != executor.parent)
        };
        if !holders.iter().all(|holder| orphaned(holder)) {
            continue;
        }
        for Holder { process, .. } in holders {
            // One that is gone meanwhile is as good.
            if ended.insert(*process) && kill(Pid::from_raw(*process), Signal::SIGKILL).is_ok() {
                cleared.executors += 1;
            }
        }
        for (path, bytes) in files {
            match fs::remove_file(path) {
                Ok(()) => {
                    cleared.files += 1;
                    cleared.bytes += bytes;
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(cleared)
}

/// Files, with the memory that they take.
type Files = Vec<(PathBuf, u64)>;

/// The files of this user's executions, by the execution.
///
/// They belong together: a semaphore's file is mapped under a name that it had before, so it is not seen who has it.
fn executions_of(shared: &Path, user: u32) -> io::Result<BTreeMap<String, Files>> {
    let mut executions = BTreeMap::<_, Files>::new();
    let entries = match fs::read_dir(shared) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(executions),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Some(id) = execution(&entry.path()) else { continue };
        match entry.metadata() {
            Ok(file) if file.is_file() && file.uid() == user => {
                executions.entry(id).or_default().push((entry.path(), file.blocks() * 512));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(executions)
}

/// The execution that a file belongs to, by its name: 16 random bytes in Base64 between what stands around them in the names
/// of the memory, the trace, and the two semaphores of the trace.
fn execution(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (name, suffixes): (_, &[&str]) = match name.strip_prefix("sem.") {
        Some(name) => (name, &["_t_filled", "_t_empty"]),
        None => (name, &["_m", "_t"]),
    };
    let id = suffixes.iter().find_map(|suffix| name.strip_prefix("sp1_")?.strip_suffix(suffix))?;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte);
    (id.len() == 24 && id.bytes().all(is_base64)).then(|| id.to_string())
}

/// A process that has files of executions.
struct Holder {
    process: i32,
    parent: i32,
    is_executor: bool,
    executions: BTreeSet<String>,
}

fn holders_of(shared: &Path, processes: &Path) -> io::Result<Vec<Holder>> {
    let of = |path: &Path| if path.parent() == Some(shared) { execution(path) } else { None };
    let mut holders = Vec::new();
    for entry in fs::read_dir(processes)? {
        let entry = entry?;
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let about = entry.path();
        // Processes end while we look, and those of other users are closed to us: they cannot have our files.
        let open = fs::read_dir(about.join("fd")).into_iter().flatten().flatten();
        let open = open.filter_map(|link| of(&fs::read_link(link.path()).ok()?));
        let maps = fs::read_to_string(about.join("maps")).unwrap_or_default();
        let mapped = maps.lines().filter_map(|line| of(Path::new(line.split_ascii_whitespace().nth(5)?)));
        let executions: BTreeSet<_> = open.chain(mapped).collect();
        if !executions.is_empty() {
            let parent = parent(&about).unwrap_or_default();
            holders.push(Holder { process, parent, is_executor: is_executor(&about), executions });
        }
    }
    Ok(holders)
}

fn parent(about: &Path) -> Option<i32> {
    let status = fs::read_to_string(about.join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// SP1 unpacks its executor under this name.
fn is_executor(about: &Path) -> bool {
    let program = fs::read_link(about.join("exe")).unwrap_or_default();
    let name = program.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("sp1-native-runner-bin-"))
}
