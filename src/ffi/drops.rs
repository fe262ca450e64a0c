//! Whether objects that are dropped leave their secrets in memory: only here may a test look.

use crate::limits::SESSION_BLOB_MAX;
use crate::schedule::OnceKey;
use crate::stored::{Kind, Stored};
use core::mem::ManuallyDrop;

const SECRET: [u8; 32] = [0xa7; 32];

/// Whether some of the secret is there before the object is dropped, and after.
fn around_drop<T>(object: T, has_secret: impl FnOnce(&mut T)) -> [bool; 2] {
    let mut place = ManuallyDrop::new(object);
    has_secret(&mut place);
    let bytes = core::ptr::from_ref(&place).cast::<u8>();
    let look = || {
        let mut run = 0;
        (0..size_of::<T>()).any(|at| {
            // SAFETY: one of the place's own bytes, whatever it holds.
            let is_secret = unsafe { bytes.add(at).read_volatile() } == SECRET[0];
            run = if is_secret { run + 1 } else { 0 };
            run == 8
        })
    };
    let before = look();
    // SAFETY: once, and the object is not used any more.
    unsafe { ManuallyDrop::drop(&mut place) };
    [before, look()]
}

#[test]
fn blobs() {
    let blob = Stored::<SESSION_BLOB_MAX>::EMPTY;
    let fill = |blob: &mut Stored<SESSION_BLOB_MAX>| {
        blob.begin(Kind::Session);
        blob.put(&SECRET);
    };
    assert_eq!(around_drop(blob, fill), [true, false]);
}

#[test]
fn keys_of_messages() {
    assert_eq!(around_drop(OnceKey::EMPTY, |key| key.fill(SECRET[0])), [true, false]);
}

#[cfg(feature = "server")]
#[test]
fn servers() {
    use crate::server::Server;
    let server: Server = Server::new(&SECRET).unwrap();
    assert_eq!(around_drop(server, |_| {}), [true, false]);
}

#[cfg(all(feature = "client", feature = "signed"))]
#[test]
fn clients() {
    use crate::client::{Client, ClientConfig, Profile};
    let key = crate::enrolment::public_key(&SECRET).unwrap();
    let client: Client = Client::new(&ClientConfig::new(b"id", &SECRET, &key, Profile::Signed)).unwrap();
    assert_eq!(around_drop(client, |_| {}), [true, false]);
}
