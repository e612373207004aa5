//! Packs sound for a server: a WAV file in a multipart form.

use sha2::{Digest as _, Sha256};

const SAMPLES_A_SEC: u32 = 16_000;
const BYTES_A_SAMPLE: u16 = 2;

/// A WAV file of mono sound with 16,000 samples a second, as 16-bit integers.
///
/// What is louder than 1 is cut; NaN is silence.
pub(crate) fn wav(samples: &[f32]) -> Vec<u8> {
    let data_bytes = u32::try_from(samples.len() * usize::from(BYTES_A_SAMPLE)).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(44 + samples.len() * usize::from(BYTES_A_SAMPLE));
    file.extend(b"RIFF");
    file.extend(data_bytes.saturating_add(36).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    // PCM, one channel.
    file.extend(1u16.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(SAMPLES_A_SEC.to_le_bytes());
    file.extend((SAMPLES_A_SEC * u32::from(BYTES_A_SAMPLE)).to_le_bytes());
    file.extend(BYTES_A_SAMPLE.to_le_bytes());
    file.extend((8 * BYTES_A_SAMPLE).to_le_bytes());
    file.extend(b"data");
    file.extend(data_bytes.to_le_bytes());
    for sample in samples {
        // The cast turns NaN into 0 and cuts what is too large.
        file.extend(((sample * 32_767.0).round() as i16).to_le_bytes());
    }
    file
}

/// The body of a form with these fields and one file, and its content type.
pub(crate) fn form(fields: &[(&str, &str)], file: &[u8]) -> (Vec<u8>, String) {
    // The hash of the whole content cannot occur in it but by a miracle.
    let mut hash = Sha256::new_with_prefix(file);
    for (name, value) in fields {
        hash.update(name);
        hash.update(value);
    }
    let boundary: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut body = Vec::with_capacity(file.len() + 1024);
    for (name, value) in fields {
        let head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend(head.as_bytes());
        body.extend(value.as_bytes());
        body.extend(b"\r\n");
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"audio.wav\"\r\n\
         Content-Type: audio/wav\r\n\r\n"
    );
    body.extend(head.as_bytes());
    body.extend(file);
    body.extend(format!("\r\n--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary={boundary}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wav_file_says_what_it_holds() {
        let file = wav(&[0.0, 1.0, -1.0, 0.5, 7.0, -7.0, f32::NAN]);
        assert_eq!(file.len(), 44 + 14);
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(file[4..8], 50u32.to_le_bytes());
        assert_eq!(file[24..28], 16_000u32.to_le_bytes());
        assert_eq!(file[40..44], 14u32.to_le_bytes());
        let samples: Vec<i16> = file[44..]
            .chunks(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(samples, [0, 32_767, -32_767, 16_384, 32_767, -32_768, 0]);
    }

    #[test]
    fn a_form_keeps_fields_and_file_apart() {
        let (body, content_type) = form(&[("model", "whisper-1"), ("language", "en")], b"\r\n--xy");
        let boundary = content_type
            .strip_prefix("multipart/form-data; boundary=")
            .unwrap();
        let text = String::from_utf8(body).unwrap();
        let parts: Vec<_> = text.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 5);
        assert!(parts[1].ends_with("name=\"model\"\r\n\r\nwhisper-1\r\n"));
        assert!(parts[3].ends_with("audio/wav\r\n\r\n\r\n--xy\r\n"));
        assert_eq!(parts[4], "--\r\n");
    }
}
