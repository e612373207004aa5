//! The models that can answer, one file each.

pub(crate) mod bert;
pub(crate) mod bert_head;
pub(crate) mod hashed_words;
pub(crate) mod llama;
pub(crate) mod minilm;
pub(crate) mod openai;
pub(crate) mod packed_bert;
pub(crate) mod recorded;
pub(crate) mod silero;
pub(crate) mod static_words;
pub(crate) mod tensors;
pub(crate) mod whisper;
pub(crate) mod word_pieces;
pub(crate) mod words;
