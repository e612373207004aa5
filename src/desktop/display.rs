//! Finds out whether a window can open before anything is loaded for it.

use std::{
    io,
    net::TcpStream,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixStream},
    },
};

use crate::{doctor, error::AppError};

/// The port of X display 0 over TCP.
const X_PORT: u16 = 6000;

/// Makes sure that there is a display and that it answers.
///
/// # Errors
/// [`AppError::NoDisplay`] with the reason.
pub(super) fn check() -> Result<(), AppError> {
    let Some(display) = doctor::display() else {
        return Err(AppError::NoDisplay("DISPLAY is not set".to_owned()));
    };
    let Some(name) = display.strip_prefix("DISPLAY=") else {
        return Ok(());
    };
    reach(name).map_err(|error| AppError::NoDisplay(format!("{display}: {error}")))
}

/// Connects to the X server as clients do: `[host]:number[.screen]`.
fn reach(display: &str) -> io::Result<()> {
    let wrong = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "not the name of a display, such as :0",
        )
    };
    let (host, number) = display.rsplit_once(':').ok_or_else(wrong)?;
    let number: u16 = number
        .split('.')
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|_| wrong())?;
    if host.is_empty() || host == "unix" {
        let path = format!("/tmp/.X11-unix/X{number}");
        let socket = UnixStream::connect(&path);
        return socket
            .or_else(|_| UnixStream::connect_addr(&SocketAddr::from_abstract_name(path)?))
            .map(drop);
    }
    let port = X_PORT.checked_add(number).ok_or_else(wrong)?;
    TcpStream::connect((host, port)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_that_are_not_there_are_refused() {
        for display in ["", "0", ":", ":x", ":70000", ":64999", "localhost:59000"] {
            assert!(reach(display).is_err(), "{display:?}");
        }
    }
}
