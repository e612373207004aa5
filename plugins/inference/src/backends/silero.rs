//! Hears where somebody speaks, with Silero's voice activity model at 16 kHz.
//!
//! Windows of 32 ms, each with the last 4 ms of the one before: magnitudes of a short Fourier transform,
//! four convolutions, and a memory (LSTM) that goes from window to window; one probability each.
//! Silero Team (2024), "Silero VAD", <https://github.com/snakers4/silero-vad>.

use std::{collections::HashMap, fmt, sync::Arc};

use candle_core::{Device, Tensor, safetensors::load_buffer};

use crate::{
    backend::BackendError,
    check::CheckedModel,
    kernels::{Activation, Linear, Team},
    safetensors_header,
};

/// Samples of a window.
pub(crate) const WINDOW: usize = 512;
/// Samples of the window before that are heard again.
const CONTEXT: usize = 64;
/// Samples of a frame of the transform, and from frame to frame.
const FRAME: usize = 256;
const HOP: usize = 128;
/// Frames in a window, and frequencies in a frame.
const FRAMES: usize = 4;
const BINS: usize = FRAME / 2 + 1;
/// Numbers that the memory has.
const MEMORY: usize = 128;
/// Windows that are worked off together, all but the memory.
const AT_ONCE: usize = 64;

/// The model. Clones share its weights.
#[derive(Clone)]
pub struct VoiceActivity(Arc<Shared>);

struct Shared {
    version: String,
    transform: Linear,
    /// Convolutions over three neighbours, each with the step from output to output.
    convolutions: [(Linear, usize); 4],
    input: Linear,
    memory: Linear,
    last: Linear,
}

impl fmt::Debug for VoiceActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VoiceActivity")
            .field("version", &self.0.version)
            .finish_non_exhaustive()
    }
}

/// What the model keeps between windows of one sound.
#[derive(Clone, Debug)]
pub struct VoiceMemory {
    context: [f32; CONTEXT],
    hidden: [f32; MEMORY],
    cell: [f32; MEMORY],
}

impl Default for VoiceMemory {
    /// Before the start of a sound.
    fn default() -> Self {
        Self {
            context: [0.0; CONTEXT],
            hidden: [0.0; MEMORY],
            cell: [0.0; MEMORY],
        }
    }
}

impl VoiceActivity {
    /// Reads the weights of checked files.
    ///
    /// # Errors
    /// [`BackendError::BadFile`] says what is wrong with the file.
    pub fn read(files: &CheckedModel) -> Result<Self, BackendError> {
        const FILE: &str = "silero_vad_16k.safetensors";
        let read = || {
            let bytes = files.file(FILE).ok_or("the model has no such file")?;
            safetensors_header::check_safetensors(bytes)?;
            let tensors = load_buffer(bytes, &Device::Cpu).map_err(|error| error.to_string())?;
            Shared::read(files.version.clone(), &Tensors(tensors))
        };
        let shared = read().map_err(|why: String| BackendError::BadFile {
            model: files.version.clone(),
            file: String::from(FILE),
            why,
        })?;
        Ok(Self(Arc::new(shared)))
    }

    /// The version of the model: its name, `@` and the start of its hash.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// The probability that somebody speaks, for each window of 32 ms; the last one is filled up with silence.
    pub fn probabilities(&self, samples: &[f32]) -> Vec<f32> {
        self.go_on(&mut VoiceMemory::default(), samples)
    }

    /// As [`Self::probabilities`], for the next windows of a sound.
    pub fn go_on(&self, memory: &mut VoiceMemory, samples: &[f32]) -> Vec<f32> {
        let mut probabilities = Vec::with_capacity(samples.len().div_ceil(WINDOW));
        for samples in samples.chunks(AT_ONCE * WINDOW) {
            let n_windows = samples.len().div_ceil(WINDOW);
            let mut heard = memory.context.to_vec();
            heard.extend_from_slice(samples);
            heard.resize(CONTEXT + n_windows * WINDOW, 0.0);
            memory.context.copy_from_slice(&heard[n_windows * WINDOW..]);
            let features = self.0.features(&heard, n_windows);
            for gates in features.chunks_exact(4 * MEMORY) {
                probabilities.push(self.0.remember(memory, gates));
            }
        }
        probabilities
    }
}

struct Tensors(HashMap<String, Tensor>);

impl Tensors {
    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let tensor = self
            .0
            .get(name)
            .ok_or_else(|| format!("it has no tensor {name:?}"))?;
        if tensor.dims() != shape {
            let dims = tensor.dims();
            return Err(format!(
                "tensor {name:?} has the shape {dims:?} instead of {shape:?}"
            ));
        }
        tensor
            .flatten_all()
            .and_then(|flat| flat.to_vec1())
            .map_err(|error| error.to_string())
    }

    /// A convolution over three neighbours, as a product with their numbers one after another.
    fn convolution(&self, name: &str, n_in: usize, n_out: usize) -> Result<Linear, String> {
        let weights = self.floats(&format!("{name}.weight"), &[n_out, n_in, 3])?;
        let bias = self.floats(&format!("{name}.bias"), &[n_out])?;
        let turned: Vec<f32> = weights
            .chunks_exact(3 * n_in)
            .flat_map(|of| (0..3).flat_map(move |place| of[place..].iter().step_by(3).copied()))
            .collect();
        Ok(Linear::pack(&turned, Some(&bias), 3 * n_in, n_out))
    }

    fn gates(&self, name: &str) -> Result<Linear, String> {
        let weights = self.floats(&format!("lstm_cell.weight_{name}"), &[4 * MEMORY, MEMORY])?;
        let bias = self.floats(&format!("lstm_cell.bias_{name}"), &[4 * MEMORY])?;
        Ok(Linear::pack(&weights, Some(&bias), MEMORY, 4 * MEMORY))
    }
}

impl Shared {
    fn read(version: String, tensors: &Tensors) -> Result<Self, String> {
        let transform = tensors.floats("stft_conv.weight", &[2 * BINS, 1, FRAME])?;
        let last = tensors.floats("final_conv.weight", &[1, MEMORY, 1])?;
        let last_bias = tensors.floats("final_conv.bias", &[1])?;
        Ok(Self {
            version,
            transform: Linear::pack(&transform, None, FRAME, 2 * BINS),
            convolutions: [
                (tensors.convolution("conv1", BINS, 128)?, 1),
                (tensors.convolution("conv2", 128, 64)?, 2),
                (tensors.convolution("conv3", 64, 64)?, 2),
                (tensors.convolution("conv4", 64, 128)?, 1),
            ],
            input: tensors.gates("ih")?,
            memory: tensors.gates("hh")?,
            last: Linear::pack(&last, Some(&last_bias), MEMORY, 1),
        })
    }

    /// What the memory's gates are given by each window.
    fn features(&self, heard: &[f32], n_windows: usize) -> Vec<f32> {
        let mut frames = Vec::with_capacity(n_windows * FRAMES * FRAME);
        for nth in 0..n_windows {
            let mut window = heard[nth * WINDOW..][..CONTEXT + WINDOW].to_vec();
            // The end is mirrored, without itself.
            window.extend_from_within(WINDOW - 1..CONTEXT + WINDOW - 1);
            window[CONTEXT + WINDOW..].reverse();
            for start in (0..FRAMES).map(|frame| frame * HOP) {
                frames.extend_from_slice(&window[start..start + FRAME]);
            }
        }
        let spectrum = forward(&self.transform, &frames, Activation::None);
        let mut x: Vec<f32> = spectrum
            .chunks_exact(2 * BINS)
            .flat_map(|frame| {
                let (real, imaginary) = frame.split_at(BINS);
                real.iter()
                    .zip(imaginary)
                    .map(|(a, b)| (a * a + b * b).sqrt())
            })
            .collect();
        let mut n_frames = FRAMES;
        for (layer, step) in &self.convolutions {
            let unfolded = neighbours(&x, n_frames, layer.n_in() / 3, *step);
            x = forward(layer, &unfolded, Activation::None);
            x.iter_mut().for_each(|x| *x = x.max(0.0));
            n_frames = n_frames.div_ceil(*step);
        }
        forward(&self.input, &x, Activation::None)
    }

    /// Takes a window into the memory (Hochreiter, Schmidhuber 1997); the probability that comes of it.
    fn remember(&self, memory: &mut VoiceMemory, gates: &[f32]) -> f32 {
        let own = forward(&self.memory, &memory.hidden, Activation::None);
        let gate = |which: usize, nth: usize| {
            let at = which * MEMORY + nth;
            gates[at] + own[at]
        };
        for nth in 0..MEMORY {
            let (take, keep) = (sigmoid(gate(0, nth)), sigmoid(gate(1, nth)));
            let (new, show) = (gate(2, nth).tanh(), sigmoid(gate(3, nth)));
            memory.cell[nth] = keep * memory.cell[nth] + take * new;
            memory.hidden[nth] = show * memory.cell[nth].tanh();
        }
        let shown = memory.hidden.map(|x| x.max(0.0));
        sigmoid(forward(&self.last, &shown, Activation::None)[0])
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn forward(layer: &Linear, x: &[f32], activation: Activation) -> Vec<f32> {
    let n_rows = x.len() / layer.n_in();
    let mut y = vec![0.0; n_rows * layer.n_out()];
    layer.forward(&Team::alone(), x, n_rows, &mut y, activation);
    y
}

/// For each output the frames before, at and after its place; what lies outside a window is zero.
fn neighbours(x: &[f32], n_frames: usize, width: usize, step: usize) -> Vec<f32> {
    let mut unfolded = Vec::new();
    for window in x.chunks_exact(n_frames * width) {
        for place in (0..n_frames).step_by(step) {
            for neighbour in [place.checked_sub(1), Some(place), Some(place + 1)] {
                match neighbour.filter(|&nth| nth < n_frames) {
                    Some(nth) => unfolded.extend_from_slice(&window[nth * width..][..width]),
                    None => unfolded.resize(unfolded.len() + width, 0.0),
                }
            }
        }
    }
    unfolded
}
