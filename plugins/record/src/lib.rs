//! Writes and reads the journal, and makes metrics, minutes and replays out of its facts.
