//! P-256 certificates for DTLS, made by the `openssl` program when they are needed and gone afterwards. They have the
//! fewest and shortest fields that do the job: what is compared with them should not win by their fat.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::tool;

const DAYS: &str = "2";
const CA_CONFIG: &str = "[req]\ndistinguished_name=name\nx509_extensions=ca\n[name]\n\
                         [ca]\nbasicConstraints=critical,CA:TRUE\n";

/// A certificate and its key, PEM files.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// An authority with the two certificates it has signed.
pub struct Certificates {
    dir: TempDir,
    /// The authority's own.
    pub ca: Certificate,
    /// For a server only.
    pub server: Certificate,
    /// For a client only.
    pub client: Certificate,
}

impl Certificates {
    /// Makes all of them, in a directory that vanishes with this.
    pub fn make() -> io::Result<Certificates> {
        let dir = TempDir::new()?;
        let ca = named(dir.path(), "ca");
        make_key(&ca.key)?;
        // Without a configuration of our own, the system's adds key identifiers.
        let config = dir.path().join("ca.cnf");
        fs::write(&config, CA_CONFIG)?;
        openssl(|c| {
            c.words("req -x509 -new -sha256 -subj /CN=ca -set_serial 1 -days").words(DAYS);
            c.path("-config", &config).path("-key", &ca.key).path("-out", &ca.cert);
        })?;
        let server = issue(dir.path(), "server", &ca)?;
        let client = issue(dir.path(), "client", &ca)?;
        Ok(Certificates { dir, ca, server, client })
    }

    /// Where the files are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

fn named(dir: &Path, name: &str) -> Certificate {
    Certificate { cert: dir.join(format!("{name}.pem")), key: dir.join(format!("{name}.key")) }
}

fn make_key(path: &Path) -> io::Result<()> {
    openssl(|c| {
        c.words("ecparam -name prime256v1 -genkey -noout").path("-out", path);
    })
}

/// `name` is "server" or "client", and that is all the certificate is good for.
fn issue(dir: &Path, name: &str, ca: &Certificate) -> io::Result<Certificate> {
    let made = named(dir, name);
    let request = dir.join(format!("{name}.csr"));
    let extensions = dir.join(format!("{name}.ext"));
    fs::write(&extensions, format!("extendedKeyUsage={name}Auth\n"))?;
    make_key(&made.key)?;
    openssl(|c| {
        c.words("req -new -sha256 -subj").words(&format!("/CN={name}"));
        c.path("-key", &made.key).path("-out", &request);
    })?;
    openssl(|c| {
        c.words("x509 -req -sha256 -set_serial 2 -days").words(DAYS);
        c.path("-in", &request).path("-CA", &ca.cert).path("-CAkey", &ca.key);
        c.path("-extfile", &extensions).path("-out", &made.cert);
    })?;
    Ok(made)
}

/// An argument list, put together.
#[derive(Default)]
struct Arguments(Vec<std::ffi::OsString>);

impl Arguments {
    fn words(&mut self, words: &str) -> &mut Self {
        self.0.extend(words.split(' ').map(Into::into));
        self
    }

    fn path(&mut self, option: &str, path: &Path) -> &mut Self {
        self.0.extend([option.into(), path.into()]);
        self
    }
}

fn openssl(fill: impl FnOnce(&mut Arguments)) -> io::Result<()> {
    let mut arguments = Arguments::default();
    fill(&mut arguments);
    tool("openssl", arguments.0).map(drop)
}
