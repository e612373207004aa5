//! Gives the tensors of a safetensors file away, each once, so that the file need not lie in memory
//! beside what is made of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{DType, Device, Error, Result, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};
use safetensors::{Dtype, SafeTensors};

/// Bytes that are let go at once.
const CHUNK_BYTES: usize = 4 << 20;

/// The tensors that have not been given away.
#[derive(Clone, Debug)]
pub(crate) struct Tensors(Arc<Mutex<BTreeMap<String, Whole>>>);

#[derive(Debug)]
struct Whole {
    shape: Vec<usize>,
    numbers: Vec<f32>,
}

impl Tensors {
    /// Takes a file apart from its end, letting go of its bytes on the way. Tensors of kinds that no
    /// model here computes with are left out.
    ///
    /// # Errors
    /// If its header is not right.
    pub(crate) fn read(mut file: Vec<u8>) -> Result<Self> {
        let wrong = |error: safetensors::SafeTensorError| Error::Msg(error.to_string());
        let (n_header, metadata) = SafeTensors::read_metadata(&file).map_err(wrong)?;
        // The header's own length stands before it.
        let first = n_header + size_of::<u64>();
        let mut infos: Vec<_> = metadata.tensors().into_iter().collect();
        infos.sort_by_key(|(_, info)| std::cmp::Reverse(info.data_offsets));
        let mut all = BTreeMap::new();
        for (name, info) in infos {
            let (from, to) = (first + info.data_offsets.0, first + info.data_offsets.1);
            let numbers = if info.dtype == Dtype::F32 {
                file.truncate(to);
                take_from_end(&mut file, from)
            } else if let Ok(kind) = DType::try_from(info.dtype) {
                let raw =
                    Tensor::from_raw_buffer(&file[from..to], kind, &info.shape, &Device::Cpu)?;
                raw.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?
            } else {
                continue;
            };
            let shape = info.shape.clone();
            all.insert(name, Whole { shape, numbers });
        }
        Ok(Self(Arc::new(Mutex::new(all))))
    }

    /// Gives a tensor away, row by row.
    ///
    /// # Errors
    /// If there is none of this name, or it has another shape.
    pub(crate) fn take(&self, name: &str, shape: &Shape) -> Result<Vec<f32>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let path = || name.to_owned();
        match all.get(name) {
            None => Err(Error::CannotFindTensor { path: path() }),
            Some(whole) if whole.shape != shape.dims() => Err(Error::UnexpectedShape {
                msg: format!("shape mismatch for {name}"),
                expected: shape.clone(),
                got: whole.shape.clone().into(),
            }),
            Some(_) => Ok(all
                .remove(name)
                .map(|whole| whole.numbers)
                .unwrap_or_default()),
        }
    }

    /// The same for what builds models.
    pub(crate) fn builder(&self) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(self.clone()), DType::F32, Device::Cpu)
    }
}

impl SimpleBackend for Tensors {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, dev: &Device) -> Result<Tensor> {
        let numbers = self.take(name, &shape)?;
        Tensor::from_vec(numbers, shape, dev)?.to_dtype(dtype)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, dev: &Device) -> Result<Tensor> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shape = all.get(name).map(|whole| whole.shape.clone());
        drop(all);
        self.get(
            shape.unwrap_or_default().into(),
            name,
            Init::Const(0.0),
            dtype,
            dev,
        )
    }

    fn contains_tensor(&self, name: &str) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.contains_key(name)
    }
}

/// The numbers that a file holds from `from` on, which the file then holds no more.
fn take_from_end(file: &mut Vec<u8>, from: usize) -> Vec<f32> {
    // Memory that has only been zeroed takes no room until it is written to.
    let mut numbers = vec![0.0; file.len().saturating_sub(from) / size_of::<f32>()];
    for chunk in numbers.rchunks_mut(CHUNK_BYTES / size_of::<f32>()) {
        let start = file.len() - size_of_val(chunk);
        let bytes = file[start..].as_chunks::<4>().0;
        for (number, bytes) in chunk.iter_mut().zip(bytes) {
            *number = f32::from_le_bytes(*bytes);
        }
        file.truncate(start);
        file.shrink_to_fit();
    }
    numbers
}

#[cfg(test)]
mod tests {
    use safetensors::{serialize, tensor::TensorView};

    use super::*;

    fn file(big: usize) -> Vec<u8> {
        let bytes =
            |n: usize| -> Vec<u8> { (0..n).flat_map(|at| (at as f32).to_le_bytes()).collect() };
        let (wide, small, ids) = (bytes(big), bytes(6), 7_i64.to_le_bytes());
        let views = [
            ("wide", TensorView::new(Dtype::F32, vec![big], &wide)),
            ("small", TensorView::new(Dtype::F32, vec![2, 3], &small)),
            ("ids", TensorView::new(Dtype::I64, vec![1], &ids)),
        ];
        serialize(views.map(|(name, view)| (name, view.unwrap())), None).unwrap()
    }

    #[test]
    fn every_tensor_is_given_away_once_and_whole() {
        // More than two chunks, and no whole number of them.
        let n = 2 * CHUNK_BYTES / 4 + 12_345;
        let tensors = Tensors::read(file(n)).unwrap();
        let wide = tensors.take("wide", &n.into()).unwrap();
        assert!(
            wide.iter()
                .enumerate()
                .all(|(at, number)| *number == at as f32)
        );
        let builder = tensors.builder();
        assert!(builder.get((3, 2), "small").is_err());
        let small: Vec<Vec<f32>> = builder.get((2, 3), "small").unwrap().to_vec2().unwrap();
        assert_eq!(small, [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
        assert_eq!(tensors.take("ids", &1.into()).unwrap(), [7.0]);
        for name in ["wide", "small", "ids", "none"] {
            assert!(!builder.contains_tensor(name) && builder.get(1, name).is_err());
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let good = file(3);
        for bytes in [&b""[..], &good[..9], &good[..good.len() - 1]] {
            assert!(Tensors::read(bytes.to_vec()).is_err());
        }
    }
}
