//! Names a topic by the words that tell it from the rest of the meeting.
//!
//! Class-based TF-IDF: Grootendorst (2022), "`BERTopic`: neural topic modeling with a class-based
//! TF-IDF procedure".

use std::{cmp::Reverse, collections::BTreeMap};

use unicode_segmentation::UnicodeSegmentation as _;

use super::lexicon;

/// A name is made of up to this many terms.
const MAX_TERMS: usize = 3;
/// A pair of words counts this much more than one word, as it says more.
const PAIR_BONUS: f64 = 1.6;
/// A term that scores less than this share of the best one stays out of the name.
const MIN_SHARE: f64 = 0.45;

/// The words and pairs of words of a topic or a whole meeting; grows as people speak.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicWords {
    /// For each term (one stem, or two with a space between) how often it was said, and how.
    terms: BTreeMap<String, Uses>,
    n_words: u64,
}

/// How a term was used.
#[derive(Clone, Debug, Default, PartialEq)]
struct Uses {
    n: u64,
    /// How often in each spelling.
    spellings: BTreeMap<String, u64>,
}

impl TopicWords {
    /// Counts the words of something that was said (cleaned).
    pub fn add(&mut self, text: &str) {
        for sentence in text.unicode_sentences() {
            self.add_sentence(sentence);
        }
    }

    /// Counts all that `other` counted too.
    pub fn merge(&mut self, other: &Self) {
        self.n_words += other.n_words;
        for (term, uses) in &other.terms {
            let mine = self.terms.entry(term.clone()).or_default();
            mine.n += uses.n;
            for (spelling, n) in &uses.spellings {
                *mine.spellings.entry(spelling.clone()).or_default() += n;
            }
        }
    }

    /// The words counted, stop words not among them.
    pub fn n_words(&self) -> u64 {
        self.n_words
    }

    fn add_sentence(&mut self, sentence: &str) {
        let mut before: Option<(String, String, usize)> = None;
        for (index, (at, word)) in sentence.unicode_word_indices().enumerate() {
            let lower = word.to_lowercase().replace('’', "'");
            let is_telling = !lexicon::is_stop_word(&lower)
                && (lower.chars().count() > 2 || lower.chars().all(char::is_numeric))
                && !lower.contains('\'') | lower.ends_with("'s");
            if !is_telling {
                before = None;
                continue;
            }
            let stem = lexicon::stem(&lower);
            // The first word of a sentence has a capital whatever it is.
            let spelling = if index == 0 {
                lower
            } else {
                word.replace('’', "'")
            };
            let spelling = spelling.strip_suffix("'s").unwrap_or(&spelling).to_owned();
            self.n_words += 1;
            self.count(stem.clone(), &spelling);
            if let Some((first, first_spelling, end)) = before
                && first != stem
                && sentence[end..at].chars().all(|c| c == ' ' || c == '-')
            {
                self.count(
                    format!("{first} {stem}"),
                    &format!("{first_spelling} {spelling}"),
                );
            }
            before = Some((stem, spelling, at + word.len()));
        }
    }

    fn count(&mut self, term: String, spelling: &str) {
        let uses = self.terms.entry(term).or_default();
        uses.n += 1;
        *uses.spellings.entry(spelling.to_owned()).or_default() += 1;
    }
}

/// A name for `topic`, such as "Launch date and budget": its most telling words and pairs of words
/// against `meeting`, the words of the whole meeting, those of the topic included.
///
/// Words in `avoid`, such as the names of the speakers, stay out of it. The name is empty if the
/// topic has no telling word.
pub fn name_topic(topic: &TopicWords, meeting: &TopicWords, avoid: &[&str]) -> String {
    let avoid: Vec<String> = avoid
        .iter()
        .flat_map(|text| lexicon::words(text))
        .map(|word| lexicon::stem(&word))
        .collect();
    let mut ranked: Vec<(f64, &str, &Uses)> = topic
        .terms
        .iter()
        .filter(|(term, _)| {
            !term
                .split(' ')
                .any(|stem| avoid.iter().any(|word| word == stem))
        })
        .map(|(term, uses)| (weight(term, uses, topic, meeting), term.as_str(), uses))
        .filter(|(weight, _, _)| *weight > 0.0)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut terms: Vec<(&str, &Uses)> = Vec::new();
    let floor = ranked.first().map_or(0.0, |best| best.0 * MIN_SHARE);
    for (weight, term, uses) in ranked {
        let is_covered = terms.iter().any(|(other, _)| {
            term.split(' ')
                .any(|stem| other.split(' ').any(|other| other == stem))
        });
        if weight >= floor && !is_covered && terms.len() < MAX_TERMS {
            terms.push((term, uses));
        }
    }
    joined(&terms)
}

/// How telling a term is: its share of the topic, times how rare it is outside.
fn weight(term: &str, uses: &Uses, topic: &TopicWords, meeting: &TopicWords) -> f64 {
    let n_everywhere = meeting.terms.get(term).map_or(0, |uses| uses.n).max(uses.n) as f64;
    let share = uses.n as f64 / topic.n_words.max(1) as f64;
    let rarity = (1.0 + topic.n_words.max(1) as f64 / n_everywhere).ln();
    // What is said as often elsewhere does not tell this topic apart.
    let share_everywhere = n_everywhere / meeting.n_words.max(topic.n_words).max(1) as f64;
    let contrast = share / (share + share_everywhere);
    let is_pair = term.contains(' ');
    // Said once, a word may be there by chance.
    let chance = if uses.n < 2 { 0.5 } else { 1.0 };
    let is_number = term.chars().all(char::is_numeric);
    if is_number || (is_pair && uses.n < 2) {
        return 0.0;
    }
    share * rarity * contrast * chance * if is_pair { PAIR_BONUS } else { 1.0 }
}

/// "Launch date, budget and school", in the spellings that were used most.
fn joined(terms: &[(&str, &Uses)]) -> String {
    let spelled: Vec<&str> = terms
        .iter()
        .filter_map(|(_, uses)| {
            uses.spellings
                .iter()
                .max_by_key(|(text, n)| (**n, Reverse(*text)))
        })
        .map(|(spelling, _)| spelling.as_str())
        .collect();
    let text = match spelled.as_slice() {
        [] => return String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    };
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(texts: &[&str]) -> TopicWords {
        let mut words = TopicWords::default();
        texts.iter().for_each(|text| words.add(text));
        words
    }

    #[test]
    fn a_name_tells_the_topic_from_the_rest() {
        let launch = counted(&[
            "So the launch date. The app is not ready in April.",
            "Then the launch date moves to May, and the app has its budget.",
            "Right, and the budget? Is the budget enough for the app?",
        ]);
        let mut meeting = counted(&[
            "The app loses bookmarks.",
            "The app, the app again.",
            "App!",
        ]);
        meeting.merge(&launch);
        assert_eq!(name_topic(&launch, &meeting, &[]), "Launch date and budget");
        assert_eq!(name_topic(&launch, &meeting, &["Budget"]), "Launch date");
    }

    #[test]
    fn names_keep_capitals_that_are_meant() {
        let topic = counted(&[
            "Ask the Welsh Government.",
            "Does the Welsh Government pay?",
        ]);
        assert_eq!(name_topic(&topic, &topic, &[]), "Welsh Government");
        let topic = counted(&["Bookmarks get lost.", "Bookmarks! A bookmark is lost."]);
        assert_eq!(name_topic(&topic, &topic, &[]), "Bookmarks and lost");
    }

    #[test]
    fn nothing_telling_gives_no_name() {
        for texts in [vec![], vec!["Yeah, okay."], vec!["12 12 12"]] {
            let topic = counted(&texts);
            assert_eq!(name_topic(&topic, &topic, &[]), "");
        }
    }

    #[test]
    fn counting_at_once_or_piece_by_piece_is_the_same() {
        let (a, b) = ("The sync bug is open.", "The sync bug is Dev's bug.");
        let mut pieces = counted(&[a]);
        pieces.merge(&counted(&[b]));
        assert_eq!(pieces, counted(&[a, b]));
    }
}
