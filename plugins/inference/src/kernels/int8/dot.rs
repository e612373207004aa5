//! Sums of products of bytes, by the best instructions that the machine has.

use pulp::Arch;

use super::{HIGHEST, Sums, WIDTH};

/// The instructions that sums are made with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// AVX-512 VNNI: four products and their sum at once. Made only where it was looked for.
    #[cfg(target_arch = "x86_64")]
    Vnni(Found),
    /// AVX2, by products of 16 bits, which cannot overflow.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// Whatever the compiler makes of plain code.
    Portable,
}

/// Says that AVX-512 with VNNI is there.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Found(());

impl Way {
    /// The best one that this machine has.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
                return Self::Vnni(Found(()));
            }
            match Arch::new() {
                Arch::V4(v4) => return Self::Avx2(*v4),
                Arch::V3(v3) => return Self::Avx2(v3),
                _ => {}
            }
        }
        Self::Portable
    }

    /// Every one that this machine has.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::best(), Self::Portable];
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = pulp::x86::V3::try_new() {
            all.push(Self::Avx2(v3));
        }
        all
    }

    /// Sums up the products of `height` rows' words with a panel's: unsigned bytes times signed ones.
    #[cfg_attr(
        target_arch = "x86_64",
        expect(unsafe_code, reason = "a call of what only some machines have")
    )]
    pub(super) fn sums(
        self,
        height: usize,
        words: &[u32],
        weights: &[[i32; WIDTH]],
        sums: &mut Sums,
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(Found(())) => {
                // SAFETY: `Found` is made only where the instructions were looked for and found.
                unsafe { vnni::sums(height, words, weights, sums) }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(v3) => v3.vectorize(avx2::SumUp {
                simd: v3,
                height,
                words,
                weights,
                sums,
            }),
            Self::Portable => portable(height, words, weights, sums),
        }
    }
}

fn portable(height: usize, words: &[u32], weights: &[[i32; WIDTH]], sums: &mut Sums) {
    for (nth, sums) in sums.iter_mut().enumerate().take(height) {
        *sums = [0; WIDTH];
        for (words, weights) in words.chunks_exact(height).zip(weights) {
            let x = words[nth].to_le_bytes().map(i32::from);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                for (x, weight) in x.iter().zip(weights.to_le_bytes()) {
                    *sum += x * i32::from(weight as i8);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod vnni {
    use std::arch::x86_64::{
        __m512i, _mm512_dpbusd_epi32, _mm512_set1_epi32, _mm512_setzero_si512,
    };

    use pulp::bytemuck;

    use super::{HIGHEST, Sums, WIDTH};

    /// Vectors that a panel is wide.
    const WIDE: usize = WIDTH / 16;

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub(super) fn sums(height: usize, words: &[u32], weights: &[[i32; WIDTH]], sums: &mut Sums) {
        macro_rules! by_height {
            ($($height:literal)*) => {
                match height {
                    $($height => tile::<$height>(words, weights, sums),)*
                    _ => {}
                }
            };
        }
        const { assert!(HIGHEST == 14) };
        by_height!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    fn tile<const ROWS: usize>(words: &[u32], weights: &[[i32; WIDTH]], sums: &mut Sums) {
        let mut all = [[_mm512_setzero_si512(); WIDE]; ROWS];
        for (words, weights) in words.as_chunks::<ROWS>().0.iter().zip(weights) {
            let weights: [__m512i; WIDE] = bytemuck::cast(*weights);
            for (sums, word) in all.iter_mut().zip(words) {
                let word = _mm512_set1_epi32(word.cast_signed());
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = _mm512_dpbusd_epi32(*sum, word, weights);
                }
            }
        }
        for (to, all) in sums.iter_mut().zip(all) {
            *to = bytemuck::cast(all);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256i;

    use pulp::{NullaryFnOnce, bytemuck, x86::V3};

    use super::{Sums, WIDTH};

    /// Columns of a vector.
    const LANES: usize = 8;
    /// Rows whose sums stay in registers.
    const ROWS: usize = 4;

    pub(super) struct SumUp<'a> {
        pub(super) simd: V3,
        pub(super) height: usize,
        pub(super) words: &'a [u32],
        pub(super) weights: &'a [[i32; WIDTH]],
        pub(super) sums: &'a mut Sums,
    }

    impl NullaryFnOnce for SumUp<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            for from in (0..self.height).step_by(ROWS) {
                for part in 0..WIDTH / LANES {
                    let sums: [[i32; LANES]; ROWS] = bytemuck::cast(self.tile(from, part));
                    for (to, sums) in self.sums[from..self.height].iter_mut().zip(sums) {
                        to[part * LANES..][..LANES].copy_from_slice(&sums);
                    }
                }
            }
        }
    }

    impl SumUp<'_> {
        /// Of some rows, the sums of eight columns.
        #[inline(always)]
        fn tile(&self, from: usize, part: usize) -> [__m256i; ROWS] {
            let avx2 = self.simd.avx2;
            let low = bytemuck::cast([0x00ff_00ff_i32; LANES]);
            let mut all = [bytemuck::cast([0_i32; LANES]); ROWS];
            let rows = ROWS.min(self.height - from);
            for (words, weights) in self.words.chunks_exact(self.height).zip(self.weights) {
                let mut columns = [0_i32; LANES];
                columns.copy_from_slice(&weights[part * LANES..][..LANES]);
                let columns: __m256i = bytemuck::cast(columns);
                // Every second byte as 16 bits with its sign, then the others.
                let even = avx2._mm256_srai_epi16::<8>(avx2._mm256_slli_epi16::<8>(columns));
                let odd = avx2._mm256_srai_epi16::<8>(columns);
                for (sum, word) in all.iter_mut().zip(&words[from..from + rows]) {
                    let x: __m256i = bytemuck::cast([*word; LANES]);
                    let x_even = avx2._mm256_and_si256(x, low);
                    let x_odd = avx2._mm256_srli_epi16::<8>(x);
                    let products = avx2._mm256_add_epi32(
                        avx2._mm256_madd_epi16(x_even, even),
                        avx2._mm256_madd_epi16(x_odd, odd),
                    );
                    *sum = avx2._mm256_add_epi32(*sum, products);
                }
            }
            all
        }
    }
}
