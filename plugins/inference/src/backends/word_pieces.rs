//! Cuts texts into the word pieces of a BERT; plain texts by a short way, which says the same.

use tokenizers::{Model as _, ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

use super::words::for_each_ascii_word;

/// What every mark of a text that is no text, such as `[SEP]`, starts with.
const MARK: char = '[';

/// A tokenizer of BERT.
///
/// Most of the time of the general way goes into telling which letter of a text became which: ASCII in
/// lower case needs none of that.
pub(crate) struct WordPieces {
    tokenizer: Tokenizer,
    short_way: Option<ShortWay>,
}

/// What the short way has to know.
struct ShortWay {
    before: Vec<u32>,
    after: Vec<u32>,
    /// The most tokens of a text.
    longest: usize,
}

impl WordPieces {
    pub(crate) fn new(tokenizer: Tokenizer) -> Self {
        let short_way = ShortWay::of(&tokenizer);
        Self {
            tokenizer,
            short_way,
        }
    }

    /// The tokens of a text, its marks included.
    ///
    /// # Errors
    /// What the tokenizer says.
    pub(crate) fn cut(&self, text: &str) -> tokenizers::Result<Vec<u32>> {
        match &self.short_way {
            Some(way) if text.is_ascii() && !text.contains(MARK) => way.cut(&self.tokenizer, text),
            _ => self.cut_in_general(text),
        }
    }

    fn cut_in_general(&self, text: &str) -> tokenizers::Result<Vec<u32>> {
        let encoding = self.tokenizer.encode_fast(text, true)?;
        Ok(encoding.get_ids().to_vec())
    }
}

impl ShortWay {
    /// `None` if the tokenizer does anything else than those of uncased BERTs do.
    fn of(tokenizer: &Tokenizer) -> Option<Self> {
        let Some(NormalizerWrapper::BertNormalizer(normaliser)) = tokenizer.get_normalizer() else {
            return None;
        };
        let is_usual = normaliser.clean_text
            && normaliser.lowercase
            && matches!(
                tokenizer.get_pre_tokenizer(),
                Some(PreTokenizerWrapper::BertPreTokenizer(_))
            )
            && matches!(tokenizer.get_model(), ModelWrapper::WordPiece(_))
            && tokenizer.get_padding().is_none();
        let mut marks = tokenizer.get_added_vocabulary().get_vocab().keys();
        if !is_usual || !marks.all(|mark| mark.starts_with(MARK)) {
            return None;
        }
        // One letter shows what comes before a text and after it.
        let ids = |with_marks| {
            let encoding = tokenizer.encode_fast("a", with_marks).ok()?;
            Some(encoding.get_ids().to_vec())
        };
        let (bare, marked) = (ids(false)?, ids(true)?);
        let at = marked
            .windows(bare.len().max(1))
            .position(|ids| ids == bare)?;
        let (before, after) = (marked[..at].to_vec(), marked[at + bare.len()..].to_vec());
        let longest = tokenizer.get_truncation().map(|cut| cut.max_length);
        Some(Self {
            longest: longest.unwrap_or(usize::MAX),
            before,
            after,
        })
    }

    fn cut(&self, tokenizer: &Tokenizer, text: &str) -> tokenizers::Result<Vec<u32>> {
        let mut ids = self.before.clone();
        let mut failed = None;
        for_each_ascii_word(
            text,
            &mut |word| match tokenizer.get_model().tokenize(word) {
                Ok(pieces) => ids.extend(pieces.iter().map(|piece| piece.id)),
                Err(error) => failed = Some(error),
            },
        );
        if let Some(error) = failed {
            return Err(error);
        }
        ids.truncate(self.longest.saturating_sub(self.after.len()));
        ids.extend(&self.after);
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use tokenizers::{
        TruncationParams, models::wordpiece::WordPiece, normalizers::BertNormalizer,
        pre_tokenizers::bert::BertPreTokenizer, processors::bert::BertProcessing,
    };

    use super::*;

    fn tokenizer(longest: usize) -> Tokenizer {
        let entries = [
            "[UNK]", "[CLS]", "[SEP]", "a", "b", "##b", "##c", "remote", "##s", "!", "-", "'", "1",
            "##2",
        ];
        let mut ids = 0..;
        let vocabulary = entries.map(|entry| (entry.to_owned(), ids.next().unwrap()));
        let pieces = WordPiece::builder().vocab(vocabulary).build().unwrap();
        let mut tokenizer = Tokenizer::new(pieces);
        let marks = BertProcessing::new(("[SEP]".to_owned(), 2), ("[CLS]".to_owned(), 1));
        let truncation = TruncationParams {
            max_length: longest,
            ..TruncationParams::default()
        };
        tokenizer
            .with_normalizer(Some(BertNormalizer::default()))
            .unwrap()
            .with_pre_tokenizer(Some(BertPreTokenizer))
            .with_post_processor(Some(marks))
            .with_truncation(Some(truncation))
            .unwrap();
        tokenizer
    }

    #[test]
    fn the_short_way_says_the_same() {
        let long = "a-b! ".repeat(9);
        let word = "b".repeat(101);
        let drawn: Vec<String> = (0..500_u32)
            .map(|seed| {
                let letters = (0..seed % 40).map(|at| {
                    let roll = (seed * 40 + at).wrapping_mul(2_654_435_761) >> 25;
                    char::from(roll as u8)
                });
                letters.filter(|letter| *letter != MARK).collect()
            })
            .collect();
        for longest in [3, 4, 12, 512] {
            let pieces = WordPieces::new(tokenizer(longest));
            assert!(pieces.short_way.is_some());
            for text in [
                "",
                "Remotes ABC!",
                "12 x1y",
                "\u{7}a\tb\u{b}a\r\n",
                "don't",
                &long,
                &word,
            ]
            .into_iter()
            .chain(drawn.iter().map(String::as_str))
            {
                let general = pieces.cut_in_general(text).unwrap();
                assert_eq!(pieces.cut(text).unwrap(), general, "{longest}: {text:?}");
            }
        }
    }

    #[test]
    fn other_tokenizers_go_the_general_way() {
        let mut cased = tokenizer(512);
        let normaliser = BertNormalizer::new(true, true, None, false);
        cased.with_normalizer(Some(normaliser)).unwrap();
        assert!(ShortWay::of(&cased).is_none());
        let pieces = WordPieces::new(cased);
        assert_eq!(pieces.cut("A a").unwrap(), [1, 0, 3, 2]);
    }
}
