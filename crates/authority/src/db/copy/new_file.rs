//! A file that appears under its name only when it is whole: written beside it, synced, then renamed.
//! Only its owner can read it, and it never replaces one that exists.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{Error, about};
use crate::rng::Rng;

pub(super) struct NewFile {
    path: PathBuf,
    temporary: PathBuf,
}

/// What SQLite puts beside a database while it is open.
pub(super) const SQLITE_COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

impl NewFile {
    /// Makes the temporary file (0600, empty).
    pub fn begin(path: &Path, rng: Rng) -> Result<(Self, File), Error> {
        if path.symlink_metadata().is_ok() {
            return Err(about(path, "is there already, and nothing is ever overwritten: name another file"));
        }
        let random = u64::from_le_bytes(rng.bytes());
        let Some(name) = path.file_name() else { return Err(about(path, "is not the name of a file")) };
        let temporary = path.with_file_name(format!(".{}.{random:016x}.part", name.to_string_lossy()));
        let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&temporary);
        let file = file.map_err(|error| about(path, format!("cannot be made: {error}")))?;
        Ok((Self { path: path.to_owned(), temporary }, file))
    }

    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Syncs what was written and gives the file its name.
    pub fn publish(self) -> Result<(), Error> {
        self.try_publish().map_err(|error| about(&self.path, format!("cannot be put in its place: {error}")))
    }

    fn try_publish(&self) -> io::Result<()> {
        File::open(&self.temporary)?.sync_all()?;
        match renameat_with(CWD, &self.temporary, CWD, &self.path, RenameFlags::NOREPLACE) {
            // Not every file system can; then the check and the rename are two steps.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if !self.path.exists() => std::fs::rename(&self.temporary, &self.path)?,
            renamed => renamed?,
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Drop for NewFile {
    /// After [`NewFile::publish`] there is nothing left to remove.
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(with_suffix(&self.temporary, suffix));
        }
    }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
