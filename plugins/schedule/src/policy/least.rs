//! The two least sums of two rows of numbers, found several at a time.

/// How many sums are compared at a time; rows are padded to a multiple of this with infinity.
pub(super) const WIDTH: usize = 4;

/// The two least sums and where they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TwoLeast {
    pub(super) values: [f64; 2],
    pub(super) places: [u32; 2],
}

/// The two least of `a[n] + b[n]`; of equals, the first. Infinity at place 0 where there are none.
pub(super) fn two_least(a: &[f64], b: &[f64]) -> TwoLeast {
    let mut least = [f64::INFINITY; WIDTH];
    let mut second = [f64::INFINITY; WIDTH];
    // Where they are, as floats, since all four are then compared and moved alike.
    let mut least_at = [0.0; WIDTH];
    let mut second_at = [0.0; WIDTH];
    let mut base = 0.0;
    for (a, b) in a.chunks_exact(WIDTH).zip(b.chunks_exact(WIDTH)) {
        for n in 0..WIDTH {
            let (sum, at) = (a[n] + b[n], base);
            let wins = sum < least[n];
            let (low, low_at) = if wins {
                (sum, at)
            } else {
                (least[n], least_at[n])
            };
            let (high, high_at) = if wins {
                (least[n], least_at[n])
            } else {
                (sum, at)
            };
            (least[n], least_at[n]) = (low, low_at);
            let wins = wins || high < second[n];
            second[n] = if wins { high } else { second[n] };
            second_at[n] = if wins { high_at } else { second_at[n] };
        }
        base += WIDTH as f64;
    }
    let mut found = TwoLeast {
        values: [f64::INFINITY; 2],
        places: [0; 2],
    };
    for n in 0..WIDTH {
        for (value, at) in [(least[n], least_at[n]), (second[n], second_at[n])] {
            found.offer(value, at as u32 + n as u32);
        }
    }
    found
}

impl TwoLeast {
    fn offer(&mut self, value: f64, at: u32) {
        let before = |rank: usize| {
            let known = (self.values[rank], self.places[rank]);
            value < known.0 || (value == known.0 && value.is_finite() && at < known.1)
        };
        if before(0) {
            self.values = [value, self.values[0]];
            self.places = [at, self.places[0]];
        } else if before(1) {
            self.values[1] = value;
            self.places[1] = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use sim::Streams;

    use super::*;

    #[test]
    fn the_two_least_are_those_that_sorting_finds() {
        let mut rng = Streams::new(5).stream("least", 0);
        for len in [4, 8, 32] {
            for _ in 0..500 {
                let mut draw = || f64::from(rng.random_range(0..20_u8));
                let a: Vec<f64> = (0..len).map(|_| draw()).collect();
                let b: Vec<f64> = (0..len).map(|_| draw()).collect();
                let mut sums: Vec<(f64, u32)> = (0..len as u32)
                    .map(|n| (a[n as usize] + b[n as usize], n))
                    .collect();
                sums.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
                let found = two_least(&a, &b);
                assert_eq!(found.values, [sums[0].0, sums[1].0]);
                assert_eq!(found.places, [sums[0].1, sums[1].1]);
            }
        }
    }
}
