//! `diorama replay`: tells what happened in an earlier run, out of its journal alone.

use record::{Live, verify};
use serde_json::json;
use sim::SimTime;

use crate::{cli::ReplayArgs, error::AppError, report};

/// Folds the journal; with `--verify`, checks it against itself too.
///
/// # Errors
/// If the journal cannot be read or is not as it was written.
pub(crate) fn replay(args: &ReplayArgs) -> Result<(), AppError> {
    let (run, live, verdict) = if args.verify {
        let verified = verify(&args.journal)?;
        let hash = verified.end.blake3.clone();
        (verified.run, verified.live, Some(hash))
    } else {
        let run = record::Journal::read(&args.journal)?.run().clone();
        (run, Live::at(&args.journal, SimTime::MAX)?, None)
    };
    if args.json {
        let value = json!({
            "run": run,
            "verified": args.verify,
            "blake3": verdict,
            "minutes": live.minutes,
            "totals": live.totals(),
        });
        report::print(&format!("{value:#}\n"));
        return Ok(());
    }
    let mut text = String::new();
    if !live.minutes.is_empty() {
        text.push_str(&live.minutes.to_markdown(&run, verdict.as_deref()));
        text.push('\n');
    }
    text.push_str(&report::totals(&live.totals()));
    if let Some(hash) = verdict {
        text.push_str(&format!(
            "\nverified: the journal is whole, its totals follow from its facts and its schedule is \
             feasible\njournal hash {hash}\n"
        ));
    }
    report::print(&text);
    Ok(())
}
