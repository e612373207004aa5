//! Opens pages in a browser without a window and reads what it shows.

#![allow(dead_code, reason = "each test file uses a part of this one")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// If this is set, a missing browser is a failure.
const NEEDS_BROWSER: &str = "DIORAMA_NEEDS_BROWSER";

/// A new folder that is removed with what is in it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if env::var_os("DIORAMA_KEEP_REPORTS").is_none() {
            drop(fs::remove_dir_all(&self.0));
        }
    }
}

pub(crate) fn browser() -> Option<&'static str> {
    let found = BROWSERS.into_iter().find(|name| {
        let output = Command::new(name).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        assert!(
            env::var_os(NEEDS_BROWSER).is_none(),
            "none of {BROWSERS:?} is installed"
        );
        eprintln!("skipped: none of {BROWSERS:?} is installed");
    }
    found
}

/// The page after its scripts have run.
pub(crate) fn dom(browser: &str, folder: &Folder, page: &Path) -> String {
    let profile = folder.0.join("profile");
    fs::create_dir_all(&profile).unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ])
        .args(["--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync"])
        .args(["--virtual-time-budget=5000", "--window-size=1280,900"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("</body>"),
        "the browser shows nothing: {error}"
    );
    text
}

/// What each cell of a table says, by row.
pub(crate) fn table(dom: &str, id: &str) -> Vec<Vec<String>> {
    let start = dom.find(&format!("<table id=\"{id}\">")).unwrap();
    let end = start + dom[start..].find("</table>").unwrap();
    let row = |row: &str| {
        let cells = row.split("</td>").flat_map(|part| part.split("</th>"));
        let mut cells: Vec<String> = cells.map(text_of).collect();
        // What follows the last cell.
        cells.pop();
        cells
    };
    dom[start..end].split("<tr").skip(1).map(row).collect()
}

fn text_of(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text += part
            .split_once("\">")
            .or(part.split_once('>'))
            .map_or(part, |(_, text)| text);
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

pub(crate) fn assert_is_drawn(dom: &str) {
    let body = &dom[dom.find("<body").unwrap()..];
    let tag = &body[..body.find('>').unwrap()];
    assert!(!tag.contains("data-errors"), "{tag}");
    assert!(tag.contains("data-ready=\"true\""), "{tag}");
}
