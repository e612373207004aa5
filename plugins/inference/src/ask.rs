//! What can be asked of a model: the skills, and what each of them wants to know.

use serde::{Deserialize, Serialize};

use crate::json_shape::JsonShape;

/// What a model can do. Manifests and scenes name it in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skill {
    /// Text to a vector of length 1 whose direction is its meaning.
    Embed,
    /// Text to labels with scores.
    Classify,
    /// Text to labelled spans.
    Tag,
    /// Speech to text.
    Transcribe,
    /// Text, or a talk, to the text that goes on from there.
    Generate,
}

impl Skill {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 5] = [
        Self::Embed,
        Self::Classify,
        Self::Tag,
        Self::Transcribe,
        Self::Generate,
    ];

    /// Its name in manifests, scenes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::Classify => "classify",
            Self::Tag => "tag",
            Self::Transcribe => "transcribe",
            Self::Generate => "generate",
        }
    }
}

/// What a request wants done with its inputs. Inputs of equal asks share passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// A vector for each text.
    #[default]
    Embed,
    /// Labels with scores for each text.
    Classify,
    /// Labelled spans of each text.
    Tag,
    /// What is said in each piece of audio.
    Transcribe(TranscribeOptions),
    /// What follows on each text or talk.
    Generate(GenerateOptions),
}

impl Ask {
    /// The skill that it needs.
    pub fn skill(&self) -> Skill {
        match self {
            Self::Embed => Skill::Embed,
            Self::Classify => Skill::Classify,
            Self::Tag => Skill::Tag,
            Self::Transcribe(_) => Skill::Transcribe,
            Self::Generate(_) => Skill::Generate,
        }
    }
}

/// How speech is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TranscribeOptions {
    /// The language spoken, as an ISO 639-1 code; `None` lets the model find out.
    pub language: Option<String>,
    /// Whether the transcript says when each segment begins and ends.
    pub timestamps: bool,
    /// How many partial transcripts are followed at once; 1 is greedy.
    pub beam: usize,
}

impl Default for TranscribeOptions {
    fn default() -> Self {
        Self {
            language: None,
            timestamps: false,
            beam: 1,
        }
    }
}

/// How text is generated. The default is greedy: the likeliest token, each time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GenerateOptions {
    /// Tokens to generate at most.
    pub max_tokens: u32,
    /// Above 0, tokens are drawn; the higher, the more evenly. 0 takes the likeliest.
    pub temperature: f32,
    /// Draws from this many likeliest tokens; 0 from all.
    pub top_k: u32,
    /// Draws from the fewest likeliest tokens whose probabilities reach this sum; 1 from all.
    pub top_p: f32,
    /// Divides the odds of tokens that have occurred; 1 leaves them alone.
    pub repeat_penalty: f32,
    /// What is drawn follows from this, and from nothing else.
    pub seed: u64,
    /// Ends before any of these texts, which are left out.
    pub stop: Vec<String>,
    /// Which texts are allowed.
    pub shape: TextShape,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            max_tokens: 256,
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            repeat_penalty: 1.0,
            seed: 0,
            stop: Vec::new(),
            shape: TextShape::Free,
        }
    }
}

/// Which texts a generation may produce.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextShape {
    /// Any.
    #[default]
    Free,
    /// One JSON value.
    Json,
    /// One JSON value of a shape.
    Schema(JsonShape),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_files() {
        for skill in Skill::ALL {
            let name = serde_json::to_string(&skill).unwrap();
            assert_eq!(name, format!("{:?}", skill.name()));
        }
    }
}
