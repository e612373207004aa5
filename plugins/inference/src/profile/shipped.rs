//! The profiles that come with the program, so that what-if runs need no such device.

use super::Profile;

/// As they lie in `profiles/`.
const FILES: &[&str] = &[
    include_str!("../../profiles/all-minilm-l6-v2-f32-amd-epyc-1t-2r.ron"),
    include_str!("../../profiles/all-minilm-l6-v2-f32-amd-epyc-1t.ron"),
    include_str!("../../profiles/all-minilm-l6-v2-f32-amd-epyc-2t.ron"),
    include_str!("../../profiles/all-minilm-l6-v2-f32-intel-xeon-1t-2r.ron"),
    include_str!("../../profiles/all-minilm-l6-v2-f32-intel-xeon-1t.ron"),
    include_str!("../../profiles/all-minilm-l6-v2-f32-intel-xeon-2t.ron"),
    include_str!("../../profiles/all-minilm-l6-v2-int8-intel-xeon-1t.ron"),
    include_str!("../../profiles/all-minilm-l6-v2-int8-intel-xeon-2t.ron"),
    include_str!("../../profiles/smollm2-135m-instruct-q8_0-amd-epyc-1t.ron"),
    include_str!("../../profiles/smollm2-135m-instruct-q8_0-intel-xeon-1t.ron"),
    include_str!("../../profiles/whisper-tiny.en-f32-amd-epyc-1t.ron"),
    include_str!("../../profiles/whisper-tiny.en-f32-intel-xeon-1t.ron"),
];

/// All of them.
pub fn shipped() -> Vec<Profile> {
    let read = |text: &&str| Profile::parse(text).expect("a test reads all of them. This is a bug");
    FILES.iter().map(read).collect()
}

/// The one of this name.
pub fn shipped_named(name: &str) -> Option<Profile> {
    shipped().into_iter().find(|profile| profile.name == name)
}
