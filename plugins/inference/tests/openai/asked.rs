//! What is asked of a server is what was asked of the back-end.

use inference::{
    Ask, Backend, ChatMessage, ChatRole, GenerateOptions, Input, OpenAi, Output, TextShape,
    TranscribeOptions,
};
use serde_json::json;

use crate::{
    batch::{ok, settings},
    unruly::Unruly,
};

#[test]
fn a_talk_reaches_the_server_with_its_options() {
    let said = "{\"choices\":[{\"message\":{\"content\":\"{}\"},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4}}";
    let server = Unruly::new(vec![ok(said)]);
    let mut backend: Box<dyn Backend> = Box::new(OpenAi::new(settings(&server.url()), "m"));
    assert_eq!(backend.version(), format!("openai:m@{}", server.address()));
    let chat = Input::Chat(vec![
        ChatMessage {
            role: ChatRole::System,
            content: String::from("Be brief."),
        },
        ChatMessage {
            role: ChatRole::User,
            content: String::from("Hi, \"you\""),
        },
    ]);
    let options = GenerateOptions {
        max_tokens: 7,
        temperature: 0.7,
        seed: u64::MAX,
        stop: vec![String::from("\n"), String::from("END")],
        shape: TextShape::Json,
        ..GenerateOptions::default()
    };
    let outputs = backend
        .answer_inputs(&Ask::Generate(options), &[chat])
        .unwrap();
    let Output::Text(text) = &outputs[0] else {
        panic!("{outputs:?}")
    };
    assert_eq!(
        (text.text.as_str(), text.n_prompt_tokens, text.n_tokens),
        ("{}", 9, 4)
    );
    assert_eq!(
        server.asked()[0].json(),
        json!({
            "model": "m", "max_tokens": 7, "temperature": 0.7, "seed": i64::MAX,
            "stop": ["\n", "END"], "response_format": { "type": "json_object" },
            "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hi, \"you\"" }],
        })
    );
}

#[test]
fn sound_reaches_the_server_as_a_file() {
    let heard = "{\"text\":\" Hello there. \",\"language\":\"en\",\"segments\":[{\"start\":0.5,\"end\":1.25,\"text\":\" Hello there.\"}]}";
    let server = Unruly::new(vec![ok(heard)]);
    let mut backend: Box<dyn Backend> = Box::new(OpenAi::new(settings(&server.url()), "m"));
    let options = TranscribeOptions {
        language: Some(String::from("en")),
        timestamps: true,
        ..TranscribeOptions::default()
    };
    let audio = Input::Audio(vec![0.5; 160].into());
    let outputs = backend
        .answer_inputs(&Ask::Transcribe(options), std::slice::from_ref(&audio))
        .unwrap();
    let Output::Transcript(transcript) = &outputs[0] else {
        panic!("{outputs:?}")
    };
    assert_eq!(
        (transcript.text.as_str(), transcript.segments[0].end_secs),
        ("Hello there.", 1.25)
    );
    let form = String::from_utf8_lossy(&server.asked()[0].body).into_owned();
    for part in [
        "name=\"model\"\r\n\r\nm\r\n",
        "name=\"language\"\r\n\r\nen\r\n",
        "verbose_json",
        "RIFF",
    ] {
        assert!(form.contains(part), "{part}");
    }
    let error = backend
        .answer_inputs(&Ask::Embed, &[audio])
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot embed this kind of input"), "{error}");
}
