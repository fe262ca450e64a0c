//! PostgreSQL, 12 or later. The queries of a batch are sent at once, and those of a batch that writes are one transaction.

use super::{Connect, Database, Error, Job, Options, Outcome, VERSION, device};
use crate::directory::Devices;
use futures_util::future::{BoxFuture, FutureExt, join, join_all};
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Row, Statement};

/// One after another where several nodes begin at once. A device id has one row, and so has a connection id. Whoever writes to the
/// directory raises its version.
const CREATE: &str = "
    CREATE TABLE lscoap_version (version int NOT NULL);
    INSERT INTO lscoap_version VALUES (2);
    CREATE TABLE lscoap_resume (device_id bytea PRIMARY KEY, cid bytea NOT NULL UNIQUE, count int NOT NULL,
        record bytea NOT NULL);
    CREATE TABLE lscoap_devices (id bytea PRIMARY KEY, key bytea NOT NULL);
    CREATE TABLE lscoap_directory (version bigint NOT NULL);
    INSERT INTO lscoap_directory VALUES (0);
    CREATE FUNCTION lscoap_devices_changed() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN UPDATE lscoap_directory SET version = version + 1; RETURN NULL; END';
    CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON lscoap_devices
        FOR EACH STATEMENT EXECUTE FUNCTION lscoap_devices_changed();
    CREATE TABLE lscoap_groups (number int PRIMARY KEY, token bigint NOT NULL, holder text NOT NULL,
        until timestamptz NOT NULL, state bytea);
    CREATE TABLE lscoap_last_group (number int NOT NULL);
    INSERT INTO lscoap_last_group VALUES (0);";
/// Of whoever creates; any number that nobody else is likely to lock.
const LOCK: i64 = 0x4c53_434f_4150;

const BYTES: Type = Type::BYTEA;

struct Statements {
    load: Statement,
    lock: Statement,
    displace: Statement,
    save: Statement,
    count: Statement,
    delete: Statement,
    still: Statement,
    new_group: Statement,
    list_groups: Statement,
    lease: Statement,
    load_group: Statement,
    save_group: Statement,
}

struct Postgresql {
    runtime: Runtime,
    client: Client,
    statements: Arc<Statements>,
    timeout: Duration,
}

pub(super) fn connector(url: &str, options: &Options) -> Result<Connect, Error> {
    let mut config: Config = url
        .parse()
        .map_err(|error: tokio_postgres::Error| Error::Unusable(format!("PostgreSQL: {}", whole(&error))))?;
    let limit = options.timeout;
    config.connect_timeout(limit);
    if config.get_application_name().is_none() {
        config.application_name("lscoap-gateway");
    }
    Ok(Arc::new(move || {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Down(error.to_string()))?;
        let (client, statements) =
            runtime.block_on(async { timeout(limit, connect(&config)).await.map_err(|_| late())? })?;
        Ok(Box::new(Postgresql { runtime, client, statements: Arc::new(statements), timeout: limit }))
    }))
}

async fn connect(config: &Config) -> Result<(Client, Statements), Error> {
    let (mut client, connection) = config.connect(NoTls).await.map_err(|error| fault(&error))?;
    tokio::spawn(async move {
        let _ = connection.await; // whose error the client's calls give, too
    });
    check_schema(&mut client).await?;
    let statements = prepare(&client).await.map_err(|error| fault(&error))?;
    Ok((client, statements))
}

async fn check_schema(client: &mut Client) -> Result<(), Error> {
    let failed = |error| fault(&error);
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
    let there = "SELECT to_regclass('lscoap_version') IS NOT NULL";
    if transaction.query_one(there, &[]).await.and_then(|row| row.try_get::<_, bool>(0)).map_err(failed)? {
        let version = transaction.query_one("SELECT version FROM lscoap_version", &[]).await;
        let version: i32 = version.and_then(|row| row.try_get(0)).map_err(failed)?;
        if u32::try_from(version) != Ok(VERSION) {
            return Err(Error::Unusable(format!(
                "the tables lscoap_... are of version {version}, and this program knows version {VERSION}"
            )));
        }
    } else {
        transaction.batch_execute(CREATE).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

async fn prepare(client: &Client) -> Result<Statements, tokio_postgres::Error> {
    let (int, long) = (Type::INT4, Type::INT8);
    Ok(Statements {
        load: client.prepare("SELECT record FROM lscoap_resume WHERE cid = $1").await?,
        // In one order, so that two nodes that save for the same devices do not wait for each other.
        lock: client
            .prepare("SELECT 1 FROM lscoap_resume WHERE device_id = ANY($1) ORDER BY device_id FOR UPDATE")
            .await?,
        displace: client.prepare("DELETE FROM lscoap_resume WHERE cid = $2 AND device_id <> $1").await?,
        save: client
            .prepare(
                "INSERT INTO lscoap_resume VALUES ($1, $2, 0, $3)
                 ON CONFLICT (device_id) DO UPDATE SET cid = $2, count = 0, record = $3",
            )
            .await?,
        count: client
            .prepare_typed(
                "UPDATE lscoap_resume SET count = $4, record = $3 WHERE device_id = $1 AND cid = $2 AND count = $4 - 1",
                &[BYTES, BYTES, BYTES, int.clone()],
            )
            .await?,
        delete: client.prepare("DELETE FROM lscoap_resume WHERE device_id = $1").await?,
        still: client.prepare("SELECT cid FROM lscoap_resume WHERE cid = ANY($1)").await?,
        new_group: client
            .prepare("UPDATE lscoap_last_group SET number = number + 1 WHERE number < 65535 RETURNING number")
            .await?,
        list_groups: client
            .prepare("SELECT number FROM lscoap_groups WHERE state IS NOT NULL ORDER BY number")
            .await?,
        lease: client
            .prepare_typed(
                "INSERT INTO lscoap_groups AS g VALUES ($1, 1, $2, clock_timestamp() + $3 * interval '1 ms', NULL)
                 ON CONFLICT (number) DO UPDATE SET token = g.token + (g.holder <> $2)::int, holder = $2,
                     until = clock_timestamp() + $3 * interval '1 ms'
                 WHERE g.holder = $2 OR g.until <= clock_timestamp() RETURNING token",
                &[int.clone(), Type::TEXT, Type::FLOAT8],
            )
            .await?,
        load_group: client.prepare("SELECT state FROM lscoap_groups WHERE number = $1").await?,
        save_group: client
            .prepare_typed(
                "UPDATE lscoap_groups SET state = $3 WHERE number = $1 AND token = $2",
                &[int, long, BYTES],
            )
            .await?,
    })
}

/// An error and what it comes from; the values of a query are in neither.
fn whole(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

/// Whether it may be back or needs the operator: what a server says that lets nobody in for now is no refusal of us.
fn fault(error: &tokio_postgres::Error) -> Error {
    let why = format!("PostgreSQL: {}", whole(error));
    let code = error.code().map_or("", SqlState::code);
    let is_refusal = ["28", "3D", "3F", "42"].iter().any(|class| code.starts_with(class));
    if is_refusal { Error::Unusable(why) } else { Error::Down(why) }
}

fn late() -> Error {
    Error::Down("PostgreSQL: no answer in time".into())
}

/// A query of a batch on its way, and what its job will come to if the transaction is committed.
type Query<'a> = BoxFuture<'a, Result<Outcome, tokio_postgres::Error>>;

async fn rows(
    client: &Client,
    statement: &Statement,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    client.query(statement, values).await
}

impl Database for Postgresql {
    fn run(&mut self, jobs: &[&Job]) -> Result<Vec<Outcome>, Error> {
        self.runtime.block_on(async {
            // Twice, where two nodes waited for each other: then nothing has been done.
            for _ in 0..2 {
                match timeout(self.timeout, batch(&self.client, &self.statements, jobs))
                    .await
                    .map_err(|_| late())?
                {
                    Err(error) if is_undone(&error) => {
                        let rollback = self.client.batch_execute("ROLLBACK");
                        timeout(self.timeout, rollback)
                            .await
                            .map_err(|_| late())?
                            .map_err(|error| fault(&error))?;
                    }
                    result => return result.map_err(|error| fault(&error)),
                }
            }
            Ok(jobs.iter().map(|_| Outcome::Down).collect())
        })
    }

    fn ping(&mut self) -> Result<(), Error> {
        self.runtime.block_on(async {
            let ping = timeout(self.timeout, self.client.simple_query("")).await;
            ping.map_err(|_| late())?.map(drop).map_err(|error| fault(&error))
        })
    }

    fn devices(&mut self, known: Option<u64>) -> Result<Option<(u64, Devices)>, Error> {
        let failed = |error: tokio_postgres::Error| fault(&error);
        let found = self.runtime.block_on(async {
            let transaction = self
                .client
                .build_transaction()
                .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead);
            let transaction = transaction.start().await.map_err(failed)?; // one picture of both
            let version = transaction.query_one("SELECT version FROM lscoap_directory", &[]).await;
            let version: i64 = version.and_then(|row| row.try_get(0)).map_err(failed)?;
            if known == Some(version.cast_unsigned()) {
                return Ok(None);
            }
            let all = transaction.query("SELECT id, key FROM lscoap_devices", &[]).await.map_err(failed)?;
            Ok(Some((version.cast_unsigned(), all)))
        });
        let Some((version, all)) = found? else { return Ok(None) };
        let bytes = |row: &Row, at: usize| row.try_get::<_, Vec<u8>>(at).map_err(failed);
        let pairs =
            all.iter().map(|row| device(&bytes(row, 0)?, &bytes(row, 1)?)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some((version, Devices::new(pairs))))
    }

    fn put_devices(&mut self, devices: &Devices) -> Result<(), Error> {
        let (ids, keys): (Vec<&[u8]>, Vec<&[u8]>) = devices.iter().map(|(id, key)| (id, &key[..])).unzip();
        let result = self.runtime.block_on(async {
            let transaction = self.client.transaction().await?;
            transaction.execute("DELETE FROM lscoap_devices", &[]).await?;
            let insert = "INSERT INTO lscoap_devices SELECT * FROM unnest($1::bytea[], $2::bytea[])";
            transaction.execute(insert, &[&ids, &keys]).await?;
            transaction.commit().await
        });
        result.map_err(|error| fault(&error))
    }
}

/// Whether the transaction was taken back for the sake of another one, of which a second try does not hear.
fn is_undone(error: &tokio_postgres::Error) -> bool {
    let undone =
        [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE, SqlState::UNIQUE_VIOLATION];
    error.code().is_some_and(|code| undone.contains(code))
}

/// Sends all queries of a batch, then waits for all answers.
async fn batch(
    client: &Client,
    statements: &Statements,
    jobs: &[&Job],
) -> Result<Vec<Outcome>, tokio_postgres::Error> {
    let writes = |job: &&Job| {
        !matches!(job, Job::Load { .. } | Job::Still { .. } | Job::GroupLoad { .. } | Job::GroupList)
    };
    if !jobs.iter().any(writes) {
        return join_all(jobs.iter().map(|job| query(client, statements, job))).await.into_iter().collect();
    }
    let devices: Vec<&[u8]> = jobs
        .iter()
        .filter_map(|job| match job {
            Job::Save { device_id, .. } | Job::Delete { device_id } => Some(&device_id[..]),
            _ => None,
        })
        .collect();
    let mut queries: Vec<Query<'_>> = Vec::with_capacity(jobs.len() + 3);
    let command =
        |sql: &'static str| async move { client.batch_execute(sql).await.map(|()| Outcome::Done) }.boxed();
    queries.push(command("BEGIN"));
    if devices.len() > 1 {
        let lock = async { rows(client, &statements.lock, &[&devices]).await.map(|_| Outcome::Done) };
        queries.push(lock.boxed());
    }
    let before = queries.len();
    queries.extend(jobs.iter().map(|job| query(client, statements, job)));
    queries.push(command("COMMIT"));
    // The first error is the one that matters: the others are of a transaction that had failed.
    let mut outcomes = join_all(queries).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    outcomes.truncate(before + jobs.len());
    Ok(outcomes.split_off(before))
}

/// The number of a row.
fn group(row: &Row) -> Result<u16, tokio_postgres::Error> {
    row.try_get::<_, i32>(0).map(|number| u16::try_from(number).unwrap_or(0)) // which it always is
}

/// Carries out a job.
fn query<'a>(client: &'a Client, statements: &'a Statements, job: &'a Job) -> Query<'a> {
    let changed = |rows: u64| if rows > 0 { Outcome::Done } else { Outcome::Conflict };
    match job {
        Job::Load { cid } => async move {
            let found = rows(client, &statements.load, &[cid]).await?;
            let record = found.first().map(|row| row.try_get::<_, Vec<u8>>(0)).transpose()?;
            Ok(Outcome::Loaded(record.map(Into::into)))
        }
        .boxed(),
        Job::Save { device_id, cid, record, count: None } => async move {
            let values: [&(dyn ToSql + Sync); 3] = [device_id, cid, &**record];
            let names: [&(dyn ToSql + Sync); 2] = [device_id, cid];
            let displace = client.execute(&statements.displace, &names);
            let both = join(displace, client.execute(&statements.save, &values)).await;
            both.0.and(both.1).map(|_| Outcome::Done)
        }
        .boxed(),
        Job::Save { device_id, cid, record, count: Some(count) } => async move {
            let Ok(count) = i32::try_from(*count) else { return Ok(Outcome::Conflict) };
            client.execute(&statements.count, &[device_id, cid, &**record, &count]).await.map(changed)
        }
        .boxed(),
        Job::Delete { device_id } => {
            async move { client.execute(&statements.delete, &[device_id]).await.map(|_| Outcome::Done) }
                .boxed()
        }
        Job::Still { cids } => async move {
            let found = rows(client, &statements.still, &[cids]).await?;
            let there = found.iter().map(|row| row.try_get(0)).collect::<Result<HashSet<&[u8]>, _>>()?;
            Ok(Outcome::Gone(cids.iter().filter(|cid| !there.contains(&cid[..])).cloned().collect()))
        }
        .boxed(),
        Job::GroupNew => async move {
            let found = rows(client, &statements.new_group, &[]).await?;
            let number = found.first().map(group).transpose()?;
            Ok(number.map_or(Outcome::Conflict, Outcome::Group))
        }
        .boxed(),
        Job::GroupList => async move {
            let found = rows(client, &statements.list_groups, &[]).await?;
            Ok(Outcome::Groups(found.iter().map(group).collect::<Result<_, _>>()?))
        }
        .boxed(),
        Job::GroupLease { number, holder, ms } => async move {
            let values: &[&(dyn ToSql + Sync)] = &[&i32::from(*number), holder, &f64::from(*ms)];
            let found = rows(client, &statements.lease, values).await?;
            let token = found.first().map(|row| row.try_get::<_, i64>(0)).transpose()?;
            Ok(token.map_or(Outcome::Conflict, |token| Outcome::Leased { token: token.cast_unsigned() }))
        }
        .boxed(),
        Job::GroupLoad { number } => async move {
            let found = rows(client, &statements.load_group, &[&i32::from(*number)]).await?;
            let state = found.first().map(|row| row.try_get::<_, Option<Vec<u8>>>(0)).transpose()?;
            Ok(Outcome::Loaded(state.flatten().map(Into::into)))
        }
        .boxed(),
        Job::GroupSave { number, token, state } => async move {
            let values: &[&(dyn ToSql + Sync)] = &[&i32::from(*number), &token.cast_signed(), &**state];
            client.execute(&statements.save_group, values).await.map(changed)
        }
        .boxed(),
    }
}
