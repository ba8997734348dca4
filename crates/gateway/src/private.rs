//! Files that only the gateway's user may read.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use redb::Database;

use crate::GatewayError;

/// Creates a directory, if it is not there, that only its owner may enter.
pub(crate) fn directory(path: &Path) -> Result<(), GatewayError> {
    let failed = |source| GatewayError::File { doing: "create", path: path.to_owned(), source };
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed)
}

/// Opens a file for appending; whether it was there or not, only its owner may read it afterwards.
pub(crate) fn append(path: &Path) -> Result<File, GatewayError> {
    let failed = |source| GatewayError::File { doing: "open", path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(file)
}

/// Opens or creates a database that only its owner may read.
pub(crate) fn database(path: &Path) -> Result<Arc<Database>, GatewayError> {
    drop(append(path)?);
    let database = Database::create(path).map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => GatewayError::Busy { path: path.to_owned() },
        error => GatewayError::Database(Box::new(error.into())),
    })?;
    Ok(Arc::new(database))
}
