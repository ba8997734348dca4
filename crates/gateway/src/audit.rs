//! The audit log: who did what to keys, delegations and other administrative matters. Lines of JSON, only ever appended.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::{GatewayError, clock, private};

/// An open audit log.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    file: Mutex<File>,
}

impl AuditLog {
    /// Opens it; what is in it stays.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, GatewayError> {
        Ok(Self { path: path.to_owned(), file: Mutex::new(private::append(path)?) })
    }

    /// Writes down that `actor` (an account, a key, "operator") does something. On disk when the call returns; what cannot
    /// be written down must not be done.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&self, actor: &str, action: &str, details: &Value) -> Result<(), GatewayError> {
        let mut line =
            json!({ "time": clock::millis(), "actor": actor, "action": action, "details": details })
                .to_string();
        tracing::info!(target: "audit", actor, action, %details);
        line.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|source| GatewayError::File { doing: "write to", path: self.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_added_for_each_act_and_a_name_cannot_forge_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        for round in 0..2 {
            let log = AuditLog::open(&path).unwrap();
            log.record("account 7", "create key", &json!({ "label": format!("a\n{{\"round\":{round}}}") }))
                .unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["details"]["label"], "a\n{\"round\":1}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
