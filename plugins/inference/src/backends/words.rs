//! Finds the words of a text as BERT does: lower case, accents off, punctuation on its own.

use tokenizers::{
    NormalizedString, Normalizer as _, OffsetReferential, OffsetType, PreTokenizedString,
    PreTokenizer as _, normalizers::BertNormalizer, pre_tokenizers::bert::BertPreTokenizer,
};

/// Hands over each word of a text, in lower case.
pub(crate) fn for_each_word(text: &str, take: &mut dyn FnMut(&str)) {
    if text.is_ascii() {
        for_each_ascii_word(text, take);
        return;
    }
    let mut normalised = NormalizedString::from(text);
    let normaliser = BertNormalizer::new(true, true, Some(true), true);
    if normaliser.normalize(&mut normalised).is_err() {
        return;
    }
    let mut cut = PreTokenizedString::from(normalised);
    if BertPreTokenizer.pre_tokenize(&mut cut).is_ok() {
        for (word, _, _) in cut.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
            take(word);
        }
    }
}

/// The same for ASCII, where it is simple.
pub(crate) fn for_each_ascii_word(text: &str, take: &mut dyn FnMut(&str)) {
    let lower: String = text
        .chars()
        .filter(|c| !c.is_ascii_control() || matches!(c, '\t' | '\n' | '\r'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let mut from = 0;
    for (at, character) in lower.char_indices() {
        let is_space = character.is_ascii_whitespace();
        if is_space || character.is_ascii_punctuation() {
            if from < at {
                take(&lower[from..at]);
            }
            if !is_space {
                take(&lower[at..=at]);
            }
            from = at + 1;
        }
    }
    if from < lower.len() {
        take(&lower[from..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_cut_as_any_other_text_is() {
        for text in [
            "Don't panic, Bob! (42.5%)\tyes\u{7}no\n",
            "",
            "a--b_c$d `x` ~/y",
            "\u{1}\u{7f}",
        ] {
            let mut simple = Vec::new();
            for_each_word(text, &mut |word| simple.push(word.to_owned()));
            // An accent that is taken off again takes the other way to the same words.
            let mut general = Vec::new();
            let other = format!("{text} \u{e9}");
            for_each_word(&other, &mut |word| general.push(word.to_owned()));
            assert_eq!(general.pop().as_deref(), Some("e"));
            assert_eq!(simple, general, "{text:?}");
        }
    }
}
