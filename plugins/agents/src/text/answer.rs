//! Answers a question with what was said in the meeting, and with nothing if it was not said.

use super::{Hit, Sentence, lexicon, sentences};
use crate::fact::Quote;

/// When an answer is good enough, and how long it gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerOptions {
    /// Below this score the meeting holds no answer.
    pub min_score: f32,
    /// The most sentences in an answer.
    pub max_sentences: usize,
    /// The most sentences cited.
    pub max_cited: usize,
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self {
            min_score: 0.12,
            max_sentences: 3,
            max_cited: 5,
        }
    }
}

/// What the meeting says to a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The answer, in words of the meeting; empty if the meeting holds none.
    pub text: String,
    /// What it rests on, best first; at least one sentence if there is an answer.
    pub cited: Vec<Quote>,
    /// How sure it is: the similarity of the question and the best citation, from -1 to 1.
    pub score: f32,
}

/// Answers `question` with the best of its `hits`, which [`retrieve`](super::retrieve) ranked over
/// the same `sentences`.
///
/// If the best hit is a question itself, or only repeats this one, the answer is what was replied to it. A short answer takes
/// in what the speaker said next, and good hits close by join it, in the order in which they were
/// said.
pub fn answer(
    question: &str,
    hits: &[Hit],
    sentences: &[Sentence],
    options: &AnswerOptions,
) -> Reply {
    let mut said = hits.iter().filter(|hit| {
        sentences
            .get(hit.sentence)
            .is_some_and(|s| sentences::is_content(&s.text))
    });
    let Some(best) = said.next().filter(|hit| hit.score >= options.min_score) else {
        return Reply::default();
    };
    let mut parts =
        if is_question(&sentences[best.sentence]) || repeats(question, &sentences[best.sentence]) {
            let replies = replies(best.sentence, sentences, options.max_sentences);
            if replies.is_empty() {
                vec![best.sentence]
            } else {
                replies
            }
        } else {
            statement(best, said.clone(), sentences)
        };
    parts.truncate(options.max_sentences.max(1));
    let text = parts
        .iter()
        .map(|&at| sentences[at].text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let mut cited = vec![quote(best, sentences)];
    let support = parts
        .iter()
        .filter_map(|at| hits.iter().find(|hit| hit.sentence == *at));
    let close = said.filter(|hit| hit.score >= 0.8 * best.score && hit.score >= options.min_score);
    for hit in support.chain(close) {
        let next = quote(hit, sentences);
        if cited.len() < options.max_cited && !cited.contains(&next) {
            cited.push(next);
        }
    }
    Reply {
        text,
        cited,
        score: best.similarity,
    }
}

fn quote(hit: &Hit, sentences: &[Sentence]) -> Quote {
    let Sentence {
        turn,
        speaker,
        text,
        ..
    } = &sentences[hit.sentence];
    Quote {
        turn: *turn,
        speaker: speaker.clone(),
        text: text.clone(),
        score: hit.score,
    }
}

fn is_question(sentence: &Sentence) -> bool {
    sentence.text.trim_end().ends_with('?')
}

/// Whether a sentence says the words of the question and no other.
fn repeats(question: &str, sentence: &Sentence) -> bool {
    lexicon::words(question).eq(lexicon::words(&sentence.text))
}

/// What others said to the question at `asked`: the start of the first turn after it that says
/// something or answers yes or no, questions left out.
fn replies(asked: usize, sentences: &[Sentence], n: usize) -> Vec<usize> {
    const MAX_TURNS_LATER: u32 = 4;
    let turn = sentences[asked].turn;
    let says =
        |at: usize| lexicon::words(&sentences[at].text).any(|word| !lexicon::is_backchannel(&word));
    let mut replies: Vec<usize> = Vec::new();
    for (at, next) in sentences.iter().enumerate().skip(asked + 1) {
        let is_answered = replies.iter().any(|&reply| says(reply))
            && replies
                .last()
                .is_some_and(|&last| sentences[last].turn != next.turn);
        if is_answered || next.turn > turn + MAX_TURNS_LATER || replies.len() >= n {
            break;
        }
        // Who asks may answer, too; but "Right." after one's own question is no answer.
        if !is_question(next) && (next.turn != turn || says(at)) {
            replies.push(at);
        }
    }
    if replies.iter().any(|&reply| says(reply)) {
        replies
    } else {
        Vec::new()
    }
}

/// The best sentence, what completes it if it is short, and good hits close by.
fn statement<'a>(
    best: &Hit,
    others: impl Iterator<Item = &'a Hit>,
    sentences: &[Sentence],
) -> Vec<usize> {
    const SHORT_WORDS: usize = 7;
    const NEAR: usize = 3;
    let at = best.sentence;
    let mut parts = vec![at];
    let next = sentences
        .get(at + 1)
        .filter(|next| next.turn == sentences[at].turn && !is_question(next));
    if sentences::n_words(&sentences[at].text) < SHORT_WORDS && next.is_some() {
        parts.push(at + 1);
    }
    let near = others
        .take_while(|hit| hit.score >= 0.9 * best.score)
        .filter(|hit| hit.sentence.abs_diff(at) <= NEAR && !is_question(&sentences[hit.sentence]));
    for hit in near {
        if !parts.contains(&hit.sentence) {
            parts.push(hit.sentence);
        }
    }
    parts.truncate(2);
    parts.sort_unstable();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::retrieve;

    /// A sentence a line, "turn Name: words"; without vectors, so that words alone decide.
    fn said(lines: &[&str]) -> Vec<Sentence> {
        let mut sentences = Vec::new();
        for line in lines {
            let (turn, rest) = line.split_once(' ').unwrap();
            let (speaker, text) = rest.split_once(": ").unwrap();
            sentences.push(Sentence {
                turn: turn.parse().unwrap(),
                speaker: speaker.to_owned(),
                text: text.to_owned(),
                vector: Vec::new(),
            });
        }
        sentences
    }

    const MEETING: [&str; 12] = [
        "0 Ada: The budget of this year is nine thousand pounds.",
        "1 Ben: Okay.",
        "2 Ada: When is the launch of the app?",
        "3 Ben: Mm-hmm.",
        "4 Ben: On the fourteenth of May.",
        "5 Chloe: Fine.",
        "6 Dev: The sync loses bookmarks when two tablets come back.",
        "7 Ada: Who rings the school?",
        "8 Chloe: I do, tomorrow morning.",
        "9 Dev: Posters.",
        "9 Dev: They cost eight hundred.",
        "10 Ada: Is the printer broken?",
    ];

    fn ask(question: &str, min_score: f32) -> Reply {
        let sentences = said(&MEETING);
        let hits = retrieve(question, &[], &sentences);
        answer(
            question,
            &hits,
            &sentences,
            &AnswerOptions {
                min_score,
                ..AnswerOptions::default()
            },
        )
    }

    #[test]
    fn answers_are_what_was_said() {
        for (question, expect, cited) in [
            (
                "How large is the budget?",
                "The budget of this year is nine thousand pounds.",
                0,
            ),
            (
                "When is the launch?",
                "Mm-hmm. On the fourteenth of May.",
                2,
            ),
            ("Who rings the school?", "I do, tomorrow morning.", 7),
            (
                "What loses bookmarks?",
                "The sync loses bookmarks when two tablets come back.",
                6,
            ),
            (
                "What about posters?",
                "Posters. They cost eight hundred.",
                9,
            ),
        ] {
            let reply = ask(question, 0.05);
            assert_eq!(reply.text, expect, "{question:?}");
            assert_eq!(reply.cited[0].turn, cited, "{question:?}");
            assert!(reply.cited.len() <= 5);
        }
    }

    #[test]
    fn what_was_not_said_is_not_answered() {
        assert_eq!(ask("Which giraffe ate the hay?", 0.05), Reply::default());
        assert_eq!(ask("How large is the budget?", 0.99), Reply::default());
        assert_eq!(
            answer("Why?", &[], &[], &AnswerOptions::default()),
            Reply::default()
        );
        // Nobody replied, so the question itself is all there is.
        assert_eq!(
            ask("Is the printer broken?", 0.05).text,
            "Is the printer broken?"
        );
    }
}
