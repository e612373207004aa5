//! Scene files on disk: reading one, and listing those of a folder.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::{
    check::Outside,
    error::SceneError,
    hardware::KnownModels,
    parse::{parse, refuse_bytes},
    scene::Scene,
};

/// The most bytes of a scene file.
const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// How the names of scene files end.
const EXTENSION: &str = ".scene.ron";

/// A scene file as the picker shows it.
#[derive(Debug)]
pub struct SceneFile {
    /// The file.
    pub path: PathBuf,
    /// Its scene, or why it has none.
    pub scene: Result<Scene, SceneError>,
}

impl Scene {
    /// Reads and checks the scene file at `path`, and that the files it names are there.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 8 MiB or does not hold a valid scene; printed, the error
    /// says what is wrong, where, and what to do.
    pub fn read(path: &Path) -> Result<Self, SceneError> {
        let bytes = read_bytes(path)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| refuse_bytes(&bytes, error.valid_up_to(), path))?;
        let known = KnownModels::look();
        parse(
            text,
            path,
            &Outside {
                versions: &known.names(),
                memory_bytes: &|name| known.memory_bytes(name),
                is_file: &|file| file.is_file(),
            },
        )
    }

    /// Checks `text` as if it came out of `path`, without a look at the disk.
    ///
    /// # Errors
    /// The text is no valid scene.
    pub fn parse(text: &str, path: &Path) -> Result<Self, SceneError> {
        let known = KnownModels::look();
        parse(
            text,
            path,
            &Outside {
                versions: &known.names(),
                memory_bytes: &|name| known.memory_bytes(name),
                is_file: &|_| true,
            },
        )
    }
}

/// The scene files of the folder `dir`, sorted by path, each with its scene or its error.
///
/// # Errors
/// The folder cannot be listed.
pub fn scene_files(dir: &Path) -> Result<Vec<SceneFile>, SceneError> {
    let unreadable = |source| SceneError::Unreadable {
        path: dir.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().ends_with(EXTENSION))
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths
        .into_iter()
        .map(|path| SceneFile {
            scene: Scene::read(&path),
            path,
        })
        .collect())
}

/// The bytes of the file, unless they are too many; never reads more than that.
fn read_bytes(path: &Path) -> Result<Vec<u8>, SceneError> {
    let unreadable = |source| SceneError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let too_large = || SceneError::TooLarge {
        path: path.to_owned(),
        limit: MAX_BYTES,
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::Error::other("not a file")));
    }
    if metadata.len() > MAX_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // The file may have grown since it was measured.
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        Err(too_large())
    } else {
        Ok(bytes)
    }
}
