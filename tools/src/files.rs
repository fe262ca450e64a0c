//! Files that appear whole or not at all.

use crate::error::Error;
use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::{Builder, NamedTempFile};

/// Who may read a new file.
#[derive(Clone, Copy)]
pub enum Readers {
    /// Its owner alone: it holds a secret.
    Owner,
    /// Whoever the umask allows.
    Everyone,
}

impl Readers {
    /// The mode before the umask.
    fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everyone => 0o666,
        }
    }
}

/// Makes a file. One that exists is replaced only by `force`, and then only if it is a regular file.
pub fn create(path: &Path, bytes: &[u8], readers: Readers, force: bool) -> Result<(), Error> {
    check_free(path, force)?;
    let fault = |error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Error::at(path, EXISTS),
        _ => Error::at(path, error),
    };
    let file = stage(path, bytes, readers.mode()).map_err(fault)?;
    file.as_file().sync_all().map_err(fault)?;
    let placed = if force { file.persist(path) } else { file.persist_noclobber(path) };
    placed.map_err(|error| fault(error.error))?;
    sync_directory(path);
    Ok(())
}

/// What is said of a file in the way.
const EXISTS: &str = "exists already, and is overwritten only with --force";

/// Fails early where [`create`] would fail for a file in the way.
pub fn check_free(path: &Path, force: bool) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(_) if !force => Err(Error::at(path, EXISTS)),
        Ok(there) if !there.is_file() => {
            Err(Error::at(path, "is not a regular file, so it is not overwritten"))
        }
        _ => Ok(()),
    }
}

/// Replaces the contents of a file: whoever opens it sees the old ones or the new ones. Mode and owner stay those
/// of `old`; with no `old`, the file is made.
pub fn replace(path: &Path, bytes: &[u8], old: Option<&Metadata>) -> Result<(), Error> {
    let Some(old) = old else { return create(path, bytes, Readers::Everyone, false) };
    let put = || {
        let file = stage(path, bytes, Readers::Owner.mode())?;
        let new = file.as_file().metadata()?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            fchown(file.as_file(), Some(old.uid()), Some(old.gid()))?;
        }
        file.as_file().set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_directory(path);
        Ok(())
    };
    put().map_err(|error: io::Error| Error::at(path, format!("{error}; nothing was changed")))
}

/// How long [`lock_directory`] waits: a change takes milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// Between two looks whether a lock is free.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Keeps other calls of this function for files in the same directory waiting, as long as the result lives. Where
/// the file system has no locks there are none. Whoever can read a directory can lock it, so nobody waits for ever.
pub fn lock_directory(path: &Path) -> Result<Option<File>, Error> {
    let Ok(file) = File::open(directory(path)) else { return Ok(None) };
    let end = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                let seconds = LOCK_WAIT.as_secs();
                return Err(Error::at(
                    directory(path),
                    format!("another process has kept its lock for {seconds} seconds; nothing was changed"),
                ));
            }
            Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE),
        }
    }
}

/// The directory of a file.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The bytes in a new file beside `path`, which goes away unless it is moved there.
fn stage(path: &Path, bytes: &[u8], mode: u32) -> io::Result<NamedTempFile> {
    let mode = Permissions::from_mode(mode);
    let mut file = Builder::new().prefix(".lscoap-").permissions(mode).tempfile_in(directory(path))?;
    file.as_file_mut().write_all(bytes)?;
    Ok(file)
}

/// Makes a rename last. The file is in place already, and some file systems cannot do this: no fault.
fn sync_directory(path: &Path) {
    let _ = File::open(directory(path)).and_then(|directory| directory.sync_all());
}
