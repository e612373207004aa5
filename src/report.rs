//! Prints what came of a run: minutes, schedule and totals, as text or as JSON.

use std::{fmt::Write as _, io::Write as _};

use comfy_table::{CellAlignment, Table, TableComponent, presets};
use record::Totals;
use serde_json::json;

use crate::{conclude::Conclusion, error::AppError};

/// Writes to standard output; a reader that has gone away is no error.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        bevy::log::error!("cannot write to standard output: {error}");
    }
}

/// The minutes, the totals and where the files are.
pub(crate) fn text(conclusion: &Conclusion) -> String {
    let mut text = String::new();
    if let Some(minutes) = &conclusion.minutes {
        text.push_str(&minutes.to_markdown(&conclusion.run, Some(&conclusion.journal.hash)));
        text.push('\n');
    }
    text.push_str(&totals(&conclusion.totals));
    text.push('\n');
    let mut line = |name: &str, path: &std::path::Path| {
        writeln!(text, "{name:<13}{}", path.display()).expect("text takes all");
    };
    line("journal", &conclusion.journal.path);
    if conclusion.minutes.is_some() {
        line("minutes", &conclusion.results.minutes_md());
        line("", &conclusion.results.minutes_json());
    }
    text.push_str(&format!("journal hash {}\n", conclusion.journal.hash));
    if conclusion.interventions > 0 {
        text.push_str(&format!(
            "note: replicas were changed by hand {} times; this run cannot be repeated\n",
            conclusion.interventions
        ));
    }
    text
}

/// The same for programs.
pub(crate) fn json(conclusion: &Conclusion) -> String {
    let minutes = conclusion.minutes.is_some();
    let value = json!({
        "how": conclusion.how,
        "run": conclusion.run,
        "journal": { "path": conclusion.journal.path, "facts": conclusion.journal.facts, "blake3": conclusion.journal.hash },
        "minutes_md": minutes.then(|| conclusion.results.minutes_md()),
        "minutes_json": minutes.then(|| conclusion.results.minutes_json()),
        "minutes": conclusion.minutes,
        "interventions": conclusion.interventions,
        "totals": conclusion.totals,
    });
    format!("{value:#}\n")
}

/// The closing tables: objectives, and what each resource did.
pub(crate) fn totals(totals: &Totals) -> String {
    let mut objectives = table();
    for row in totals.table_rows() {
        objectives.add_row([row.label, row.value.as_str()]);
    }
    right_align(&mut objectives);
    let mut resources = table();
    resources.set_header(Totals::RESOURCE_HEAD);
    for row in totals.resource_rows() {
        resources.add_row(row);
    }
    right_align(&mut resources);
    format!("{objectives}\n\n{resources}\n")
}

/// A plain table with a head.
pub(crate) fn listing<const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let mut listing = table();
    listing.set_header(head);
    for row in rows {
        listing.add_row(row);
    }
    format!("{listing}\n")
}

/// A plain table with a head and as many columns as that has; all but the first two are numbers.
pub(crate) fn sheet(head: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut sheet = table();
    sheet.set_header(head);
    for row in rows {
        sheet.add_row(row);
    }
    for column in sheet.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{sheet}\n")
}

/// Says on standard error what is good to know.
pub(crate) fn note(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Says on standard error why a command failed.
pub(crate) fn complain(error: &AppError) {
    // Nobody is left to tell if this fails too.
    drop(writeln!(std::io::stderr().lock(), "diorama: {error}"));
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    // Lines around and below the head, none between rows.
    table.remove_style(TableComponent::HorizontalLines);
    table.remove_style(TableComponent::MiddleIntersections);
    table
}

fn right_align(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
