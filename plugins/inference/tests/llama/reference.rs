//! The plainest forward pass of a Llama, in f64 on the weights as the file has them.

use inference::Gguf;

use crate::tiny::{EPS, HEAD, INNER, N_HEADS, N_KV_HEADS, N_LAYERS, ROPE_BASE, WIDTH};

fn tensor(gguf: &Gguf<'_>, name: &str) -> Vec<f64> {
    let values = gguf.values(gguf.tensor(name).unwrap());
    values.into_iter().map(f64::from).collect()
}

fn multiply(weights: &[f64], x: &[f64]) -> Vec<f64> {
    let rows = weights.chunks(x.len());
    rows.map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum())
        .collect()
}

fn norm(x: &[f64], gain: &[f64]) -> Vec<f64> {
    let square = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let scale = (square + f64::from(EPS)).sqrt();
    x.iter()
        .zip(gain)
        .map(|(x, gain)| x / scale * gain)
        .collect()
}

fn turn(x: &mut [f64], position: usize) {
    for head in x.chunks_mut(HEAD) {
        for (pair, two) in head.chunks_mut(2).enumerate() {
            let rate = f64::from(ROPE_BASE).powf(-2.0 * pair as f64 / HEAD as f64);
            let (sin, cos) = (position as f64 * rate).sin_cos();
            let (a, b) = (two[0], two[1]);
            two[0] = a * cos - b * sin;
            two[1] = a * sin + b * cos;
        }
    }
}

fn attend(query: &[f64], keys: &[Vec<f64>], values: &[Vec<f64>]) -> Vec<f64> {
    let mut out = vec![0.0; N_HEADS * HEAD];
    for head in 0..N_HEADS {
        let kv = head / (N_HEADS / N_KV_HEADS) * HEAD;
        let query = &query[head * HEAD..][..HEAD];
        let dot = |key: &Vec<f64>| {
            query
                .iter()
                .zip(&key[kv..])
                .map(|(q, k)| q * k)
                .sum::<f64>()
        };
        let shares: Vec<f64> = keys
            .iter()
            .map(|key| (dot(key) / (HEAD as f64).sqrt()).exp())
            .collect();
        let sum: f64 = shares.iter().sum();
        for (share, value) in shares.iter().zip(values) {
            for at in 0..HEAD {
                out[head * HEAD + at] += share / sum * value[kv + at];
            }
        }
    }
    out
}

/// The scores of all tokens after each of these.
pub(crate) fn scores(file: &[u8], tokens: &[u32]) -> Vec<Vec<f64>> {
    let gguf = Gguf::read(file).unwrap();
    let embedding = tensor(&gguf, "token_embd.weight");
    let mut states: Vec<Vec<f64>> = tokens
        .iter()
        .map(|&token| embedding[token as usize * WIDTH..][..WIDTH].to_vec())
        .collect();
    for layer in 0..N_LAYERS {
        let part = |name: &str| tensor(&gguf, &format!("blk.{layer}.{name}.weight"));
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (position, x) in states.iter_mut().enumerate() {
            let normed = norm(x, &part("attn_norm"));
            let mut query = multiply(&part("attn_q"), &normed);
            let mut key = multiply(&part("attn_k"), &normed);
            turn(&mut query, position);
            turn(&mut key, position);
            keys.push(key);
            values.push(multiply(&part("attn_v"), &normed));
            let out = multiply(&part("attn_output"), &attend(&query, &keys, &values));
            x.iter_mut().zip(out).for_each(|(x, out)| *x += out);
            let normed = norm(x, &part("ffn_norm"));
            let gate = multiply(&part("ffn_gate"), &normed);
            let up = multiply(&part("ffn_up"), &normed);
            let inner: Vec<f64> = (0..INNER)
                .map(|n| gate[n] / (1.0 + (-gate[n]).exp()) * up[n])
                .collect();
            let out = multiply(&part("ffn_down"), &inner);
            x.iter_mut().zip(out).for_each(|(x, out)| *x += out);
        }
    }
    let gain = tensor(&gguf, "output_norm.weight");
    states
        .iter()
        .map(|x| multiply(&embedding, &norm(x, &gain)))
        .collect()
}
