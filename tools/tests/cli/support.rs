//! Running the program and looking at what it leaves.

use serde_json::Value;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The program.
pub const LSCOAP: &str = env!("CARGO_BIN_EXE_lscoap");

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit status.
    pub status: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ended {
    /// Of a process that has ended.
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What was printed by a run without fault.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// What a run complained of that could not do its work, without `lscoap: `.
    #[track_caller]
    pub fn failed(self) -> String {
        assert_eq!((self.status, self.out.as_str()), (Some(1), ""), "{self:?}");
        self.err.strip_prefix("lscoap: ").expect("whose complaint it is").to_owned()
    }

    /// What a run complained of whose command line makes no sense.
    #[track_caller]
    pub fn usage(self) -> String {
        assert_eq!((self.status, self.out.as_str()), (Some(2), ""), "{self:?}");
        self.err.strip_prefix("lscoap: ").expect("whose complaint it is").to_owned()
    }
}

/// A directory to run in.
pub struct Dir(TempDir);

impl Dir {
    /// An empty one.
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// One with the key files of the protocol's examples, `device.key` and `server.key`.
    pub fn with_keys() -> Self {
        let dir = Self::new();
        for (name, key) in [("device.key", "sk_C"), ("server.key", "sk_S")] {
            dir.write(name, &format!("{}\n", vector(&["identity", key])));
            dir.set_mode(name, 0o600);
        }
        dir
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program here.
    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(LSCOAP).args(args).output().unwrap())
    }

    /// Runs the program here with something on standard input.
    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(LSCOAP);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may have found a fault and gone before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input);
        Ended::of(child.wait_with_output().unwrap())
    }

    /// Runs the program here where every write to a file fails, as on a full disk.
    pub fn run_on_full_disk(&self, args: &[&str]) -> Ended {
        let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
        Ended::of(self.command("sh").args(["-c", script, "sh", LSCOAP]).args(args).output().unwrap())
    }

    /// A command that will run here.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Makes a file.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A file's text.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A file's mode.
    pub fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    /// Changes a file's mode.
    pub fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// What is in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The protocol's examples.
pub fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// One text of them.
pub fn vector(path: &[&str]) -> String {
    let vectors = vectors();
    let found = path.iter().fold(&vectors, |value, name| &value[*name]);
    found.as_str().unwrap_or_else(|| panic!("no text {path:?}")).to_owned()
}

/// The enrolment string of an id with the key of one of 254 secrets.
pub fn string(id: &[u8], secret: u8) -> String {
    let key = lscoap::enrolment::public_key(&[secret; 32]).unwrap();
    lscoap::enrolment::format_device(id, &key).unwrap().as_str().to_owned()
}
