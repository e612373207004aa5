//! Lists the words that carry no topic, and reduces words to what they are counted as.

use std::{collections::BTreeSet, sync::LazyLock};

use unicode_segmentation::UnicodeSegmentation as _;

/// Sounds and words with which people fill pauses or show that they listen.
static BACKCHANNELS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    "ah aha ahem all alright aw bye cheers cool course eh er erm exactly fine gee good great \
     ha hello hey hi hm hmm huh indeed laugh lovely mhm mhmm mm mmm nah nice no nope oh ok \
     okay ooh oops perfect please right sorry sure thank thanks true uh uhm um very welcome \
     well wow yeah yep yes yup"
        .split_whitespace()
        .collect()
});

/// English words that say little about the topic.
static STOP_WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    "a about above across actually after afternoon again against ago agree ain't almost along \
     already also although always am an and another any anybody anyone anything anyway are \
     aren't around as ask asked asking at away back basically be because been before being \
     below best better between big bit both bring but by came can can't cannot certain \
     certainly come comes coming could couldn't couple day did didn't different do does \
     doesn't doing don't done down dozen during each easy eight eighty either else end enough \
     especially etc even ever every everybody everyone everything fact far feel few fifty \
     find first five for forty forward found four from further gave get gets getting give \
     given gives giving go goes going gone gonna got gotten guess guy guys had hadn't half \
     happen happened happens hard has hasn't have haven't having he he'd he'll he's hear \
     heard her here here's hers herself him himself his hope how however hundred i i'd i'll \
     i'm i've if important in instead into is isn't it it'd it'll it's its itself just keep \
     kind kinda knew know known knows last later least leave less let let's like likely \
     little long look looked looking looks lot lots made make makes making many may maybe me \
     mean means meant might million mine minute more morning most mostly much must my myself \
     need needed needs never new next nine ninety nobody none nor not nothing now obviously \
     of off often old on once one ones only onto or other others otherwise ought our ours \
     ourselves out over own part people perhaps person place point possible possibly probably \
     problem put quite rather real really reason said same saw say saying says second see \
     seem seemed seems seen seven seventy shall she she'd she'll she's should shouldn't show \
     since six sixty small so some somebody somehow someone something sometimes somewhere \
     soon sort still stuff such suppose supposed take taken takes taking talk talked talking \
     tell ten than that that'll that's the their theirs them themselves then there there'll \
     there's therefore these they they'd they'll they're they've thing things think thinking \
     thirty this those though thought thousand three through till time times to today \
     together told tomorrow too took toward towards tried try trying turn twenty two under \
     until up us use used using usually wait wanna want wanted wants was wasn't way ways we \
     we'd we'll we're we've went were weren't what what's whatever when where whether which \
     while who who's whole whom whose why will with within without won't word words work \
     working works would wouldn't wrong yesterday yet you you'd you'll you're you've your \
     yours yourself yourselves"
        .split_whitespace()
        .collect()
});

/// The words of `text` in lower case, their apostrophes straight.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words()
        .map(|word| word.to_lowercase().replace('’', "'"))
}

/// Whether a lower-case word fills a pause or shows that somebody listens.
pub(super) fn is_backchannel(word: &str) -> bool {
    BACKCHANNELS.contains(word)
}

/// Whether a lower-case word says nothing about the topic.
pub(crate) fn is_stop_word(word: &str) -> bool {
    is_backchannel(word) || STOP_WORDS.contains(word)
}

/// What a lower-case word is counted as: without possessive and plural ending.
///
/// The S stemmer of Harman (1991), "How effective is suffixing?".
pub(super) fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").unwrap_or(word);
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    let cut = |n: usize| word[..word.len() - n].to_owned();
    let is_plural = word.len() > 3 && word.ends_with('s');
    if is_plural && word.ends_with("ies") && !ends(&["eies", "aies"]) {
        cut(3) + "y"
    } else if is_plural && !ends(&["us", "ss", "is", "aes", "ees", "oes"]) {
        cut(1)
    } else {
        word.to_owned()
    }
}

/// What `text` is about: its words as they are counted, stop words left out.
pub(super) fn content_stems(text: &str) -> Vec<String> {
    words(text)
        .filter(|word| !is_stop_word(word))
        .map(|word| stem(&word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_lower_case_words() {
        for list in [&BACKCHANNELS, &STOP_WORDS] {
            assert!(list.len() > 50);
            assert!(list.iter().all(|word| words(word).eq([(*word).to_owned()])));
        }
        assert!(is_stop_word("the") && is_stop_word("yeah") && !is_stop_word("bookmark"));
    }

    #[test]
    fn plurals_count_as_their_singular() {
        for (word, expect) in [
            ("bookmarks", "bookmark"),
            ("libraries", "library"),
            ("pages", "page"),
            ("school's", "school"),
            ("bus", "bus"),
            ("glass", "glass"),
            ("gas", "gas"),
            ("", ""),
            ("é's", "é"),
        ] {
            assert_eq!(stem(word), expect);
        }
    }

    #[test]
    fn content_leaves_stop_words_out() {
        assert_eq!(
            content_stems("Well, I think the bookmarks don’t sync."),
            ["bookmark", "sync"]
        );
        assert!(content_stems("Yeah, okay. That's it.").is_empty());
    }
}
