//! A tiny model hub on this machine, which can misbehave in every way a real one does.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{Builder, JoinHandle},
};

use inference::FileHash;
use sha2::{Digest as _, Sha256};

/// What the hub does when it is asked for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Sends it.
    Good,
    /// Sends it after a redirect.
    Redirected,
    /// Says its length, sends half of it and hangs up.
    HangsUp,
    /// Sends half of it as if it were the whole.
    Short,
    /// Sends it with its last byte changed.
    Tampered,
    /// Says that it has none.
    NotFound,
    /// Says its length, sends half of it and then nothing more.
    Stalls,
    /// Takes the question and says nothing.
    Silent,
}

/// The hub. Ends when dropped.
pub(crate) struct Hub {
    address: SocketAddr,
    asked: Arc<AtomicU32>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Hub {
    pub(crate) fn new(files: BTreeMap<String, Vec<u8>>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, closing) = (
            Arc::new(AtomicU32::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (counter, ending) = (Arc::clone(&asked), Arc::clone(&closing));
        let serve = move || {
            let mut clients = Vec::new();
            for stream in listener.incoming() {
                if ending.load(Ordering::SeqCst) {
                    break;
                }
                let (files, counter) = (files.clone(), Arc::clone(&counter));
                let client = move || {
                    // A client that hangs up ends the talk; that is its right.
                    talk(stream.unwrap(), &files, manner, &counter).unwrap_or_default();
                };
                clients.push(Builder::new().spawn(client).unwrap());
            }
            for client in clients {
                client.join().unwrap();
            }
        };
        let thread = Some(Builder::new().spawn(serve).unwrap());
        Self {
            address,
            asked,
            closing,
            thread,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many files it was asked for.
    pub(crate) fn n_asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn talk(
    mut stream: TcpStream,
    files: &BTreeMap<String, Vec<u8>>,
    manner: Manner,
    asked: &AtomicU32,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        asked.fetch_add(1, Ordering::SeqCst);
        let path = first.split(' ').nth(1).unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let moved = path.starts_with("/moved/");
        let asked_right = moved || path == format!("/owner/repo/resolve/abc123/{name}");
        match files.get(name) {
            Some(_) if manner == Manner::Redirected && !moved => {
                let length = "Content-Length: 0";
                write!(
                    stream,
                    "HTTP/1.1 302 Found\r\nLocation: /moved/{name}\r\n{length}\r\n\r\n"
                )?;
            }
            Some(file) if asked_right && manner != Manner::NotFound => {
                send(&mut stream, file, manner)?;
                if matches!(manner, Manner::Stalls | Manner::Silent) {
                    // Until the client gives up.
                    return reader.read(&mut [0]).map(drop);
                }
            }
            _ => write!(
                stream,
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            )?,
        }
    }
}

fn send(stream: &mut TcpStream, file: &[u8], manner: Manner) -> std::io::Result<()> {
    let half = &file[..file.len() / 2];
    let mut changed = file.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    let (length, body) = match manner {
        Manner::HangsUp | Manner::Stalls => (file.len(), half),
        Manner::Short => (half.len(), half),
        Manner::Tampered => (file.len(), changed.as_slice()),
        Manner::Silent | Manner::NotFound => return Ok(()),
        Manner::Good | Manner::Redirected => (file.len(), file),
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)?;
    if manner == Manner::HangsUp {
        stream.shutdown(std::net::Shutdown::Both)
    } else {
        Ok(())
    }
}

pub(crate) fn hash(bytes: &[u8]) -> FileHash {
    FileHash(Sha256::digest(bytes).into())
}
