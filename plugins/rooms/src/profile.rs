//! The latency profiles that skills of replicas go by: shipped ones, or those measured on this machine.

use inference::{Profile, shipped, shipped_named};
use schedule::{LatencyProfile, Skill};
use sim::SimSpan;

use crate::{
    at::At,
    check::Check,
    explain::{one_of, quoted},
    spec::SkillSpec,
};

/// What stands for the profile that was measured on this machine of whichever model serves.
pub const CALIBRATED: &str = "calibrated";

/// The most tokens that an input is answered with.
const MAX_ANSWER_TOKENS: u32 = 1_000_000;

/// That a skill of a replica takes as long as its model was measured to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByProfile {
    /// The skill.
    pub skill: Skill,
    /// The name of a shipped profile, or [`CALIBRATED`].
    pub profile: String,
    /// Tokens that each input is answered with, where text is generated.
    pub answer_tokens: u32,
}

/// How long a batch takes by a profile if each input is answered with so many tokens, none where
/// nothing is generated.
///
/// A batch is one pass; where text is generated, its inputs are answered side by side, token by token.
pub fn latency_by(profile: &Profile, answer_tokens: u32) -> LatencyProfile {
    let (latency, n_steps) = (&profile.latency, f64::from(answer_tokens));
    let span = SimSpan::from_secs_f64;
    LatencyProfile {
        fixed: span(latency.fixed_secs + n_steps * profile.per_step_secs),
        per_item: span(latency.per_item_secs + n_steps * latency.per_output_token_secs),
        per_token: span(latency.per_token_secs),
    }
}

/// The skills that go by a profile. Those that are shipped are filled in; `version` is the model.
pub(crate) fn checked_profiles(
    check: &mut Check<'_>,
    specs: &[SkillSpec],
    version: Option<&str>,
    skills: &mut [(Skill, LatencyProfile)],
) -> Vec<ByProfile> {
    let mut all = Vec::new();
    for spec in specs {
        let answer_tokens = checked_answer_tokens(check, spec);
        let Some(at) = &spec.profile else { continue };
        let (Some(name), Ok(skill)) = (check.value(at), &spec.skill.value) else {
            continue;
        };
        if gives_secs(spec) {
            check.refuse(at, || {
                (
                    "the skill has both seconds of its own and a profile",
                    "remove one of the two",
                )
            });
        }
        if name != CALIBRATED
            && let Some(profile) = checked_shipped(check, at, &name, version)
            && let Some((_, latency)) = skills.iter_mut().find(|(known, _)| known == skill)
        {
            *latency = latency_by(&profile, answer_tokens);
        }
        all.push(ByProfile {
            skill: *skill,
            profile: name,
            answer_tokens,
        });
    }
    all
}

/// Refuses profiles where there is no model to go by.
pub(crate) fn refuse_profiles(check: &mut Check<'_>, specs: &[SkillSpec]) {
    for spec in specs {
        checked_answer_tokens(check, spec);
        if let Some(at) = &spec.profile {
            check.refuse(at, || {
                (
                    "an agent works without a model, so that it has no profile",
                    "give the seconds that it takes",
                )
            });
        }
    }
}

fn checked_answer_tokens(check: &mut Check<'_>, spec: &SkillSpec) -> u32 {
    let Some(at) = &spec.answer_tokens else {
        return 0;
    };
    let tokens = check.value(at).unwrap_or_default();
    if spec.profile.is_none() {
        check.refuse(at, || {
            (
                "answer_tokens has no use without a profile",
                "name a profile, or give seconds alone",
            )
        });
    } else if tokens > MAX_ANSWER_TOKENS {
        check.refuse(at, || {
            (
                format!("answer_tokens is {tokens}"),
                format!("give 0 to {MAX_ANSWER_TOKENS}"),
            )
        });
    }
    tokens.min(MAX_ANSWER_TOKENS)
}

fn checked_shipped(
    check: &mut Check<'_>,
    at: &At<String>,
    name: &str,
    version: Option<&str>,
) -> Option<Profile> {
    let Some(profile) = shipped_named(name) else {
        let all = shipped();
        let names = all.iter().map(|profile| profile.name.as_str());
        check.refuse(at, || {
            let what = format!("no profile {} comes with the program", quoted(name));
            (what, one_of(name, names.chain([CALIBRATED])))
        });
        return None;
    };
    let model = version.and_then(|version| version.split('@').next());
    if model.is_some_and(|model| model != profile.model_name()) {
        check.refuse(at, || {
            let of = quoted(profile.model_name());
            let what = format!("the profile {} is of the model {of}", quoted(name));
            (what, "name a profile of the replica's own model")
        });
    }
    Some(profile)
}

fn gives_secs(spec: &SkillSpec) -> bool {
    [&spec.fixed_secs, &spec.per_item_secs, &spec.per_token_secs]
        .iter()
        .any(|at| at.value.as_ref().is_ok_and(|secs| *secs > 0.0))
}
