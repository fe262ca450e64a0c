//! One core for the server, another for the load; and what the server has used, by the kernel's account.

use std::fs;
use std::io;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::process::tool;

const INSTANT: Duration = Duration::from_millis(1);

/// Two cores that this process may run on; one and the same where there is only one.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    server: usize,
    load: usize,
}

fn status_line(process: &str, name: &str) -> io::Result<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(line.ok_or_else(|| io::Error::other(format!("no {name} of process {process}")))?.trim().to_owned())
}

/// The numbers of a list such as "0-3,8".
fn numbers(list: &str) -> Option<Vec<usize>> {
    let mut all = vec![];
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        all.extend(first.parse().ok()?..=last.parse::<usize>().ok()?);
    }
    Some(all)
}

/// Moves this process to these cores.
fn pin(cores: &str) -> io::Result<()> {
    tool("taskset", ["-p", "-c", cores, &std::process::id().to_string()]).map(drop)
}

impl Cores {
    /// Finds two, and moves this process to that of the load.
    pub fn take() -> io::Result<Cores> {
        let list = status_line("self", "Cpus_allowed_list")?;
        let allowed = numbers(&list).unwrap_or_default();
        let (Some(server), Some(load)) = (allowed.first(), allowed.last()) else {
            return Err(io::Error::other(format!("no list of cores: {list}")));
        };
        pin(&load.to_string())?;
        Ok(Cores { server: *server, load: *load })
    }

    /// Lets this process run on both again.
    pub fn release(self) -> io::Result<()> {
        pin(&format!("{},{}", self.server, self.load))
    }

    /// Whether the server has one for itself.
    pub fn are_two(self) -> bool {
        self.server != self.load
    }

    /// The command, to run on the server's core.
    pub fn serving(self, command: &Command) -> Command {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", &self.server.to_string()]).arg(command.get_program()).args(command.get_args());
        pinned
    }
}

/// The threads of a process, as they are called below /proc.
fn threads(process: u32) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(format!("/proc/{process}/task"))?;
    entries.map(|entry| Ok(format!("{process}/task/{}", entry?.file_name().display()))).collect()
}

/// How long the threads of a process were on a processor.
fn time_used(process: u32) -> io::Result<Duration> {
    threads(process)?.iter().try_fold(Duration::ZERO, |sum, thread| {
        let schedstat = fs::read_to_string(format!("/proc/{thread}/schedstat"))?;
        let nanoseconds = schedstat.split(' ').next().and_then(|number| number.parse().ok());
        let used = nanoseconds.map(Duration::from_nanos);
        Ok(sum + used.ok_or_else(|| io::Error::other(format!("schedstat: {schedstat}")))?)
    })
}

/// The same of a server that is about to have nothing more to do: once all of it sleeps, as the kernel adds up what a
/// thread has used when it leaves the core.
pub fn time_used_asleep(process: u32) -> io::Result<Duration> {
    let sleeps = |thread: &String| status_line(thread, "State").is_ok_and(|state| state.starts_with('S'));
    while !threads(process)?.iter().all(sleeps) {
        thread::sleep(INSTANT);
    }
    thread::sleep(INSTANT); // it says so before it leaves
    time_used(process)
}

/// Bytes of memory that a process occupies.
pub fn resident(process: u32) -> io::Result<u64> {
    let line = status_line(&process.to_string(), "VmRSS")?;
    let kib = line.split(' ').next().and_then(|number| number.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other(format!("VmRSS: {line}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores() {
        assert_eq!(numbers("0"), Some(vec![0]));
        assert_eq!(numbers("0-2,5"), Some(vec![0, 1, 2, 5]));
        assert_eq!(numbers(""), None);
    }

    #[test]
    fn of_a_sleeper() {
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        let used = time_used_asleep(sleeper.id()).unwrap();
        assert!(used > Duration::ZERO && used == time_used_asleep(sleeper.id()).unwrap());
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }

    #[test]
    fn of_this_process() {
        let this = std::process::id();
        let before = time_used(this).unwrap();
        let sum = (0..20_000_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n));
        assert!(std::hint::black_box(sum) < u64::MAX && time_used(this).unwrap() >= before);
        assert!(resident(this).unwrap() > 100_000);
    }
}
