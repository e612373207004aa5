//! A Llama of two small layers with drawn weights, and a vocabulary of single bytes and a few words.

use inference::{GgufWriter, LlamaWeights, TensorKind, requantise};

pub(crate) const N_LAYERS: usize = 2;
pub(crate) const WIDTH: usize = 64;
pub(crate) const INNER: usize = 96;
pub(crate) const N_HEADS: usize = 4;
pub(crate) const N_KV_HEADS: usize = 2;
pub(crate) const HEAD: usize = 16;
pub(crate) const CONTEXT: usize = 512;
pub(crate) const ROPE_BASE: f32 = 5000.0;
pub(crate) const EPS: f32 = 1e-5;
/// Marks, then bytes, then words.
pub(crate) const MARKS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const WORDS: [(&str, &str); 6] = [
    ("t", "h"),
    ("th", "e"),
    ("Ġ", "the"),
    ("i", "n"),
    ("{", "\""),
    ("Ġ", "a"),
];
const TEMPLATE: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
    {{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + \
    message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}\
    {{ '<|im_start|>assistant\n' }}{% endif %}";

/// GPT-2's printable character for a byte.
fn character(byte: u8) -> char {
    let is_itself = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if is_itself(byte) {
        return char::from(byte);
    }
    let nth = (0..byte).filter(|&other| !is_itself(other)).count();
    char::from_u32(256 + nth as u32).unwrap()
}

pub(crate) fn vocabulary() -> Vec<String> {
    let mut names: Vec<String> = MARKS.iter().map(|&mark| mark.to_owned()).collect();
    names.extend((0..=255).map(|byte| character(byte).to_string()));
    names.extend(WORDS.iter().map(|(left, right)| format!("{left}{right}")));
    names
}

/// Drawn numbers from -`scale` to `scale`.
fn drawn(n: usize, seed: u32, scale: f32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761);
    (0..n)
        .flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (scale * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)).to_le_bytes()
        })
        .collect()
}

/// The file, with weights in f32, after `change` has had its way with what else is in it.
pub(crate) fn file_with(change: impl FnOnce(&mut GgufWriter)) -> Vec<u8> {
    let names = vocabulary();
    let mut writer = GgufWriter::new();
    writer.text("general.architecture", "llama");
    for (key, value) in [
        ("block_count", N_LAYERS),
        ("context_length", CONTEXT),
        ("embedding_length", WIDTH),
        ("feed_forward_length", INNER),
        ("attention.head_count", N_HEADS),
        ("attention.head_count_kv", N_KV_HEADS),
        ("rope.dimension_count", HEAD),
    ] {
        writer.unsigned(&format!("llama.{key}"), value as u32);
    }
    writer.float("llama.rope.freq_base", ROPE_BASE);
    writer.float("llama.attention.layer_norm_rms_epsilon", EPS);
    writer.text("tokenizer.ggml.model", "gpt2");
    writer.text("tokenizer.ggml.pre", "smollm");
    writer.texts("tokenizer.ggml.tokens", &names);
    let kinds: Vec<i32> = (0..names.len())
        .map(|id| if id < 3 { 3 } else { 1 })
        .collect();
    writer.integers("tokenizer.ggml.token_type", &kinds);
    let merges: Vec<String> = WORDS.iter().map(|(a, b)| format!("{a} {b}")).collect();
    writer.texts("tokenizer.ggml.merges", &merges);
    writer.unsigned("tokenizer.ggml.eos_token_id", 2);
    writer.unsigned("tokenizer.ggml.bos_token_id", 1);
    writer.text("tokenizer.chat_template", TEMPLATE);
    add_tensors(&mut writer, names.len());
    change(&mut writer);
    writer.finish()
}

fn add_tensors(writer: &mut GgufWriter, n_vocabulary: usize) {
    let mut seed = 0;
    let mut add = |name: &str, shape: &[usize], scale: f32| {
        seed += 1;
        let dimensions: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
        let bytes = drawn(shape.iter().product(), seed, scale);
        writer.tensor(name, &dimensions, TensorKind::F32, &bytes);
    };
    add("token_embd.weight", &[WIDTH, n_vocabulary], 1.0);
    add("output_norm.weight", &[WIDTH], 1.0);
    let (queries, keys) = (N_HEADS * HEAD, N_KV_HEADS * HEAD);
    for layer in 0..N_LAYERS {
        for (part, n_in, n_out) in [
            ("attn_q", WIDTH, queries),
            ("attn_k", WIDTH, keys),
            ("attn_v", WIDTH, keys),
            ("attn_output", queries, WIDTH),
            ("ffn_gate", WIDTH, INNER),
            ("ffn_up", WIDTH, INNER),
            ("ffn_down", INNER, WIDTH),
        ] {
            add(&format!("blk.{layer}.{part}.weight"), &[n_in, n_out], 0.4);
        }
        add(&format!("blk.{layer}.attn_norm.weight"), &[WIDTH], 1.0);
        add(&format!("blk.{layer}.ffn_norm.weight"), &[WIDTH], 1.0);
    }
}

/// The file with its matrices in `Q8_0`, so that the model computes with just what it says.
pub(crate) fn file() -> Vec<u8> {
    requantise(&file_with(|_| {})).unwrap()
}

pub(crate) fn weights() -> LlamaWeights {
    LlamaWeights::read("tiny@1", "tiny.gguf", &file()).unwrap()
}
