//! The socket that `lscoap group` speaks to: a line in, lines out, of which the last is "ok" or "error: ". Only the gateway's user
//! and root may.

use super::owner::{Caller, Word};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

/// The most that speak at once.
const CALLERS_MAX: usize = 16;
/// The longest line, in bytes.
const LINE_MAX: usize = 4096;
/// How many lines wait for somebody to read them.
const LINES_MAX: usize = 4096;
/// How long a caller may take for his line, or for reading ours.
const PATIENCE: Duration = Duration::from_secs(10);

/// The socket, which goes when this is dropped.
pub struct Listener {
    path: PathBuf,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens at FILE.sock.
pub fn listen(file: &Path, words: SyncSender<Word>) -> io::Result<Listener> {
    let mut path = OsString::from(file);
    path.push(".sock");
    let path = PathBuf::from(path);
    clear_way(&path)?;
    let listener = UnixListener::bind(&path)?;
    let guard = Listener { path };
    // Whoever is quicker than this is asked who he is, all the same.
    std::fs::set_permissions(&guard.path, PermissionsExt::from_mode(0o600))?;
    std::thread::Builder::new().name("groups-control".to_owned()).spawn(move || accept(&listener, &words))?;
    Ok(guard)
}

/// Takes away what an earlier life of ours has left, and nothing else.
fn clear_way(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.file_type().is_socket() && found.uid() == rustix::process::geteuid().as_raw() => {
            std::fs::remove_file(path)
        }
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

fn may_ask(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid();
    rustix::net::sockopt::socket_peercred(stream).is_ok_and(|who| who.uid == own || who.uid.is_root())
}

fn accept(listener: &UnixListener, words: &SyncSender<Word>) {
    let callers = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            std::thread::sleep(Duration::from_millis(100)); // out of descriptors, perhaps
            continue;
        };
        if !may_ask(&stream) || callers.load(Ordering::Relaxed) >= CALLERS_MAX {
            continue;
        }
        callers.fetch_add(1, Ordering::Relaxed);
        let (words, count) = (words.clone(), Arc::clone(&callers));
        let spawned = std::thread::Builder::new().name("groups-caller".to_owned()).spawn(move || {
            let _ = serve(stream, &words);
            count.fetch_sub(1, Ordering::Relaxed);
        });
        if spawned.is_err() {
            callers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn serve(mut stream: UnixStream, words: &SyncSender<Word>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = Vec::new();
    let mut bytes = [0; 512];
    let end = loop {
        let got = stream.read(&mut bytes)?;
        line.extend_from_slice(bytes.get(..got).unwrap_or_default());
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            break end;
        }
        if got == 0 || line.len() > LINE_MAX {
            return Ok(()); // longer than anything that makes sense
        }
    };
    let line = String::from_utf8_lossy(line.get(..end).unwrap_or_default()).into_owned();
    let (said, lines) = sync_channel(LINES_MAX);
    if words.send(Word::Line(line, Caller(said))).is_err() {
        return Ok(());
    }
    for line in lines {
        stream.write_all(line.as_bytes())?;
        stream.write_all(b"\n")?;
    }
    Ok(())
}
