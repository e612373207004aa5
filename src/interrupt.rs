//! Ctrl-C: the first one ends the run in order, the second one at once.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

const INTERRUPTED: i32 = 130;

static INTERRUPT: AtomicBool = AtomicBool::new(false);
static HANDLER: OnceLock<()> = OnceLock::new();

/// Catches Ctrl-C and termination from now on and returns the flag that they set.
pub(crate) fn catch() -> &'static AtomicBool {
    HANDLER.get_or_init(|| {
        let caught = ctrlc::set_handler(|| {
            if INTERRUPT.swap(true, Ordering::SeqCst) {
                std::process::exit(INTERRUPTED);
            }
        });
        if let Err(error) = caught {
            bevy::log::warn!("Ctrl-C will end the program at once: {error}");
        }
    });
    &INTERRUPT
}

/// Whether Ctrl-C was pressed.
pub(crate) fn caught() -> bool {
    INTERRUPT.load(Ordering::SeqCst)
}
