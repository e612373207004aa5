//! Takes out of a turn what a transcriber put in: noise marks, fillers, stray spaces.

use super::sentences::n_words;

/// The longest noise mark, in bytes; longer brackets are words of the meeting.
const MAX_MARK_BYTES: usize = 48;
/// Sounds that stand alone and say nothing.
const FILLERS: [&str; 6] = ["uh", "um", "uhm", "er", "erm", "hmm"];
/// Noises that some transcripts put in round brackets, which otherwise hold words.
const ROUND_NOISES: [&str; 12] = [
    "laughs",
    "laughter",
    "laughing",
    "laugh",
    "applause",
    "coughs",
    "cough",
    "inaudible",
    "pause",
    "sighs",
    "crosstalk",
    "unintelligible",
];

/// What was said in `text`: without marks such as `{vocalsound}`, `<laugh>`, `[laughter]` and
/// `(laughs)`, without "uh" and "um", with one space between words and none before a comma.
///
/// A turn of nothing but noise becomes empty. Cleaning what is clean changes nothing.
pub fn clean(text: &str) -> String {
    tidy(&without_marks(text))
}

/// `text` without bracketed noise.
fn without_marks(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '<', '[', '(']) {
        let (before, from_mark) = rest.split_at(at);
        kept.push_str(before);
        let open = from_mark.as_bytes()[0];
        let close = match open {
            b'{' => '}',
            b'<' => '>',
            b'[' => ']',
            _ => ')',
        };
        // Every opening bracket is one byte long.
        let inside = &from_mark[1..];
        match inside
            .find(close)
            .filter(|&end| is_noise(open, &inside[..end]))
        {
            Some(end) => {
                kept.push(' ');
                rest = &inside[end + 1..];
            }
            None => {
                kept.push(char::from(open));
                rest = inside;
            }
        }
    }
    kept.push_str(rest);
    kept
}

fn is_noise(open: u8, inside: &str) -> bool {
    if inside.len() > MAX_MARK_BYTES || inside.contains('\n') {
        return false;
    }
    match open {
        // "a < b" and "[correction: five]" hold words.
        b'<' => inside.starts_with(|c: char| c.is_alphabetic() || c == '/'),
        b'[' => !inside.contains(": "),
        b'(' => ROUND_NOISES.contains(&inside.trim_matches(['.', ' ']).to_lowercase().as_str()),
        _ => true,
    }
}

/// `text` without fillers, with the spaces and commas of written English.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for token in text.split_whitespace() {
        let token = &spelled_out(token);
        let bare = token.trim_end_matches([',', '.', '-', '…']).to_lowercase();
        if FILLERS.contains(&bare.as_str()) {
            let ends = token.chars().last().filter(|c| *c == '.' || *c == ',');
            push_mark(
                &mut tidy,
                ends.map(String::from).unwrap_or_default().as_str(),
            );
        } else if token.chars().all(|c| ".,?!;:…".contains(c)) {
            push_mark(&mut tidy, token);
        } else {
            let is_suffix = matches!(
                token.to_lowercase().as_str(),
                "n't" | "'s" | "'re" | "'ll" | "'ve" | "'d" | "'m"
            );
            if !tidy.is_empty() && !is_suffix {
                tidy.push(' ');
            }
            tidy.push_str(token);
        }
    }
    if n_words(&tidy) == 0 {
        String::new()
    } else {
        capitalised(&tidy, text)
    }
}

/// `token` as written English spells it if it is an acronym in the manner of "`T_V_`": "TV".
fn spelled_out(token: &str) -> String {
    let is_acronym = token
        .as_bytes()
        .chunks(2)
        .take_while(|pair| pair[0].is_ascii_uppercase())
        .all(|pair| pair.get(1) == Some(&b'_'));
    let begins = token.starts_with(|c: char| c.is_ascii_uppercase());
    if begins && is_acronym {
        token.replace('_', "")
    } else {
        token.to_owned()
    }
}

/// Sets a punctuation mark behind the last word; of two in a row the stronger stays.
fn push_mark(tidy: &mut String, mark: &str) {
    let Some(last) = tidy.chars().last() else {
        return;
    };
    let Some(first) = mark.chars().next() else {
        return;
    };
    if !".,?!;:…".contains(last) {
        tidy.push_str(mark);
    } else if last == ',' && first != ',' {
        tidy.pop();
        tidy.push_str(mark);
    }
}

/// `tidy` with a capital at its start if `text` had one there, which may have gone with a filler.
fn capitalised(tidy: &str, text: &str) -> String {
    let had = text
        .chars()
        .find(|c| c.is_alphabetic())
        .is_some_and(char::is_uppercase);
    let mut chars = tidy.chars();
    match chars.next() {
        Some(first) if had && first.is_lowercase() => first.to_uppercase().chain(chars).collect(),
        _ => tidy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_goes_and_words_stay() {
        for (text, expect) in [
            ("We are done .", "We are done."),
            (
                "{vocalsound} Do I have a choice ? {vocalsound}",
                "Do I have a choice?",
            ),
            (
                "it's {disfmarker} it's in the design , right ?",
                "it's it's in the design, right?",
            ),
            ("<laugh> Yes <pause> of course", "Yes of course"),
            ("[Laughter.] Thank you [inaudible] all", "Thank you all"),
            (
                "[correction: need to be] seen",
                "[correction: need to be] seen",
            ),
            (
                "That's it (laughs) for (more or less) today",
                "That's it for (more or less) today",
            ),
            (
                "Um , I think , uh , we do n't know",
                "I think, we don't know",
            ),
            ("So whe where , um .", "So whe where."),
            ("Uh so that's it", "So that's it"),
            ("{vocalsound}", ""),
            ("Um .", ""),
            (" . , ", ""),
            ("", ""),
            ("a < b and b > c", "a < b and b > c"),
            ("open { and never closed", "open { and never closed"),
            ("x <<a>b> y", "x < b> y"),
            ("x {{a}b} y", "x b} y"),
            ("prices :  two\n pounds", "prices: two pounds"),
            (
                "the T_V_ has an L_C_D_'s light .",
                "the TV has an LCD's light.",
            ),
            ("A_ is Snake_Case or A", "A is Snake_Case or A"),
            ("naïve {ü} café .", "naïve café."),
        ] {
            assert_eq!(clean(text), expect, "{text:?}");
            assert_eq!(clean(&clean(text)), clean(text), "{text:?} twice");
        }
    }
}
