//! A tiny HTTP server on this machine that misbehaves as it is told, and remembers what it was asked.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle, sleep},
    time::Duration,
};

/// What the server does next.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Does nothing for so many milliseconds.
    Pause(u64),
    /// Waits until as many others wait, too.
    Meet(Arc<Barrier>),
    /// Says nothing more, and waits until the client hangs up.
    Hold,
    /// Ends its side of the connection, and waits until the client hangs up.
    HalfClose,
    /// Hangs up.
    Close,
    /// Hangs up without having read what was sent, which resets the connection.
    Reset,
    /// Sends `x` for ever.
    Flood,
}

/// What it does with one request.
pub(crate) type Turn = Vec<Act>;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The server. Ends when dropped.
pub(crate) struct Unruly {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    // One for each request; the last goes for all that follow.
    turns: Vec<Turn>,
    asked: Mutex<Vec<Asked>>,
    hung_up: AtomicBool,
    closing: AtomicBool,
}

impl Unruly {
    pub(crate) fn new(turns: Vec<Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            turns,
            asked: Mutex::default(),
            hung_up: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let serve = move || {
            let mut talks = Vec::new();
            for stream in listener.incoming() {
                if serving.closing.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&serving);
                // A client that hangs up ends the talk; that is its right.
                let talk = move || talk(stream.unwrap(), &shared).unwrap_or_default();
                talks.push(Builder::new().spawn(talk).unwrap());
            }
            for talk in talks {
                talk.join().unwrap();
            }
        };
        Self {
            address,
            shared,
            thread: Some(Builder::new().spawn(serve).unwrap()),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Whether a client hung up while the server held on.
    pub(crate) fn was_hung_up_on(&self) -> bool {
        self.shared.hung_up.load(Ordering::SeqCst)
    }
}

impl Drop for Unruly {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn talk(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let Some(turn) = listen(&mut reader, shared)? else {
            return Ok(());
        };
        for act in turn {
            match act {
                Act::Send(bytes) => stream.write_all(&bytes)?,
                Act::Pause(millis) => sleep(Duration::from_millis(millis)),
                Act::Meet(barrier) => drop(barrier.wait()),
                Act::Hold => return hold(&mut reader, shared),
                Act::HalfClose => {
                    stream.shutdown(Shutdown::Write)?;
                    return hold(&mut reader, shared);
                }
                Act::Close => return stream.shutdown(Shutdown::Both),
                Act::Reset => return Ok(()),
                Act::Flood => loop {
                    stream.write_all(&[b'x'; 4096])?;
                },
            }
        }
    }
}

/// Reads a request, and says what to do with it.
fn listen(reader: &mut BufReader<TcpStream>, shared: &Shared) -> std::io::Result<Option<Turn>> {
    let mut head = Vec::new();
    // What begins with 22 wants to agree on encryption.
    while !head.ends_with(b"\r\n\r\n") && head.first() != Some(&22) {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let nth = {
        let mut asked = shared.asked.lock().unwrap();
        asked.push(Asked {
            head: head.clone(),
            body: Vec::new(),
        });
        asked.len() - 1
    };
    let turn = shared.turns[nth.min(shared.turns.len() - 1)].clone();
    if !turn.iter().any(|act| matches!(act, Act::Reset)) {
        let lower = head.to_ascii_lowercase();
        let length = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        reader.read_exact(&mut body)?;
        shared.asked.lock().unwrap()[nth].body = body;
    }
    Ok(Some(turn))
}

fn hold(reader: &mut BufReader<TcpStream>, shared: &Shared) -> std::io::Result<()> {
    let read = reader.read(&mut [0]);
    shared.hung_up.store(true, Ordering::SeqCst);
    read.map(drop)
}

/// An answer whose length is said.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let headers = format!("{headers}Content-Length: {}\r\n", body.len());
    Act::Send([head(status, &headers).as_slice(), body].concat())
}

/// The start of an answer.
pub(crate) fn head(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}\r\n").into_bytes()
}

/// An answer in chunks of `n` bytes, each sent on its own.
pub(crate) fn chunked(content_type: &str, body: &[u8], n: usize) -> Turn {
    let headers = format!("Content-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n");
    let mut turn = vec![Act::Send(head("200 OK", &headers))];
    for piece in body.chunks(n) {
        let size = format!("{:x}\r\n", piece.len());
        turn.push(Act::Send([size.as_bytes(), piece, b"\r\n"].concat()));
    }
    turn.push(Act::Send(b"0\r\n\r\n".to_vec()));
    turn
}
