//! Marks measurements that something else than the model made long or short.

/// The least scatter that is believed of a few values, as a share of their median.
const LEAST_SCATTER: f64 = 0.01;
/// How many scaled median absolute deviations from the median a value may lie: the limit of Iglewicz
/// and Hoaglin (1993), "How to detect and handle outliers".
const MOST_DEVIATIONS: f64 = 3.5;
/// Makes the median absolute deviation of normal values their standard deviation.
pub(super) const MAD_TO_SIGMA: f64 = 1.4826;

/// The value that as many others lie below as above, between two if need be; 0 if there is none.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that a `share` of all lies below, on a straight line between neighbours; 0 if there is
/// none. Hyndman and Fan (1996), "Sample quantiles in statistical packages", number 7.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * place.fract()
}

/// The median absolute deviation from the median, scaled to a standard deviation.
pub(super) fn scatter(values: &[f64]) -> f64 {
    let middle = median(values);
    let away: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    MAD_TO_SIGMA * median(&away)
}

/// Which values lie too far from the median of all. What is nearer to it than a few hundredths never
/// does, however close the others are by chance.
pub fn outliers(values: &[f64]) -> Vec<bool> {
    let middle = median(values);
    let scatter = scatter(values).max(LEAST_SCATTER * middle.abs());
    let is_far = |value: &f64| (value - middle).abs() > MOST_DEVIATIONS * scatter;
    values.iter().map(is_far).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        for (values, share, expected) in [
            (&[][..], 0.5, 0.0),
            (&[3.0], 0.99, 3.0),
            (&[4.0, 1.0, 3.0, 2.0], 0.5, 2.5),
            (&[1.0, 2.0, 3.0, 4.0, 5.0], 0.25, 2.0),
            (&[1.0, 2.0, 3.0, 4.0, 5.0], 1.0, 5.0),
        ] {
            assert_eq!(quantile(values, share), expected, "{values:?} {share}");
        }
    }

    #[test]
    fn what_lies_far_off_is_marked_and_nothing_else() {
        let values = [10.0, 10.2, 9.9, 10.1, 35.0, 10.0, 9.8, 0.2];
        let marked = outliers(&values);
        let far: Vec<f64> = values
            .iter()
            .zip(&marked)
            .filter_map(|(value, marked)| marked.then_some(*value))
            .collect();
        assert_eq!(far, [35.0, 0.2]);
        assert_eq!(outliers(&[1.0, 1.0, 1.0]), [false; 3]);
        assert_eq!(outliers(&[1.0, 1.001, 1.02]), [false; 3]);
        assert_eq!(outliers(&[]), [false; 0]);
    }
}
