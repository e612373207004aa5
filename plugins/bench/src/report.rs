//! Writes one HTML page that says what came of the cells; it needs nothing but a browser.
//!
//! All numbers are computed here and embedded as JSON; the page's script only draws them. Names are
//! never written as markup: the script sets them as text.

mod cells;
mod drawings;
mod numbers;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use self::{cells::Cells, drawings::Drawing, numbers::Numbers};
use crate::{best::BestKnown, metric::Metric, store::Record};

const PAGE: &str = include_str!("report/page.html");
const STYLE: &str = include_str!("report/page.css");
/// What the scripts of all pages use.
pub(crate) const BASE_SCRIPT: &str = include_str!("report/page.js");
const SCRIPTS: [&str; 4] = [
    BASE_SCRIPT,
    include_str!("report/tables.js"),
    include_str!("report/charts.js"),
    include_str!("report/gantt.js"),
];

/// What the page's script reads.
#[derive(Serialize)]
struct Page<'a> {
    #[serde(flatten)]
    numbers: Numbers<'a>,
    drawings: Vec<Drawing<'a>>,
}

/// Writes the report of `records` to the file `path`.
///
/// `main` is the metric that the page leads with; `best` holds best known values of it. If it is not
/// given, it is the makespan if an input is an instance or has a best known value, and mean latency
/// otherwise; readers can choose another. If a cell was run more than once (by several builds), the
/// last counts.
///
/// # Errors
/// If the file cannot be written.
pub fn write_report(
    path: &Path,
    title: &str,
    records: &[Record],
    best: &BestKnown,
    main: Option<Metric>,
) -> io::Result<()> {
    let cells = Cells::of(records);
    let page = Page {
        drawings: drawings::of(&cells),
        numbers: Numbers::of(&cells, best, main),
    };
    let data = serde_json::to_string(&page)?;
    write_page(path, &html(PAGE, title, &data, &SCRIPTS))
}

/// Writes a page that [`html`] made.
pub(crate) fn write_page(path: &Path, html: &str) -> io::Result<()> {
    // A report that is being read is replaced at once, or not at all.
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    fs::write(&part, html)?;
    fs::rename(&part, path)
}

/// A page that looks as all do: `page` with its places filled.
pub(crate) fn html(page: &str, title: &str, data: &str, scripts: &[&str]) -> String {
    let script = scripts.concat();
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let parts = [
        ("{title}", title.as_str()),
        ("{style}", STYLE),
        ("{heading}", title.as_str()),
        ("{data}", &script_safe(data)),
        ("{script}", script.as_str()),
    ];
    let mut html = String::with_capacity(page.len() + data.len() + script.len() + STYLE.len());
    let mut rest = page;
    // From front to back, so that nothing is looked for in what was put in.
    for (place, text) in parts {
        if let Some((before, after)) = rest.split_once(place) {
            html.push_str(before);
            html.push_str(text);
            rest = after;
        }
    }
    html.push_str(rest);
    html
}

/// JSON that no parser of HTML takes for a tag or a comment.
fn script_safe(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_put_in_is_markup() {
        let data = "{\"x\":\"</script><!-- {script}\"}";
        let page = html(PAGE, "a <b> & {data}", data, &SCRIPTS);
        assert!(page.contains("<title>a &lt;b> &amp; {data}</title>"));
        assert!(page.contains(r#"{"x":"\u003c/script>\u003c!-- {script}"}"#));
        for place in ["{style}", "{heading}"] {
            assert!(!page.contains(place), "{place} is left");
        }
    }

    #[test]
    fn the_page_asks_for_nothing_from_outside() {
        let page = html(PAGE, "title", "{}", &SCRIPTS);
        assert!(page.contains("default-src 'none'"));
        for sign in ["src=", "href=", "url(", "@import", "fetch("] {
            assert!(!page.contains(sign), "{sign}");
        }
    }
}
