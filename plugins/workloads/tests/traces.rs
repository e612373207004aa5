//! Reads traces of requests line by line, and refuses broken lines.

use sim::SimTime;
use workloads::{Request, Trace, TraceFormat};

const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
    2023-11-16 23:59:59.9799600,4808,10\r\n\
    2023-11-16 23:59:59.9799600,0,0\r\n\
    2023-11-17 00:00:01.0319600,3180,8\r\n";
const MOONCAKE: &str = "\
    {\"timestamp\": 0, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0, 1,2 ]}\n\
    \n\
    {\"timestamp\": 3052, \"more\": [], \"input_length\": 9, \"output_length\": 490}\n";

fn read(text: &str, format: TraceFormat) -> Result<Vec<Request>, String> {
    let trace = Trace::new(text.as_bytes(), format);
    trace
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}

fn request(nanos: u64, prompt_tokens: u32, output_tokens: u32, hashes: &[u64]) -> Request {
    Request {
        arrival: SimTime(nanos),
        prompt_tokens,
        output_tokens,
        prefix_hashes: hashes.to_vec(),
    }
}

#[test]
fn traces_are_read() {
    assert_eq!(
        read(AZURE, TraceFormat::Azure),
        Ok(vec![
            request(0, 4808, 10, &[]),
            request(0, 0, 0, &[]),
            request(1_052_000_000, 3180, 8, &[]),
        ])
    );
    // A byte order mark, other columns and another order do not matter.
    let reordered =
        "\u{feff}id,GeneratedTokens,ContextTokens,TIMESTAMP\n7, 5 ,6,2024-05-10 00:00:00.5Z\n";
    assert_eq!(
        read(reordered, TraceFormat::Azure),
        Ok(vec![request(0, 6, 5, &[])])
    );
    assert_eq!(
        read(MOONCAKE, TraceFormat::Mooncake),
        Ok(vec![
            request(0, 6758, 500, &[0, 1, 2]),
            request(3_052_000_000, 9, 490, &[]),
        ])
    );
    for format in [TraceFormat::Azure, TraceFormat::Mooncake] {
        assert_eq!(read("", format), Ok(vec![]));
    }
}

#[test]
fn broken_lines_are_refused_with_line_and_column() {
    let azure = |from: &str, to: &str| (TraceFormat::Azure, AZURE.replacen(from, to, 1));
    let mooncake = |from: &str, to: &str| (TraceFormat::Mooncake, MOONCAKE.replacen(from, to, 1));
    for ((format, text), expected) in [
        (
            azure("ContextTokens", "Context"),
            "line 1, column 1: the first line names no column ContextTokens",
        ),
        (
            azure("4808", "48o8"),
            "line 2, column 29: ContextTokens must be a whole number from 0 to 4294967295",
        ),
        (
            azure("4808", "-4808"),
            "line 2, column 29: ContextTokens must be a whole number",
        ),
        (
            azure("4808", "99999999999"),
            "line 2, column 29: ContextTokens must be a whole number",
        ),
        (
            azure(",10", ""),
            "line 2, column 33: the line has no GeneratedTokens; it may be cut off",
        ),
        (
            azure("2023-11-17", "2023-11-31"),
            "line 4, column 1: this is no instant",
        ),
        (
            azure("2023-11-17", "2023-11-15"),
            "line 4, column 1: the request arrives before the first one",
        ),
        (
            mooncake("6758", "6758.5"),
            "line 1, column 39: invalid type: floating point",
        ),
        (
            mooncake("\"timestamp\": 0", "\"timestamp\": 5000"),
            "line 3, column 1: the request arrives before the one above",
        ),
        (
            mooncake("\"output_length\": 490", ""),
            "line 3, column 52: trailing comma",
        ),
        (
            mooncake("1,2", "1,-2"),
            "line 1, column 80: hash_ids must be a list of whole numbers",
        ),
        (
            mooncake("[0, 1,2 ]", "7"),
            "line 1, column 74: hash_ids must be a list of whole numbers",
        ),
        (
            mooncake("3052", "99999999999999"),
            "line 3, column 1: the timestamp is later than in 100 years",
        ),
    ] {
        let error = read(&text, format).expect_err(&text);
        assert!(error.starts_with(expected), "{error} is not {expected}");
    }
}

#[test]
fn after_the_first_problem_a_trace_is_over() {
    let text = AZURE.replacen("4808", "x", 1);
    let mut trace = Trace::new(text.as_bytes(), TraceFormat::Azure);
    assert!(trace.next().is_some_and(|request| request.is_err()));
    assert!(trace.next().is_none());
    // A line without an end is not swallowed whole.
    let endless = std::io::BufReader::new(std::io::repeat(b'1'));
    let mut trace = Trace::new(endless, TraceFormat::Mooncake);
    let error = trace
        .next()
        .map(|request| request.map_err(|error| error.to_string()));
    let expected = "line 1, column 1: the line is longer than 1 MiB; check that this is a trace";
    assert_eq!(error, Some(Err(expected.to_owned())));
}
