//! Embeds what it is told to, for a script that measures other engines beside this one.
//!
//! `embed_peer MODEL f32|int8 THREADS`. Each line of the input is a JSON object `{"texts": […],
//! "times": n}`; each line of the output answers one: `{"seconds": […], "tokens": n, "embeddings":
//! […]}`, with the seconds of each pass (tokenising left out) and the embeddings if `times` is 0.
#![expect(clippy::print_stdout, reason = "a command line program")]
#![expect(clippy::disallowed_methods, reason = "it measures wall time")]

use std::{
    error::Error,
    io::{BufRead as _, Write as _, stdin, stdout},
    sync::atomic::AtomicBool,
    time::Instant,
};

use inference::{
    Ask, Backend, Catalog, Encoded, Input, LoadOptions, Output, Precision, Store, StoreOptions,
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Question {
    texts: Vec<String>,
    times: u32,
}

#[derive(Default, Serialize)]
struct Reply {
    seconds: Vec<f64>,
    tokens: usize,
    embeddings: Vec<Vec<f32>>,
}

fn answer(backend: &mut dyn Backend, question: Question) -> Result<Reply, Box<dyn Error>> {
    let encoder = backend.encoder();
    let inputs = question
        .texts
        .into_iter()
        .map(|text| encoder(&Ask::Embed, &Input::Text(text)))
        .collect::<Result<Vec<_>, _>>()?;
    let inputs: Vec<&Encoded> = inputs.iter().collect();
    let mut reply = Reply {
        tokens: inputs.iter().map(|input| input.tokens() as usize).sum(),
        ..Reply::default()
    };
    for _ in 0..question.times {
        let began = Instant::now();
        backend.answer(&Ask::Embed, &inputs)?;
        reply.seconds.push(began.elapsed().as_secs_f64());
    }
    if question.times == 0 {
        for output in backend.answer(&Ask::Embed, &inputs)? {
            let Output::Embedding(embedding) = output else {
                return Err("the model does not embed".into());
            };
            reply.embeddings.push(embedding);
        }
    }
    Ok(reply)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [model, precision, n_threads] = arguments.as_slice() else {
        return Err("usage: embed_peer MODEL f32|int8 THREADS".into());
    };
    let how = LoadOptions {
        precision: match precision.as_str() {
            "int8" => Precision::Int8,
            _ => Precision::F32,
        },
        n_threads: n_threads.parse()?,
        ..LoadOptions::default()
    };
    let store = Store::new(Catalog::built_in(), StoreOptions::from_env()?);
    let began = Instant::now();
    let model = store.load(model, how, &mut |_| {}, &AtomicBool::new(false))?;
    let mut backend = model.backend()?;
    println!("{}", began.elapsed().as_secs_f64());
    for line in stdin().lock().lines() {
        let reply = answer(backend.as_mut(), serde_json::from_str(&line?)?)?;
        println!("{}", serde_json::to_string(&reply)?);
        stdout().flush()?;
    }
    Ok(())
}
