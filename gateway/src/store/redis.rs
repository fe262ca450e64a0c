//! Redis, 5 or later; one server, not a cluster. A batch is one pipeline, and what compares and sets is a script. How much of what it has
//! said to have stored survives the server's own end is a matter of its configuration (appendonly, appendfsync).
//!
//! ```text
//!       PREFIX version               of what is stored
//!       PREFIX device:ID             the connection id of the device's record
//!       PREFIX resume:CID            a hash: device, count, record
//!       PREFIX devices               a hash: device id to key, both in hexadecimal
//!       PREFIX devices:version       raised by whoever writes to that
//!       PREFIX groups                a set: the numbers of those that have a state
//!       PREFIX groups:last           the last number that was given
//!       PREFIX group:NUMBER          a hash: token, holder, until (ms), state
//! ```

use super::{Connect, Database, Error, Job, Options, Outcome, VERSION, device};
use crate::directory::Devices;
use redis::{Connection, ErrorKind, Pipeline, RedisError, RedisResult, Script, ServerErrorKind, Value, pipe};
use std::collections::HashMap;
use std::sync::Arc;

/// The device's key, the record's; the id, the connection id, the record, the count or nothing, and what other keys begin with.
const SAVE: &str = "
local id, cid, record, count, prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local stored = redis.call('HMGET', KEYS[2], 'device', 'count')
if count ~= '' then
  if stored[1] ~= id or tonumber(stored[2]) ~= tonumber(count) - 1 then return 0 end
  redis.call('HSET', KEYS[2], 'count', count, 'record', record)
  return 1
end
if stored[1] and stored[1] ~= id then redis.call('DEL', prefix .. 'device:' .. stored[1]) end
local old = redis.call('GET', KEYS[1])
if old and old ~= cid then redis.call('DEL', prefix .. 'resume:' .. old) end
redis.call('HSET', KEYS[2], 'device', id, 'count', 0, 'record', record)
redis.call('SET', KEYS[1], cid)
return 1";

/// The device's key; what other keys begin with.
const DELETE: &str = "
local cid = redis.call('GET', KEYS[1])
if cid then redis.call('DEL', KEYS[1], ARGV[1] .. 'resume:' .. cid) end
return 1";

/// The group's key; the holder and the ms. The token, or 0.
const LEASE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HMGET', KEYS[1], 'holder', 'until', 'token')
local token = tonumber(stored[3] or 0)
if stored[1] ~= ARGV[1] then
  if stored[2] and tonumber(stored[2]) > now then return 0 end
  token = token + 1
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%d', now + ARGV[2]), 'token', token)
return token";

/// The group's key and that of all; the token, the state and the number.
const SAVE_GROUP: &str = "
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
redis.call('SADD', KEYS[2], ARGV[3])
return 1";

/// The version's key, which is made if there is none.
const CHECK: &str = "
redis.call('SETNX', KEYS[1], ARGV[1])
return redis.call('GET', KEYS[1])";

struct Scripts {
    save: Script,
    delete: Script,
    lease: Script,
    save_group: Script,
}

struct Redis {
    connection: Connection,
    prefix: String,
    scripts: Arc<Scripts>,
}

pub(super) fn connector(url: &str, options: &Options) -> Result<Connect, Error> {
    let client = redis::Client::open(url).map_err(|error| fault(&error))?;
    let (prefix, timeout) = (options.prefix.clone(), options.timeout);
    let scripts = Arc::new(Scripts {
        save: Script::new(SAVE),
        delete: Script::new(DELETE),
        lease: Script::new(LEASE),
        save_group: Script::new(SAVE_GROUP),
    });
    Ok(Arc::new(move || {
        let mut connection = client.get_connection_with_timeout(timeout).map_err(|error| fault(&error))?;
        connection.set_read_timeout(Some(timeout)).map_err(|error| fault(&error))?;
        connection.set_write_timeout(Some(timeout)).map_err(|error| fault(&error))?;
        let version: String = Script::new(CHECK)
            .key(format!("{prefix}version"))
            .arg(VERSION)
            .invoke(&mut connection)
            .map_err(|error| fault(&error))?;
        if version != VERSION.to_string() {
            return Err(Error::Unusable(format!(
                "what is in Redis under {prefix} is of version {version}, and this program knows version {VERSION}"
            )));
        }
        let mut redis = Redis { connection, prefix: prefix.clone(), scripts: scripts.clone() };
        redis.load_scripts()?;
        Ok(Box::new(redis))
    }))
}

/// Whether it may be back or needs the operator.
fn fault(error: &RedisError) -> Error {
    use ErrorKind::{AuthenticationFailed, InvalidClientConfig, Server};
    let why = format!("Redis: {error}");
    match error.kind() {
        AuthenticationFailed | InvalidClientConfig | Server(ServerErrorKind::NoPerm) => Error::Unusable(why),
        _ if error.code() == Some("NOAUTH") || error.code() == Some("WRONGPASS") => Error::Unusable(why),
        _ => Error::Down(why),
    }
}

impl Redis {
    fn key(&self, kind: &str, id: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), kind.as_bytes(), b":", id].concat()
    }

    fn group(&self, number: u16) -> Vec<u8> {
        self.key("group", number.to_string().as_bytes())
    }

    fn load_scripts(&mut self) -> Result<(), Error> {
        let Scripts { save, delete, lease, save_group } = &*self.scripts.clone();
        for script in [save, delete, lease, save_group] {
            script.load(&mut self.connection).map_err(|error| fault(&error))?;
        }
        Ok(())
    }

    /// Puts what a job needs into the pipeline: one command.
    fn ask(&self, job: &Job, pipe: &mut Pipeline) {
        let prefix = &*self.prefix;
        match job {
            Job::Load { cid } => {
                pipe.cmd("HGET").arg(self.key("resume", cid)).arg("record");
            }
            Job::Save { device_id, cid, record, count } => {
                let mut save = self.scripts.save.key(self.key("device", device_id));
                save.key(self.key("resume", cid)).arg(device_id).arg(cid).arg(&**record);
                save.arg(count.map_or_else(String::new, |count| count.to_string())).arg(prefix);
                pipe.invoke_script(&save);
            }
            Job::Delete { device_id } => {
                pipe.invoke_script(self.scripts.delete.key(self.key("device", device_id)).arg(prefix));
            }
            Job::Still { cids } => {
                // As one command, so that there is one answer.
                let keys = cids.iter().map(|cid| self.key("resume", cid)).collect::<Vec<_>>();
                let there = "local there = {} for i, key in ipairs(KEYS) do there[i] = redis.call('EXISTS', key) end return there";
                pipe.cmd("EVAL").arg(there).arg(keys.len()).arg(keys);
            }
            Job::GroupNew => {
                pipe.cmd("INCR").arg(format!("{prefix}groups:last"));
            }
            Job::GroupList => {
                pipe.cmd("SMEMBERS").arg(format!("{prefix}groups"));
            }
            Job::GroupLease { number, holder, ms } => {
                pipe.invoke_script(self.scripts.lease.key(self.group(*number)).arg(holder).arg(ms));
            }
            Job::GroupLoad { number } => {
                pipe.cmd("HGET").arg(self.group(*number)).arg("state");
            }
            Job::GroupSave { number, token, state } => {
                let mut save = self.scripts.save_group.key(self.group(*number));
                save.key(format!("{prefix}groups"));
                pipe.invoke_script(save.arg(token).arg(&**state).arg(number));
            }
        }
    }

    fn pipeline(&mut self, jobs: &[&Job]) -> Result<Vec<RedisResult<Value>>, Error> {
        let mut pipe = pipe();
        for job in jobs {
            self.ask(job, &mut pipe);
        }
        let answers: Vec<RedisResult<Value>> =
            pipe.ignore_errors().query(&mut self.connection).map_err(|error| fault(&error))?;
        if answers.len() == jobs.len() {
            Ok(answers)
        } else {
            Err(Error::Down("Redis: answers are missing".into()))
        }
    }
}

/// What an answer says of its job.
fn outcome(job: &Job, answer: RedisResult<Value>) -> Outcome {
    match (job, answer) {
        (Job::Load { .. } | Job::GroupLoad { .. }, Ok(Value::BulkString(record))) => {
            Outcome::Loaded(Some(record.into()))
        }
        (Job::Load { .. } | Job::GroupLoad { .. }, Ok(Value::Nil)) => Outcome::Loaded(None),
        (Job::Save { .. } | Job::Delete { .. } | Job::GroupSave { .. }, Ok(Value::Int(1))) => Outcome::Done,
        (Job::Save { .. } | Job::GroupSave { .. } | Job::GroupLease { .. }, Ok(Value::Int(0))) => {
            Outcome::Conflict
        }
        (Job::GroupLease { .. }, Ok(Value::Int(token))) => Outcome::Leased { token: token.cast_unsigned() },
        (Job::GroupNew, Ok(Value::Int(number))) => {
            u16::try_from(number).map_or(Outcome::Conflict, Outcome::Group)
        }
        (Job::GroupList, Ok(numbers)) => match redis::from_redis_value::<Vec<u16>>(numbers) {
            Ok(mut numbers) => {
                numbers.sort_unstable();
                Outcome::Groups(numbers)
            }
            Err(_) => Outcome::Down,
        },
        (Job::Still { cids }, Ok(Value::Array(there))) if there.len() == cids.len() => {
            let gone = cids.iter().zip(there).filter(|(_, there)| *there == Value::Int(0));
            Outcome::Gone(gone.map(|(cid, _)| cid.clone()).collect())
        }
        (_, Ok(_)) => Outcome::Down, // nothing that we have ever stored
        (_, Err(error)) => {
            tracing::debug!(%error, "a job of the store");
            Outcome::Down
        }
    }
}

impl Database for Redis {
    fn run(&mut self, jobs: &[&Job]) -> Result<Vec<Outcome>, Error> {
        let mut answers = self.pipeline(jobs)?;
        // Somebody has flushed the scripts: what needs one has not been carried out.
        let no_script = |answer: &RedisResult<Value>| {
            answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
        };
        if answers.iter().any(no_script) {
            self.load_scripts()?;
            let again = jobs.iter().zip(&answers).filter(|(_, answer)| no_script(answer));
            let again = again.map(|(job, _)| *job).collect::<Vec<_>>();
            let mut later = self.pipeline(&again)?.into_iter();
            for answer in answers.iter_mut().filter(|answer| no_script(answer)) {
                if let Some(new) = later.next() {
                    *answer = new;
                }
            }
        }
        Ok(jobs.iter().zip(answers).map(|(job, answer)| outcome(job, answer)).collect())
    }

    fn ping(&mut self) -> Result<(), Error> {
        redis::cmd("PING").exec(&mut self.connection).map_err(|error| fault(&error))
    }

    fn devices(&mut self, known: Option<u64>) -> Result<Option<(u64, Devices)>, Error> {
        let (list, version) = (format!("{}devices", self.prefix), format!("{}devices:version", self.prefix));
        let found: Option<u64> =
            redis::cmd("GET").arg(&version).query(&mut self.connection).map_err(|error| fault(&error))?;
        if known.is_some() && known == Some(found.unwrap_or(0)) {
            return Ok(None);
        }
        let (version, all): (Option<u64>, HashMap<Vec<u8>, Vec<u8>>) = pipe()
            .atomic()
            .cmd("GET")
            .arg(&version)
            .cmd("HGETALL")
            .arg(&list)
            .query(&mut self.connection)
            .map_err(|error| fault(&error))?;
        let bytes = |text: &[u8]| {
            let shown = String::from_utf8_lossy(text);
            let why = || Error::Unusable(format!("the directory in the store: {shown:?} is not hexadecimal"));
            hex::decode(text).map_err(|_| why())
        };
        let pairs = all.iter().map(|(id, key)| device(&bytes(id)?, &bytes(key)?));
        Ok(Some((version.unwrap_or(0), Devices::new(pairs.collect::<Result<Vec<_>, _>>()?))))
    }

    fn put_devices(&mut self, devices: &Devices) -> Result<(), Error> {
        let (list, version) = (format!("{}devices", self.prefix), format!("{}devices:version", self.prefix));
        let mut pipe = pipe();
        pipe.atomic().cmd("DEL").arg(&list);
        for (id, key) in devices.iter() {
            pipe.cmd("HSET").arg(&list).arg(hex::encode(id)).arg(hex::encode(key));
        }
        pipe.cmd("INCR").arg(&version);
        pipe.exec(&mut self.connection).map_err(|error| fault(&error))
    }
}
