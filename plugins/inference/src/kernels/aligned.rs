//! Numbers that start at a cache line, so that no vector of them lies in two.

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// A list of fixed length.
#[derive(Debug, Default)]
pub(super) struct Aligned<T> {
    /// Longer than the list by what is skipped to reach the start of a line.
    values: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// So many zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let values = vec![T::default(); len + LINE / size_of::<T>()];
        let start = values.as_ptr().align_offset(LINE);
        Self { values, start, len }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        &self.values[self.start..self.start + self.len]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.values[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_at_a_line() {
        for len in [0, 1, 15, 16, 1000] {
            let list = Aligned::<f32>::zeros(len);
            assert_eq!(list.as_slice().len(), len);
            assert_eq!(list.as_slice().as_ptr().align_offset(LINE), 0);
        }
    }
}
