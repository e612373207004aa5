//! The bar that shows a download, once there is one.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use inference::Progress;

/// The bar.
pub(crate) struct Download {
    name: String,
    bar: ProgressBar,
}

impl Download {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            bar: ProgressBar::hidden(),
        }
    }

    pub(crate) fn show(&self, progress: Progress<'_>) {
        let bar = &self.bar;
        if bar.length() != Some(progress.total) {
            bar.set_length(progress.total);
            let style = ProgressStyle::with_template(
                "{msg} {bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            if std::io::stderr().is_terminal() {
                bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            }
        }
        bar.set_message(format!("{} from {}", self.name, progress.source));
        bar.set_position(progress.done);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
