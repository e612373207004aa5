//! One vector for each entry of a vocabulary, in bytes: whole numbers and a scale a row.

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::safetensors_header;

/// The tensor of the rows: `entries × dimensions` of i8.
const ROWS: &str = "rows";
/// The tensor of what a row's numbers are to be multiplied by: `entries` of f32.
const SCALES: &str = "scales";
/// What the largest number of a row becomes.
const LARGEST: f32 = 127.0;

/// The vectors, each as 8-bit numbers times a scale.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    width: usize,
    rows: Vec<i8>,
    scales: Vec<f32>,
}

impl Table {
    /// Rounds vectors of `width` numbers, one after the other, to bytes.
    pub(crate) fn quantised(vectors: &[f32], width: usize) -> Self {
        let mut rows = Vec::with_capacity(vectors.len());
        let mut scales = Vec::with_capacity(vectors.len() / width.max(1));
        for vector in vectors.chunks_exact(width) {
            let largest = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            let scale = largest / LARGEST;
            let inverse = if largest > 0.0 {
                LARGEST / largest
            } else {
                0.0
            };
            rows.extend(vector.iter().map(|x| (x * inverse).round() as i8));
            scales.push(scale);
        }
        Self {
            width,
            rows,
            scales,
        }
    }

    /// Reads what [`Table::write`] wrote.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        safetensors_header::check_safetensors(bytes)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let tensor = |name: &str, dtype: Dtype, rank: usize| {
            let view = tensors.tensor(name).map_err(|error| error.to_string())?;
            if view.dtype() != dtype || view.shape().len() != rank {
                let (got, shape) = (view.dtype(), view.shape());
                return Err(format!("tensor {name:?} is {got:?} of {shape:?}"));
            }
            Ok(view)
        };
        let rows = tensor(ROWS, Dtype::I8, 2)?;
        let scales = tensor(SCALES, Dtype::F32, 1)?;
        let (n_rows, width) = (rows.shape()[0], rows.shape()[1]);
        if scales.shape()[0] != n_rows || width == 0 {
            let n_scales = scales.shape()[0];
            return Err(format!(
                "{n_rows} rows of {width} numbers have {n_scales} scales"
            ));
        }
        let scales: Vec<f32> = scales
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        if let Some(row) = scales.iter().position(|scale| !scale.is_finite()) {
            return Err(format!("the scale of row {row} is not finite"));
        }
        Ok(Self {
            width,
            rows: rows.data().iter().map(|&byte| byte as i8).collect(),
            scales,
        })
    }

    /// The file of the table.
    ///
    /// # Errors
    /// What the writer says.
    pub(crate) fn write(&self) -> Result<Vec<u8>, String> {
        let rows: Vec<u8> = self.rows.iter().map(|&number| number as u8).collect();
        let scales: Vec<u8> = self.scales.iter().flat_map(|s| s.to_le_bytes()).collect();
        let n_rows = self.n_rows();
        let views = [
            (
                ROWS,
                TensorView::new(Dtype::I8, vec![n_rows, self.width], &rows),
            ),
            (SCALES, TensorView::new(Dtype::F32, vec![n_rows], &scales)),
        ];
        let mut named = Vec::new();
        for (name, view) in views {
            named.push((name, view.map_err(|error| error.to_string())?));
        }
        safetensors::serialize(named, None).map_err(|error| error.to_string())
    }

    /// How many vectors there are.
    pub(crate) fn n_rows(&self) -> usize {
        self.scales.len()
    }

    /// How long they are.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The sum of these rows, brought to length 1; zero if there is nothing in it.
    pub(crate) fn embed(&self, ids: &[u32]) -> Vec<f32> {
        let mut sum = vec![0.0_f32; self.width];
        for &id in ids {
            let at = id as usize * self.width;
            let (Some(row), Some(&scale)) = (
                self.rows.get(at..at + self.width),
                self.scales.get(id as usize),
            ) else {
                continue;
            };
            for (sum, &number) in sum.iter_mut().zip(row) {
                *sum += f32::from(number) * scale;
            }
        }
        let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
        if length > 0.0 {
            sum.iter_mut().for_each(|x| *x /= length);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_survives_its_file_and_keeps_its_vectors_within_a_step() {
        let vectors = [0.5, -0.25, 0.125, 3.0, -127.0, 64.0, 0.0, 0.0, 0.0];
        let table = Table::quantised(&vectors, 3);
        assert_eq!(Table::read(&table.write().unwrap()).unwrap(), table);
        for (nth, vector) in vectors.chunks(3).enumerate() {
            let got = table.embed(&[nth as u32]);
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            for (got, expected) in got.iter().zip(vector) {
                assert!((got * length - expected).abs() <= length / 127.0, "{nth}");
            }
        }
    }

    #[test]
    fn a_sum_has_length_one_and_what_is_not_there_counts_nothing() {
        let table = Table::quantised(&[1.0, 0.0, 0.0, 1.0], 2);
        let both = table.embed(&[0, 1, 77]);
        assert!((both[0] - both[1]).abs() < 1e-6 && (both[0] - 0.5_f32.sqrt()).abs() < 1e-6);
        assert_eq!(table.embed(&[]), [0.0, 0.0]);
        assert_eq!(table.embed(&[77]), [0.0, 0.0]);
    }

    #[test]
    fn files_that_are_no_table_are_refused() {
        let good = Table::quantised(&[1.0, 2.0], 2).write().unwrap();
        let mut bad = good.clone();
        // Behind the header, the numbers of four bytes come first.
        let at = 8 + bad[0] as usize + 256 * bad[1] as usize;
        bad[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
        for bytes in [&good[..good.len() - 1], &good[..9], b"", &bad] {
            assert!(Table::read(bytes).is_err());
        }
    }
}
