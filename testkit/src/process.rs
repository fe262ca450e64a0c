//! Starts server and client programs and watches what they print.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What a server prints when it is ready; the address follows.
const READY: &str = "listening on ";
/// How long a server may take to start, however busy the machine is.
const START_UP: Duration = Duration::from_secs(30);
/// How long a program may take to end once it was asked to.
const SHUT_DOWN: Duration = Duration::from_secs(10);

/// A UDP port of `ip` that nobody uses at this moment. Programs that take port 0 are safer: somebody else may take
/// this one before the program does.
pub fn free_udp_port(ip: IpAddr) -> io::Result<u16> {
    Ok(UdpSocket::bind((ip, 0))?.local_addr()?.port())
}

/// What a program has printed to one of its outputs so far.
#[derive(Default)]
struct Printed {
    state: Mutex<(String, bool)>, // and whether that was all
    changed: Condvar,
}

impl Printed {
    fn text(&self) -> String {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Reads until the end. Lossy: a test wants to see what a program printed, valid or not.
    fn read(self: Arc<Self>, from: impl Read) {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        loop {
            line.clear();
            let more = matches!(from.read_until(b'\n', &mut line), Ok(1..));
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.0.push_str(&String::from_utf8_lossy(&line));
            state.1 = !more;
            self.changed.notify_all();
            if !more {
                return;
            }
        }
    }

    /// Waits until `wanted` gives something for the whole lines so far.
    fn wait_for<T>(&self, wanted: impl Fn(&str) -> Option<T>, limit: Duration) -> Option<T> {
        let end = Instant::now() + limit;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let whole = if state.1 { state.0.len() } else { state.0.rfind('\n').map_or(0, |at| at + 1) };
            if let Some(found) = wanted(&state.0[..whole]) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if state.1 || left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A program that runs until it ends or this is dropped, which kills it.
pub struct Program {
    child: Child,
    out: Arc<Printed>,
    err: Arc<Printed>,
    readers: Vec<JoinHandle<()>>,
}

impl Program {
    /// Starts it, with nothing to read on its standard input.
    pub fn start(command: &mut Command) -> io::Result<Program> {
        Self::spawn(command.stdin(Stdio::null()))
    }

    /// Starts it, with a standard input that [`Program::say`] writes to.
    pub fn start_with_input(command: &mut Command) -> io::Result<Program> {
        Self::spawn(command.stdin(Stdio::piped()))
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        let input = self.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(input, "{line}")
    }

    fn spawn(command: &mut Command) -> io::Result<Program> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", command.get_program().display()))
        })?;
        let (out, err) = (Arc::<Printed>::default(), Arc::<Printed>::default());
        let mut readers = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            let out = out.clone();
            readers.push(thread::spawn(move || out.read(pipe)));
        }
        if let Some(pipe) = child.stderr.take() {
            let err = err.clone();
            readers.push(thread::spawn(move || err.read(pipe)));
        }
        Ok(Program { child, out, err, readers })
    }

    /// What it has printed to standard output so far.
    pub fn stdout(&self) -> String {
        self.out.text()
    }

    /// What it has printed to standard error so far.
    pub fn stderr(&self) -> String {
        self.err.text()
    }

    /// Waits for a line on standard output for which `wanted` gives something; `None` when the program ends or
    /// `limit` passes without one.
    pub fn wait_for_line<T>(&self, wanted: impl Fn(&str) -> Option<T>, limit: Duration) -> Option<T> {
        self.out.wait_for(|printed| printed.lines().find_map(&wanted), limit)
    }

    /// Waits until `wanted` gives something for all that it has printed to standard output.
    pub fn wait_for_output<T>(&self, wanted: impl Fn(&str) -> Option<T>, limit: Duration) -> Option<T> {
        self.out.wait_for(wanted, limit)
    }

    /// Waits until standard output has so many lines that contain `text`.
    pub fn wait_for_count(&self, text: &str, count: usize, limit: Duration) -> bool {
        let enough = |printed: &str| printed.lines().filter(|line| line.contains(text)).count() >= count;
        self.out.wait_for(|printed| enough(printed).then_some(()), limit).is_some()
    }

    /// Waits for a line on standard output that contains `text`.
    pub fn wait_for_text(&self, text: &str, limit: Duration) -> bool {
        self.wait_for_count(text, 1, limit)
    }

    /// Waits for a line on standard error that contains `text`.
    pub fn wait_for_error_text(&self, text: &str, limit: Duration) -> bool {
        self.err.wait_for(|printed| printed.contains(text).then_some(()), limit).is_some()
    }

    /// Sends it a signal, by its name ("TERM", "HUP").
    pub fn signal(&self, name: &str) -> io::Result<()> {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("kill failed")) }
    }

    /// Waits for it to end; an error when it runs for longer than `limit`. All that it printed is there then.
    pub fn wait(&mut self, limit: Duration) -> io::Result<ExitStatus> {
        let end = Instant::now() + limit;
        let mut pause = Duration::from_micros(200);
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() >= end {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        Ok(status)
    }

    /// Asks it to end with SIGTERM and waits until it has.
    pub fn terminate(&mut self) -> io::Result<ExitStatus> {
        self.signal("TERM")?;
        self.wait(SHUT_DOWN)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill(); // which fails when it has ended already
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

/// A server program that has said where it listens.
pub struct Server {
    /// The program.
    pub program: Program,
    /// What it printed after `listening on`.
    pub addr: SocketAddr,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub fn start(command: &mut Command) -> io::Result<Server> {
        let program = Program::start(command)?;
        let ready = |line: &str| line.strip_prefix(READY).and_then(|addr| addr.trim().parse().ok());
        match program.wait_for_line(ready, START_UP) {
            Some(addr) => Ok(Server { program, addr }),
            None => {
                let name = command.get_program().display();
                Err(io::Error::other(format!("{name} does not listen: {}", program.stderr().trim())))
            }
        }
    }
}

/// What a program that has ended leaves.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed to standard output.
    pub stdout: String,
    /// What it printed to standard error.
    pub stderr: String,
}

/// A system call that waits: it begins again where the process was stopped meanwhile, as a debugger or a machine that is
/// put to sleep does.
pub fn unbroken<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Runs a program to its end; an error when it takes longer than `limit`.
pub fn run(command: &mut Command, limit: Duration) -> io::Result<Finished> {
    let mut program = Program::start(command)?;
    let status = program.wait(limit).map_err(|error| {
        io::Error::new(error.kind(), format!("{}: {error}", command.get_program().display()))
    })?;
    Ok(Finished { code: status.code(), stdout: program.stdout(), stderr: program.stderr() })
}

/// Runs a tool that has to succeed, and gives its standard output.
pub fn tool<S: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = S>) -> io::Result<Vec<u8>> {
    let output = Command::new(name)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(io::Error::other(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }
}
