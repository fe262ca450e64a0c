//! As much of HTTP/1.1 as a monitor needs: GET and HEAD, one request a connection. Whoever connects takes little room and little time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The most connections at once; more are closed.
const CONNECTIONS_MAX: usize = 8;
/// The longest head of a request, in bytes.
const HEAD_MAX: usize = 4096;
/// How long a request may take to come, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is answered.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// What the body is.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Answer {
    fn short(status: u16) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{}\n", reason(status)) }
    }
}

/// Says what is at a path.
pub type Site = Arc<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// Serves a socket for the life of the process.
pub fn serve(listener: TcpListener, site: Site) -> io::Result<()> {
    let connections = Arc::new(AtomicUsize::new(0));
    let accept = move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                std::thread::sleep(Duration::from_millis(100)); // out of descriptors, perhaps
                continue;
            };
            if connections.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
                connections.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (site, count) = (site.clone(), connections.clone());
            let spawned = std::thread::Builder::new().name("http-connection".to_owned()).spawn(move || {
                let _ = answer(stream, &site);
                count.fetch_sub(1, Ordering::Relaxed);
            });
            if spawned.is_err() {
                connections.fetch_sub(1, Ordering::Relaxed);
            }
        }
    };
    std::thread::Builder::new().name("http".to_owned()).spawn(accept).map(|_| ())
}

/// Binds a socket for [`serve`].
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
}

fn answer(mut stream: TcpStream, site: &Site) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some(head) = read_head(&mut stream)? else {
        return send(&mut stream, &Answer::short(431), true);
    };
    let line = head.split(|byte| *byte == b'\r' || *byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default();
    let words: Vec<_> = line.split(' ').collect();
    let (answer, has_body) = match *words {
        [method @ ("GET" | "HEAD"), target, version] if version.starts_with("HTTP/1.") => {
            let path = target.split('?').next().unwrap_or_default();
            (site(path).unwrap_or_else(|| Answer::short(404)), method == "GET")
        }
        [_, _, version] if version.starts_with("HTTP/1.") => (Answer::short(405), true),
        _ => (Answer::short(400), true),
    };
    send(&mut stream, &answer, has_body)
}

/// All of a request up to the empty line; `None` where it is too long.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let end = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let got = stream.read(&mut bytes)?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(bytes.get(..got).unwrap_or_default());
        if head.windows(4).any(|window| window == b"\r\n\r\n")
            || head.windows(2).any(|window| window == b"\n\n")
        {
            return Ok(Some(head));
        }
        if head.len() > HEAD_MAX {
            return Ok(None);
        }
    }
}

fn send(stream: &mut TcpStream, answer: &Answer, has_body: bool) -> io::Result<()> {
    let Answer { status, content_type, body } = answer;
    let allow = if *status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
    let mut text = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{allow}\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n",
        reason(*status),
        body.len()
    );
    if has_body {
        text.push_str(body);
    }
    stream.write_all(text.as_bytes())
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> SocketAddr {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let page = |path: &str| {
            (path == "/page").then(|| Answer { status: 200, content_type: "text/plain", body: "text".into() })
        };
        serve(listener, Arc::new(page)).unwrap();
        address
    }

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let _ = stream.write_all(request);
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    }

    #[test]
    fn pages_are_got() {
        let address = start();
        let page = ask(address, b"GET /page?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(
            page.starts_with("HTTP/1.1 200 OK\r\n")
                && page.ends_with(
                    "\r\nContent-Length: 4\r\nCache-Control: no-store\r\nConnection: close\r\n\r\ntext"
                ),
            "{page}"
        );
        let head = ask(address, b"HEAD /page HTTP/1.0\r\n\r\n");
        assert!(head.contains("Content-Length: 4\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(ask(address, b"GET /other HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
        let refused = ask(address, b"POST /page HTTP/1.1\r\n\r\n");
        assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("Allow: GET, HEAD\r\n"));
        for wrong in
            [&b"\r\n\r\n"[..], b"GET /page\r\n\r\n", b"GET  /page HTTP/1.1\r\n\r\n", b"\xff\xff\r\n\r\n"]
        {
            assert!(ask(address, wrong).starts_with("HTTP/1.1 400 "), "{wrong:?}");
        }
    }

    #[test]
    fn who_says_too_much_or_nothing_takes_no_room_from_others() {
        let address = start();
        let long = [b"GET /page HTTP/1.1\r\nX: ".as_slice(), &[b'x'; 2 * HEAD_MAX]].concat();
        let refused = ask(address, &long);
        assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 431 "), "{refused}"); // or a reset: there was more to read
        let _silent: Vec<_> =
            (0..3 * CONNECTIONS_MAX).map(|_| TcpStream::connect(address).unwrap()).collect();
        let served = (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            ask(address, b"GET /page HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 ")
        });
        assert!(served, "the silent ones are still there, and have been given up");
    }
}
