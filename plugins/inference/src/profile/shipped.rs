//! The profiles that come with the program, so that what-if runs need no such device.

use super::Profile;
use crate::ask::Skill;

/// As they lie in `profiles/`.
const FILES: &[&str] = &[];

/// All of them.
pub fn shipped() -> Vec<Profile> {
    let read = |text: &&str| Profile::parse(text).expect("a test reads all of them. This is a bug");
    FILES.iter().map(read).collect()
}

/// The first for a model (by its name, whatever its version) and a skill, on a machine of this slug, if
/// one is named.
pub fn shipped_for(machine: Option<&str>, model: &str, skill: Skill) -> Option<Profile> {
    let model = model.split('@').next().unwrap_or_default();
    shipped().into_iter().find(|profile| {
        let of = profile.model.split('@').next().unwrap_or_default();
        of == model
            && profile.skill == skill
            && machine.is_none_or(|name| profile.is_of_machine(name))
    })
}
