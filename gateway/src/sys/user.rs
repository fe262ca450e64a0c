//! Who this process is, and becoming somebody else. Of the whole process: the C library tells all threads.

use std::ffi::{CStr, CString};
use std::io;
use std::ptr;

/// The most that an entry about a user or a group may need, in bytes.
const ENTRY_MAX: usize = 1 << 20;

/// The effective user id.
pub fn effective() -> u32 {
    // SAFETY: no arguments, and it always succeeds.
    unsafe { libc::geteuid() }
}

/// A user that the system knows, or a number that it need not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user id.
    pub uid: u32,
    /// The group id: the user's own, where nothing else is said.
    pub gid: u32,
    /// The name, of one that the system knows.
    name: Option<CString>,
}

/// Finds a user by name or number, and a group likewise; `None` where there is none of that name.
pub fn find(name: &str, group: Option<&str>) -> io::Result<Option<User>> {
    let number = name.parse().ok();
    let Ok(c_name) = CString::new(name) else { return Ok(None) };
    let known = entry(|room, found| {
        // SAFETY: zeroed is a valid passwd; the name ends with a zero, and the buffer's length is its own.
        unsafe {
            let mut entry: libc::passwd = std::mem::zeroed();
            let mut result = ptr::null_mut();
            let (at, len) = (room.as_mut_ptr().cast(), room.len());
            let error = match number {
                Some(uid) => libc::getpwuid_r(uid, &mut entry, at, len, &mut result),
                None => libc::getpwnam_r(c_name.as_ptr(), &mut entry, at, len, &mut result),
            };
            if !result.is_null() {
                let name = CStr::from_ptr(entry.pw_name).to_owned();
                *found = Some(User { uid: entry.pw_uid, gid: entry.pw_gid, name: Some(name) });
            }
            error
        }
    })?;
    let Some(mut user) = known.or_else(|| number.map(|uid| User { uid, gid: uid, name: None })) else {
        return Ok(None);
    };
    if let Some(group) = group {
        let Some(gid) = find_group(group)? else { return Ok(None) };
        user.gid = gid;
    }
    Ok(Some(user))
}

fn find_group(name: &str) -> io::Result<Option<u32>> {
    if let Ok(gid) = name.parse() {
        return Ok(Some(gid));
    }
    let Ok(name) = CString::new(name) else { return Ok(None) };
    entry(|room, found| {
        // SAFETY: as above, of a group.
        unsafe {
            let mut entry: libc::group = std::mem::zeroed();
            let mut result = ptr::null_mut();
            let (at, len) = (room.as_mut_ptr().cast(), room.len());
            let error = libc::getgrnam_r(name.as_ptr(), &mut entry, at, len, &mut result);
            if !result.is_null() {
                *found = Some(entry.gr_gid);
            }
            error
        }
    })
}

/// Asks for an entry with as much room as it takes.
fn entry<T>(ask: impl Fn(&mut [u8], &mut Option<T>) -> i32) -> io::Result<Option<T>> {
    let (mut room, mut found) = (vec![0; 1024], None);
    loop {
        match ask(&mut room, &mut found) {
            0 => return Ok(found),
            libc::ERANGE if room.len() < ENTRY_MAX => room.resize(2 * room.len(), 0),
            libc::ENOENT | libc::ESRCH => return Ok(None),
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Becomes the user, for good: no program that this one starts gets more rights again either.
pub fn become_user(user: &User) -> io::Result<()> {
    // SAFETY: the name ends with a zero; all other arguments are numbers.
    unsafe {
        checked(match &user.name {
            Some(name) => libc::initgroups(name.as_ptr(), user.gid),
            None => libc::setgroups(1, &user.gid),
        })?;
        checked(libc::setresgid(user.gid, user.gid, user.gid))?;
        checked(libc::setresuid(user.uid, user.uid, user.uid))?;
        checked(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        if user.uid != 0 && libc::setuid(0) == 0 {
            return Err(io::Error::other("root's rights did not go"));
        }
    }
    Ok(())
}

fn checked(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_number() {
        let root = find("root", None).unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(find("0", None).unwrap().unwrap(), root);
        assert_eq!(find("no-such-user", None).unwrap(), None);
        assert_eq!(find("root", Some("no-such-group")).unwrap(), None);
        assert_eq!(find("a\0b", None).unwrap(), None);
        let nobody = find("nobody", Some("root")).unwrap().unwrap();
        assert!(nobody.uid != 0 && nobody.gid == 0);
        let unknown = find("4000000", Some("4000001")).unwrap().unwrap();
        assert_eq!((unknown.uid, unknown.gid, unknown.name), (4_000_000, 4_000_001, None));
    }
}
