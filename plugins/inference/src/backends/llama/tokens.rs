//! The vocabulary of a GGUF file: text to tokens by byte-level pairs, and tokens back to bytes.
//!
//! Sennrich, Haddow, Birch (2016), "Neural Machine Translation of Rare Words with Subword Units";
//! bytes are written as printable characters, as GPT-2 does.

use std::collections::BTreeMap;

use tokenizers::{
    PreTokenizerWrapper, Tokenizer,
    models::bpe::BPE,
    pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence},
};

use crate::gguf::{Gguf, GgufArray, GgufValue};

/// What `tokenizer.ggml.token_type` says of tokens that stand for themselves only.
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;

/// A vocabulary.
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    /// The bytes of all tokens, one after the other; none for those that only mark something.
    bytes: Vec<u8>,
    /// Where each token's bytes end.
    ends: Vec<u32>,
    /// Tokens that only mark something, by their names, longest name first.
    marks: Vec<(String, u32)>,
    /// Tokens that end a text.
    ends_text: Vec<u32>,
    /// The token that a text begins with, if the file wants one.
    begins_text: Option<u32>,
}

impl Tokens {
    /// Reads the vocabulary.
    pub(super) fn read(gguf: &Gguf<'_>) -> Result<Self, String> {
        let text = |key: &str| gguf.get(key).and_then(GgufValue::as_text);
        let model = text("tokenizer.ggml.model").unwrap_or("");
        if model != "gpt2" {
            return Err(format!(
                "its tokenizer is of kind {model:?}; only \"gpt2\" is read"
            ));
        }
        let array = |key: &str| -> Result<GgufArray<'_>, String> {
            gguf.get(key)
                .and_then(GgufValue::as_array)
                .ok_or_else(|| format!("it has no {key:?}"))
        };
        let names = array("tokenizer.ggml.tokens")?;
        let kinds: Vec<u64> = gguf
            .get("tokenizer.ggml.token_type")
            .and_then(GgufValue::as_array)
            .map(|kinds| kinds.iter().filter_map(GgufValue::as_u64).collect())
            .unwrap_or_default();
        let pre = text("tokenizer.ggml.pre").unwrap_or("default");
        let tokenizer = make_tokenizer(names, array("tokenizer.ggml.merges")?, pre)?;
        let mut tokens = Self {
            tokenizer,
            bytes: Vec::new(),
            ends: Vec::with_capacity(names.len()),
            marks: Vec::new(),
            ends_text: Vec::new(),
            begins_text: None,
        };
        tokens.add_names(names, &kinds);
        let id = |key: &str| {
            let id = gguf.get(&format!("tokenizer.ggml.{key}"))?.as_u64()?;
            u32::try_from(id)
                .ok()
                .filter(|&id| (id as usize) < names.len())
        };
        let marks_end = [
            "<|im_end|>",
            "<|endoftext|>",
            "<|eot_id|>",
            "<|end_of_text|>",
        ];
        tokens.ends_text = id("eos_token_id")
            .into_iter()
            .chain(id("eot_token_id"))
            .collect();
        let marks_end: Vec<u32> = marks_end
            .iter()
            .filter_map(|&name| tokens.mark(name))
            .collect();
        tokens.ends_text.extend(marks_end);
        let begins = gguf
            .get("tokenizer.ggml.add_bos_token")
            .and_then(GgufValue::as_bool);
        tokens.begins_text = id("bos_token_id").filter(|_| begins == Some(true));
        Ok(tokens)
    }

    fn add_names(&mut self, names: GgufArray<'_>, kinds: &[u64]) {
        let byte_of = byte_of_characters();
        for (id, name) in names.iter().filter_map(GgufValue::as_text).enumerate() {
            match kinds.get(id) {
                Some(&CONTROL) => self.marks.push((name.to_owned(), id as u32)),
                Some(&USER_DEFINED) => self.bytes.extend(name.as_bytes()),
                _ => self
                    .bytes
                    .extend(name.chars().filter_map(|c| byte_of.get(&c))),
            }
            self.ends.push(self.bytes.len() as u32);
        }
        self.marks.retain(|(name, _)| !name.is_empty());
        self.marks
            .sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }

    /// How many tokens there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes that a token stands for.
    pub(super) fn bytes(&self, token: u32) -> &[u8] {
        let token = token as usize;
        let start = if token == 0 { 0 } else { self.ends[token - 1] };
        &self.bytes[start as usize..self.ends[token] as usize]
    }

    /// Whether a text is at an end with this token.
    pub(super) fn ends_text(&self, token: u32) -> bool {
        self.ends_text.contains(&token)
    }

    /// All tokens that end a text.
    pub(super) fn all_ends(&self) -> &[u32] {
        &self.ends_text
    }

    /// The token that only marks something and has this name.
    pub(super) fn mark(&self, name: &str) -> Option<u32> {
        let found = self.marks.iter().find(|(other, _)| other == name);
        found.map(|&(_, id)| id)
    }

    /// The first mark in a text: where it begins, where it ends, and its token.
    pub(super) fn find_mark(&self, text: &str) -> Option<(usize, usize, u32)> {
        let found = self.marks.iter().filter_map(|(name, id)| {
            let start = text.find(name.as_str())?;
            Some((start, start + name.len(), *id))
        });
        found.min_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)))
    }

    /// The tokens of a text. What looks like a mark in it is text as well.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, String> {
        let encoding = self.tokenizer.encode_fast(text, false);
        Ok(encoding
            .map_err(|error| error.to_string())?
            .get_ids()
            .to_vec())
    }

    /// The tokens of a text that stands at the very start.
    pub(super) fn encode_start(&self, text: &str) -> Result<Vec<u32>, String> {
        let mut ids: Vec<u32> = self.begins_text.into_iter().collect();
        ids.extend(self.encode(text)?);
        Ok(ids)
    }
}

fn make_tokenizer(
    names: GgufArray<'_>,
    merges: GgufArray<'_>,
    pre: &str,
) -> Result<Tokenizer, String> {
    let vocabulary: Vec<(String, u32)> = names
        .iter()
        .filter_map(GgufValue::as_text)
        .enumerate()
        .map(|(id, name)| (name.to_owned(), id as u32))
        .collect();
    let merges = merges
        .iter()
        .filter_map(GgufValue::as_text)
        .map(|pair| {
            let (left, right) = pair
                .split_once(' ')
                .ok_or_else(|| format!("its merge {pair:?} is no pair"))?;
            Ok((left.to_owned(), right.to_owned()))
        })
        .collect::<Result<Vec<_>, String>>()?;
    let model = BPE::builder()
        .vocab_and_merges(
            vocabulary
                .into_iter()
                .collect::<tokenizers::models::bpe::Vocab>(),
            merges,
        )
        .build()
        .map_err(|error| error.to_string())?;
    let words = PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, true));
    let cut = match pre {
        "gpt-2" | "default" => words,
        "smollm" => PreTokenizerWrapper::Sequence(Sequence::new(vec![
            PreTokenizerWrapper::Digits(Digits::new(true)),
            words,
        ])),
        other => {
            return Err(format!(
                "its text is cut as {other:?} does, which is not known here"
            ));
        }
    };
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(cut));
    Ok(tokenizer)
}

/// The byte that each printable character of GPT-2's alphabet stands for.
fn byte_of_characters() -> BTreeMap<char, u8> {
    let is_itself = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut next = 256;
    (0..=255)
        .filter_map(|byte| {
            let code = if is_itself(byte) {
                u32::from(byte)
            } else {
                next += 1;
                next - 1
            };
            Some((char::from_u32(code)?, byte))
        })
        .collect()
}
