//! SQLite: a file, for one node, or for several on one machine. A batch that writes is one transaction, on the disk when it returns,
//! even if the power goes then.

use super::{Connect, Database, Error, Job, Options, Outcome, VERSION, device, now_ms};
use crate::directory::Devices;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};
use std::fs::{self, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// "LSCO": the file is ours, or secure_server's, whose version is 1.
const APPLICATION_ID: i64 = 1_280_525_135;

/// What is deleted is overwritten: it was a secret.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";

/// A device id has one row, and so has a connection id. Whoever writes to the directory raises its version.
const CREATE: &str = "
    CREATE TABLE resume (device_id BLOB PRIMARY KEY NOT NULL, cid BLOB NOT NULL UNIQUE, count INTEGER NOT NULL,
        record BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE devices (id BLOB PRIMARY KEY NOT NULL, key BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE directory (version INTEGER NOT NULL);
    INSERT INTO directory VALUES (0);
    CREATE TRIGGER devices_added AFTER INSERT ON devices BEGIN UPDATE directory SET version = version + 1; END;
    CREATE TRIGGER devices_changed AFTER UPDATE ON devices BEGIN UPDATE directory SET version = version + 1; END;
    CREATE TRIGGER devices_removed AFTER DELETE ON devices BEGIN UPDATE directory SET version = version + 1; END;
    CREATE TABLE groups (number INTEGER PRIMARY KEY, token INTEGER NOT NULL, holder TEXT NOT NULL,
        until_ms INTEGER NOT NULL, state BLOB);
    CREATE TABLE last_group (number INTEGER NOT NULL);
    INSERT INTO last_group VALUES (0);
    PRAGMA application_id = 1280525135;
    PRAGMA user_version = 2;";

struct Sqlite(Connection);

pub(super) fn connector(url: &str, options: &Options) -> Result<Connect, Error> {
    let path = PathBuf::from(url.strip_prefix("sqlite:").unwrap_or(url));
    if path.file_name().is_none() {
        return Err(Error::Unusable("sqlite: what is the file? sqlite:PATH".into()));
    }
    let timeout = options.timeout;
    Ok(Arc::new(move || Ok(Box::new(Sqlite(connect(&path, timeout)?)))))
}

fn connect(path: &Path, timeout: Duration) -> Result<Connection, Error> {
    let fault = |why: String| Error::Unusable(format!("{}: {why}", path.display()));
    let failed = |error: rusqlite::Error| {
        if is_busy(&error) { down(&error) } else { fault(error.to_string()) }
    };
    let path = &resolve(path).map_err(|error| fault(error.to_string()))?;
    make_file(path)?;
    // SQLite is told to follow no link; those in the directory's name, which has been resolved, are the administrator's.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut database = Connection::open_with_flags(path, flags).map_err(failed)?;
    database.busy_timeout(timeout).map_err(failed)?;
    database.execute_batch(SETTINGS).map_err(failed)?;
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed);
    let (tables, application, version) = (
        number("SELECT count(*) FROM sqlite_schema")?,
        number("PRAGMA application_id")?,
        number("PRAGMA user_version")?,
    );
    match (application, version) {
        (0, 0) if tables == 0 => transaction.execute_batch(CREATE).map_err(failed)?,
        (APPLICATION_ID, version) if version == i64::from(VERSION) => {}
        (APPLICATION_ID, 1) => {
            return Err(fault("the file of a secure_server: give the gateway one of its own".into()));
        }
        (APPLICATION_ID, version) => {
            return Err(fault(format!("of version {version}, and this program knows version {VERSION}")));
        }
        _ => return Err(fault("a database of another program".into())),
    }
    transaction.commit().map_err(failed)?;
    Ok(database)
}

/// With its directory resolved.
fn resolve(path: &Path) -> std::io::Result<PathBuf> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(directory.canonicalize()?.join(path.file_name().unwrap_or_default()))
}

/// Makes the file for its owner alone if there is none; SQLite gives its other files the same mode. Those could have been planted, too.
fn make_file(path: &Path) -> Result<(), Error> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    if let Err(error) = made
        && error.kind() != ErrorKind::AlreadyExists
    {
        return Err(Error::Unusable(format!("{}: {error}", path.display())));
    }
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let why = match fs::symlink_metadata(&name) {
            Ok(found) => why_not_private(&found).map(String::from),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = why {
            return Err(Error::Unusable(format!("{}: {why}", Path::new(&name).display())));
        }
    }
    Ok(())
}

fn why_not_private(found: &Metadata) -> Option<&'static str> {
    if found.is_symlink() {
        Some("a symbolic link, which is not followed")
    } else if !found.is_file() {
        Some("not a file")
    } else if found.uid() != crate::sys::user::effective() {
        Some("it belongs to another user")
    } else if found.mode() & 0o077 != 0 {
        Some("it holds secrets and is not for its owner alone (chmod 600)")
    } else {
        None
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

fn down(error: &rusqlite::Error) -> Error {
    Error::Down(error.to_string())
}

fn blob(row: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    row.get(0)
}

impl Database for Sqlite {
    fn run(&mut self, jobs: &[&Job]) -> Result<Vec<Outcome>, Error> {
        let writes = |job: &&Job| {
            !matches!(job, Job::Load { .. } | Job::Still { .. } | Job::GroupLoad { .. } | Job::GroupList)
        };
        let behavior = if jobs.iter().any(writes) {
            TransactionBehavior::Immediate
        } else {
            TransactionBehavior::Deferred
        };
        let transaction = self.0.transaction_with_behavior(behavior).map_err(|error| down(&error))?;
        let outcomes = jobs.iter().map(|job| one(&transaction, job)).collect::<Result<_, _>>();
        let outcomes = outcomes.map_err(|error| down(&error))?;
        transaction.commit().map_err(|error| down(&error))?;
        Ok(outcomes)
    }

    fn ping(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn devices(&mut self, known: Option<u64>) -> Result<Option<(u64, Devices)>, Error> {
        let transaction = self.0.transaction().map_err(|error| down(&error))?; // one picture of both
        let version = transaction.query_row("SELECT version FROM directory", [], |row| row.get::<_, i64>(0));
        let version = version.map_err(|error| down(&error))?.cast_unsigned();
        if known == Some(version) {
            return Ok(None);
        }
        let mut all = transaction.prepare("SELECT id, key FROM devices").map_err(|error| down(&error))?;
        let rows = all.query_map([], |row| Ok((blob(row)?, row.get::<_, Vec<u8>>(1)?)));
        let rows = rows.and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
        let rows = rows.map_err(|error| Error::Unusable(format!("the directory in the store: {error}")))?;
        let pairs = rows.iter().map(|(id, key)| device(id, key)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some((version, Devices::new(pairs))))
    }

    fn put_devices(&mut self, devices: &Devices) -> Result<(), Error> {
        let put = || {
            let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute("DELETE FROM devices", [])?;
            for (id, key) in devices.iter() {
                transaction
                    .prepare_cached("INSERT INTO devices VALUES (?1, ?2)")?
                    .execute(params![id, key])?;
            }
            transaction.execute("UPDATE directory SET version = version + 1", [])?; // of an empty list, too
            transaction.commit()
        };
        let mut put = put;
        put().map_err(|error| down(&error))
    }
}

/// Carries out a job within a transaction.
fn one(database: &Connection, job: &Job) -> rusqlite::Result<Outcome> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| database.prepare_cached(sql)?.execute(values);
    let changed = |rows: usize| if rows > 0 { Outcome::Done } else { Outcome::Conflict };
    Ok(match job {
        Job::Load { cid } => {
            let mut load = database.prepare_cached("SELECT record FROM resume WHERE cid = ?1")?;
            Outcome::Loaded(load.query_row([cid], blob).optional()?.map(Into::into))
        }
        Job::Save { device_id, cid, record, count: None } => {
            run("INSERT OR REPLACE INTO resume VALUES (?1, ?2, 0, ?3)", &[device_id, cid, &**record])?;
            Outcome::Done
        }
        Job::Save { device_id, cid, record, count: Some(count) } => changed(run(
            "UPDATE resume SET count = ?4, record = ?3 WHERE device_id = ?1 AND cid = ?2 AND count = ?4 - 1",
            &[device_id, cid, &**record, count],
        )?),
        Job::Delete { device_id } => {
            run("DELETE FROM resume WHERE device_id = ?1", &[device_id])?;
            Outcome::Done
        }
        Job::Still { cids } => {
            let mut there = database.prepare_cached("SELECT 1 FROM resume WHERE cid = ?1")?;
            let mut gone = Vec::new();
            for cid in cids {
                if !there.exists([cid])? {
                    gone.push(cid.clone());
                }
            }
            Outcome::Gone(gone)
        }
        Job::GroupNew => {
            let mut next = database.prepare_cached(
                "UPDATE last_group SET number = number + 1 WHERE number < 65535 RETURNING number",
            )?;
            next.query_row([], |row| row.get(0)).optional()?.map_or(Outcome::Conflict, Outcome::Group)
        }
        Job::GroupList => {
            let mut list = database
                .prepare_cached("SELECT number FROM groups WHERE state IS NOT NULL ORDER BY number")?;
            Outcome::Groups(list.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        }
        Job::GroupLease { number, holder, ms } => {
            let now = now_ms().cast_signed();
            let until = now.saturating_add(i64::from(*ms));
            let mut lease = database.prepare_cached(
                "INSERT INTO groups VALUES (?1, 1, ?2, ?3, NULL) ON CONFLICT (number) DO UPDATE
                 SET token = token + (holder <> ?2), holder = ?2, until_ms = ?3 WHERE holder = ?2 OR until_ms <= ?4
                 RETURNING token",
            )?;
            let token = lease.query_row(params![number, holder, until, now], |row| row.get::<_, i64>(0));
            match token.optional()? {
                Some(token) => Outcome::Leased { token: token.cast_unsigned() },
                None => Outcome::Conflict,
            }
        }
        Job::GroupLoad { number } => {
            let mut load = database.prepare_cached("SELECT state FROM groups WHERE number = ?1")?;
            let state =
                load.query_row([number], |row| row.get::<_, Option<Vec<u8>>>(0)).optional()?.flatten();
            Outcome::Loaded(state.map(Into::into))
        }
        Job::GroupSave { number, token, state } => changed(run(
            "UPDATE groups SET state = ?3 WHERE number = ?1 AND token = ?2",
            &[number, &token.cast_signed(), &**state],
        )?),
    })
}
