//! Products of panels and tiles with AVX-512 and VNNI.

#[cfg(target_arch = "x86_64")]
pub(super) use self::x86::{is_here, multiply};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use super::portable::multiply;

/// Whether this machine has them.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn is_here() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::{arch::x86_64::*, ops::Range};

    use crate::kernels::q8::{
        BLOCK, Groups, PANEL, Panels, Scales, Target, each_panel_and_tile, portable,
        rows::{Q8Rows, Tile},
    };

    /// Whether this machine has them.
    pub(in super::super) fn is_here() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
    }

    pub(in super::super) fn multiply(
        panels: Panels<'_>,
        x: &Q8Rows,
        tiles: Range<usize>,
        target: Target<'_>,
    ) {
        if !is_here() {
            return portable::multiply(panels, x, tiles, target);
        }
        // SAFETY: the features that the function is compiled for have just been seen.
        #[expect(unsafe_code, reason = "the one way to code for a chosen machine")]
        unsafe {
            multiply_here(panels, x, tiles, target);
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    fn multiply_here(panels: Panels<'_>, x: &Q8Rows, tiles: Range<usize>, mut target: Target<'_>) {
        each_panel_and_tile!(product, panels, x, tiles, target);
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    fn product<const M: usize>(
        groups: &[Groups],
        scales: &[Scales],
        tile: Tile<'_>,
        sums: &mut [[f32; PANEL]; M],
    ) {
        let quants = tile
            .quants
            .as_chunks::<M>()
            .0
            .as_chunks::<{ BLOCK / 4 }>()
            .0;
        let row_scales = tile.scales.as_chunks::<M>().0;
        let offsets = tile.offsets.as_chunks::<M>().0;
        let mut totals = [_mm512_setzero_ps(); M];
        for ((((groups, scales), quants), row_scales), offsets) in groups
            .iter()
            .zip(scales)
            .zip(quants)
            .zip(row_scales)
            .zip(offsets)
        {
            let mut products = [_mm512_setzero_si512(); M];
            for row in 0..M {
                products[row] = _mm512_set1_epi32(offsets[row]);
            }
            for (group, quants) in groups.0.iter().zip(quants) {
                let weights: __m512i = bytemuck::cast(*group);
                for row in 0..M {
                    let four = _mm512_set1_epi32(quants[row]);
                    products[row] = _mm512_dpbusd_epi32(products[row], weights, four);
                }
            }
            let scales = _mm512_cvtph_ps(bytemuck::cast(*scales));
            for row in 0..M {
                let scale = _mm512_mul_ps(scales, _mm512_set1_ps(row_scales[row]));
                totals[row] =
                    _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[row]), scale, totals[row]);
            }
        }
        for row in 0..M {
            sums[row] = bytemuck::cast(totals[row]);
        }
    }
}
