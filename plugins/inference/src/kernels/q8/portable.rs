//! Products of panels and tiles in plain code.

use std::ops::Range;

use half::f16;

use super::{
    BLOCK, Groups, PANEL, Panels, Scales, Target, each_panel_and_tile,
    rows::{Q8Rows, Tile},
};

pub(super) fn multiply(
    panels: Panels<'_>,
    x: &Q8Rows,
    tiles: Range<usize>,
    mut target: Target<'_>,
) {
    each_panel_and_tile!(product, panels, x, tiles, target);
}

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
    for (((groups, scales), quants), row_scales) in
        groups.iter().zip(scales).zip(quants).zip(row_scales)
    {
        let scales = scales.map(|bits| f16::from_bits(bits).to_f32());
        for (row, sums) in sums.iter_mut().enumerate() {
            let mut products = [0i32; PANEL];
            for (group, quants) in groups.0.iter().zip(quants) {
                let row_bytes = quants[row].to_le_bytes();
                for (product, weights) in products.iter_mut().zip(group.as_chunks::<4>().0) {
                    for (weight, byte) in weights.iter().zip(row_bytes) {
                        *product += i32::from((weight ^ 0x80) as i8) * i32::from(byte as i8);
                    }
                }
            }
            for ((sum, product), scale) in sums.iter_mut().zip(products).zip(scales) {
                *sum = (product as f32).mul_add(scale * row_scales[row], *sum);
            }
        }
    }
}
