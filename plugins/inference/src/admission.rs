//! Counts what is on its way through the port, and refuses what would be too much.

use crate::{
    options::PortOptions,
    request::Refused,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// What is on its way. Whoever sends and whoever receives only touch counters: nobody waits.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    requests: AtomicUsize,
    bytes: AtomicUsize,
    tokens: AtomicU64,
}

/// What one request takes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) bytes: usize,
    pub(crate) tokens: u64,
}

impl Admission {
    /// Counts a request, or refuses it.
    pub(crate) fn admit(&self, size: Size, options: &PortOptions) -> Result<(), Refused> {
        if size.bytes > options.queue_bytes {
            return Err(Refused::TooLarge {
                bytes: size.bytes,
                most: options.queue_bytes,
            });
        }
        if size.tokens > options.queue_tokens {
            return Err(Refused::TooLong {
                tokens: size.tokens,
                most: options.queue_tokens,
            });
        }
        // Counted first and taken back if it is too much, so that senders side by side never
        // pass the limits together.
        let requests = self.requests.fetch_add(1, Ordering::AcqRel);
        let bytes = self.bytes.fetch_add(size.bytes, Ordering::AcqRel);
        let tokens = self.tokens.fetch_add(size.tokens, Ordering::AcqRel);
        if requests < options.queue_len
            && bytes + size.bytes <= options.queue_bytes
            && tokens + size.tokens <= options.queue_tokens
        {
            return Ok(());
        }
        self.let_go(size);
        Err(Refused::QueueFull {
            requests,
            bytes,
            tokens,
        })
    }

    /// Puts the counted tokens of a request in the place of those that were guessed.
    pub(crate) fn correct(&self, guessed: u64, counted: u64) {
        if counted >= guessed {
            self.tokens.fetch_add(counted - guessed, Ordering::AcqRel);
        } else {
            self.tokens.fetch_sub(guessed - counted, Ordering::AcqRel);
        }
    }

    /// Counts a request no more.
    pub(crate) fn let_go(&self, size: Size) {
        self.requests.fetch_sub(1, Ordering::AcqRel);
        self.bytes.fetch_sub(size.bytes, Ordering::AcqRel);
        self.tokens.fetch_sub(size.tokens, Ordering::AcqRel);
    }

    pub(crate) fn n_requests(&self) -> usize {
        self.requests.load(Ordering::Acquire)
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    pub(crate) fn n_tokens(&self) -> u64 {
        self.tokens.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_refuses_and_nothing_stays_counted() {
        let options = PortOptions {
            queue_len: 3,
            queue_bytes: 100,
            queue_tokens: 50,
            ..PortOptions::default()
        };
        let admission = Admission::default();
        let size = |bytes, tokens| Size { bytes, tokens };
        assert_eq!(admission.admit(size(10, 20), &options), Ok(()));
        admission.correct(20, 30);
        for (refused, expected) in [
            (
                size(101, 1),
                Refused::TooLarge {
                    bytes: 101,
                    most: 100,
                },
            ),
            (
                size(1, 51),
                Refused::TooLong {
                    tokens: 51,
                    most: 50,
                },
            ),
            (
                size(91, 1),
                Refused::QueueFull {
                    requests: 1,
                    bytes: 10,
                    tokens: 30,
                },
            ),
            (
                size(1, 21),
                Refused::QueueFull {
                    requests: 1,
                    bytes: 10,
                    tokens: 30,
                },
            ),
        ] {
            assert_eq!(admission.admit(refused, &options), Err(expected));
        }
        assert_eq!(admission.admit(size(90, 20), &options), Ok(()));
        assert_eq!(admission.admit(size(0, 0), &options), Ok(()));
        assert!(admission.admit(size(0, 0), &options).is_err());
        for taken in [size(10, 30), size(90, 20), size(0, 0)] {
            admission.let_go(taken);
        }
        assert_eq!(
            (
                admission.n_requests(),
                admission.n_bytes(),
                admission.n_tokens()
            ),
            (0, 0, 0)
        );
    }
}
