//! What models are computed with on the processor: products with packed weights, norms, softmax
//! and the like, over plain slices of f32.
//!
//! * Every kernel chooses its instruction set at run time: see [`Level`].
//! * Every element of a result is summed in one order that follows from its own row and column
//!   alone. So a row has the same bits among any other rows, and on any number of threads.
//! * Threads belong to a replica: see [`Team`].

mod aligned;
mod attention;
mod gelu;
mod gemm;
mod int8;
mod level;
mod linear;
mod log_sum;
mod long_attention;
mod norm;
pub(crate) mod paged_attention;
pub(crate) mod q8;
#[cfg(test)]
mod reference;
mod softmax;
mod team;

pub(crate) use self::{
    attention::{Heads, attend},
    gelu::silu,
    int8::EXACT,
    level::Level,
    linear::{Activation, Linear},
    log_sum::{highest, log_sum_exp},
    long_attention::{Attention, Lane, PackedHead},
    norm::{layer_norm, rms_norm},
    softmax::softmax,
    team::Team,
};
