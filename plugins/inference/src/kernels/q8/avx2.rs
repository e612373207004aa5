//! Products of panels and tiles with AVX2.

#[cfg(target_arch = "x86_64")]
pub(super) use self::x86::{is_here, multiply};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use super::portable::multiply;

/// Whether this machine has it.
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

    /// Lanes of a vector: half a panel.
    const HALF: usize = PANEL / 2;

    /// Whether this machine has it.
    pub(in super::super) fn is_here() -> bool {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
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

    #[target_feature(enable = "avx2,fma,f16c")]
    fn multiply_here(panels: Panels<'_>, x: &Q8Rows, tiles: Range<usize>, mut target: Target<'_>) {
        each_panel_and_tile!(product, panels, x, tiles, target);
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn product<const M: usize>(
        groups: &[Groups],
        scales: &[Scales],
        tile: Tile<'_>,
        sums: &mut [[f32; PANEL]; M],
    ) {
        half_product(groups, scales, tile, sums, 0);
        half_product(groups, scales, tile, sums, 1);
    }

    /// The product with rows `8 × half..` of the panel.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn half_product<const M: usize>(
        groups: &[Groups],
        scales: &[Scales],
        tile: Tile<'_>,
        sums: &mut [[f32; PANEL]; M],
        half: usize,
    ) {
        let quants = tile
            .quants
            .as_chunks::<M>()
            .0
            .as_chunks::<{ BLOCK / 4 }>()
            .0;
        let row_scales = tile.scales.as_chunks::<M>().0;
        let (offset, ones) = (_mm256_set1_epi8(-128), _mm256_set1_epi16(1));
        let mut totals = [_mm256_setzero_ps(); M];
        for (((groups, scales), quants), row_scales) in
            groups.iter().zip(scales).zip(quants).zip(row_scales)
        {
            let mut products = [_mm256_setzero_si256(); M];
            for (group, quants) in groups.0.iter().zip(quants) {
                let stored: __m256i = bytemuck::cast(group.as_chunks::<32>().0[half]);
                let weights = _mm256_xor_si256(stored, offset);
                let magnitudes = _mm256_abs_epi8(weights);
                for row in 0..M {
                    // One side has to be unsigned: the weights give their signs to the row.
                    let four = _mm256_sign_epi8(_mm256_set1_epi32(quants[row]), weights);
                    let pairs = _mm256_maddubs_epi16(magnitudes, four);
                    let fours = _mm256_madd_epi16(pairs, ones);
                    products[row] = _mm256_add_epi32(products[row], fours);
                }
            }
            let scales = _mm256_cvtph_ps(bytemuck::cast(scales.as_chunks::<HALF>().0[half]));
            for row in 0..M {
                let scale = _mm256_mul_ps(scales, _mm256_set1_ps(row_scales[row]));
                totals[row] =
                    _mm256_fmadd_ps(_mm256_cvtepi32_ps(products[row]), scale, totals[row]);
            }
        }
        for row in 0..M {
            let total: [f32; HALF] = bytemuck::cast(totals[row]);
            sums[row].as_chunks_mut::<HALF>().0[half] = total;
        }
    }
}
