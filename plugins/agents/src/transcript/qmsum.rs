//! Reads the JSON of `QMSum`. Zhong et al. (2021), "`QMSum`: A New Benchmark for Query-based
//! Multi-domain Meeting Summarization".

use serde::Deserialize;

use super::{Draft, DraftTurn, TranscriptError};

/// What the file says; whatever else stands in it is of no concern here.
#[derive(Deserialize)]
struct MeetingSpec {
    meeting_transcripts: Vec<TurnSpec>,
    #[serde(default)]
    general_query_list: Option<Vec<QuerySpec>>,
    #[serde(default)]
    specific_query_list: Option<Vec<QuerySpec>>,
}

#[derive(Deserialize)]
struct TurnSpec {
    speaker: String,
    content: String,
}

#[derive(Deserialize)]
struct QuerySpec {
    #[serde(default)]
    query: Option<String>,
}

/// Keeps every turn, an empty one too, so that the turn numbers of the file's spans stay true.
pub(super) fn parse(text: &str, path: &str) -> Result<Draft, TranscriptError> {
    let spec: MeetingSpec = serde_json::from_str(text).map_err(|error| TranscriptError::Malformed {
        path: path.to_owned(),
        line: error.line().max(1),
        format: "QMSum JSON",
        reason: format!(
            "{error}; expected an object with meeting_transcripts: a list of {{speaker, content}}"
        ),
    })?;
    let turns = spec.meeting_transcripts.into_iter().map(|turn| DraftTurn {
        speaker: turn.speaker.trim().to_owned(),
        text: turn.content.trim().to_owned(),
        ..DraftTurn::default()
    });
    let questions = [spec.general_query_list, spec.specific_query_list]
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|query| query.query)
        .map(|query| query.trim().to_owned())
        .filter(|query| !query.is_empty());
    Ok(Draft {
        title: None,
        turns: turns.collect(),
        questions: questions.collect(),
    })
}
