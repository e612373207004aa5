//! When each resource worked: stretches of work that overlap (a batch) count once.

use super::Run;

/// Merges spans, sorted by start, that overlap or touch.
pub(crate) fn merged(spans: impl IntoIterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (start, end) in spans {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// How long each resource worked.
pub(crate) fn busy_spans(run: &Run) -> Vec<f64> {
    let mut spans = vec![Vec::new(); run.resources.len()];
    for piece in &run.pieces {
        spans[piece.resource as usize].push((piece.start, piece.end));
    }
    spans
        .into_iter()
        .map(|spans| {
            merged(spans)
                .iter()
                .map(|(start, end)| end - start)
                .sum::<f64>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::merged;

    #[test]
    fn overlaps_count_once() {
        let spans = [(0.0, 2.0), (1.0, 3.0), (3.0, 4.0), (6.0, 7.0), (6.5, 6.6)];
        assert_eq!(merged(spans), [(0.0, 4.0), (6.0, 7.0)]);
    }
}
