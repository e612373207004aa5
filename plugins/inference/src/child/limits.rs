//! The limits that a child gives itself before it reads anything.

use super::Errand;

/// Sets all limits that can be had, and says in words which cannot.
#[cfg(target_os = "linux")]
pub(super) fn set(errand: &Errand) -> Vec<String> {
    let mut lacking = Vec::new();
    if let Err(error) = linux::end_with(errand.parent) {
        lacking.push(format!("it may outlive its parent: {error}"));
    }
    lacking.extend(linux::set_resources(errand));
    lacking.extend(linux::enclose(&errand.files));
    lacking
}

/// Says that there are no limits here but patience.
#[cfg(not(target_os = "linux"))]
pub(super) fn set(_: &Errand) -> Vec<String> {
    vec![String::from(
        "no limits of memory, files and network on this system",
    )]
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        io,
        os::unix::process::parent_id,
        path::{Path, PathBuf},
    };

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
    };
    use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

    use super::Errand;

    /// The newest kernel interface that is asked for; older kernels give what they have.
    const NEWEST: ABI = ABI::V6;

    /// What tells how many cores there are and how large their caches are: numeric code cuts its work
    /// by it.
    const PROCESSOR: [&str; 2] = ["/sys/devices/system/cpu", "/sys/fs/cgroup"];

    /// Has the kernel end this process when its parent ends.
    pub(super) fn end_with(parent: u32) -> io::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may have ended just before.
        if parent_id() == parent {
            Ok(())
        } else {
            Err(io::Error::other("the parent is gone already"))
        }
    }

    pub(super) fn set_resources(errand: &Errand) -> Vec<String> {
        let limits = [
            ("memory", Resource::Data, Some(errand.memory_bytes)),
            ("open files", Resource::Nofile, Some(errand.open_files)),
            ("bytes written", Resource::Fsize, Some(0)),
            ("core dumps", Resource::Core, Some(0)),
            ("processor time", Resource::Cpu, errand.cpu_secs),
        ];
        let set = |(what, resource, most): (&str, Resource, Option<u64>)| {
            let most = most?;
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            let error = setrlimit(resource, limit).err()?;
            Some(format!("no limit of {what}: {error}"))
        };
        limits.into_iter().filter_map(set).collect()
    }

    /// Takes every right to files, network and other processes but to read these files.
    pub(super) fn enclose(files: &[PathBuf]) -> Option<String> {
        match landlock(files) {
            Ok(RulesetStatus::FullyEnforced) => None,
            Ok(RulesetStatus::PartiallyEnforced) => Some(String::from(
                "this kernel's Landlock is old: not all of network and other processes is shut off",
            )),
            Ok(RulesetStatus::NotEnforced) => Some(String::from(
                "this kernel has no Landlock: files and network are not shut off",
            )),
            Err(error) => Some(format!("files and network are not shut off: {error}")),
        }
    }

    fn landlock(files: &[PathBuf]) -> Result<RulesetStatus, RulesetError> {
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(NEWEST))?
            .handle_access(AccessNet::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?
            .create()?;
        let files = files.iter().map(PathBuf::as_path);
        for file in files.chain(PROCESSOR.map(Path::new)) {
            // What is not there cannot be read anyway; whoever reads it says so.
            let Ok(place) = PathFd::new(file) else {
                continue;
            };
            let access = if file.is_dir() {
                AccessFs::ReadFile | AccessFs::ReadDir
            } else {
                AccessFs::ReadFile.into()
            };
            ruleset = ruleset.add_rule(PathBeneath::new(place, access))?;
        }
        Ok(ruleset.restrict_self()?.ruleset)
    }
}
