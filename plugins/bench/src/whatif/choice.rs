//! Chooses among points: which to run more often, which is the best, which form the front.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use schedule::PolicyName;

use super::{
    goal::Met,
    point::{Point, Question},
};

/// Policies of a configuration that are run with all seeds: so many nearest to the goals, and so many
/// of the best that meet them.
pub(crate) const KEPT: usize = 3;
/// What misses the goals by more than this is not run again, but for the nearest policy of each
/// configuration.
pub(crate) const FAR: f64 = 1.0;
/// Objectives that differ by less, relative to the smaller, are the same to people.
const SAME: f64 = 1e-3;

impl Question {
    /// Which pairs of configuration and policy deserve all seeds, by what their first runs say.
    pub(crate) fn deserving(&self, points: &[Point]) -> BTreeSet<(usize, PolicyName)> {
        let mut kept = BTreeSet::new();
        let mut keep = |points: &[&Point], n: usize| {
            let points = points.iter().take(n);
            kept.extend(points.map(|point| (point.configuration, point.policy)));
        };
        for mut points in by_configuration(points) {
            points.sort_by(|a, b| self.by_miss(a, b));
            // Something must be known well of each.
            keep(&points, 1);
            points.retain(|point| point.miss <= FAR);
            keep(&points, KEPT);
            points.retain(|point| point.met == Met::Yes);
            points.sort_by(|a, b| self.by_price(a, b));
            keep(&points, KEPT);
        }
        kept
    }

    /// The nearest to the goals first.
    fn by_miss(&self, a: &Point, b: &Point) -> Ordering {
        let by_price = self.price(a).total_cmp(&self.price(b));
        a.miss.total_cmp(&b.miss).then(by_price)
    }

    fn by_price(&self, a: &Point, b: &Point) -> Ordering {
        let by_miss = a.miss.total_cmp(&b.miss);
        self.price(a).total_cmp(&self.price(b)).then(by_miss)
    }

    /// The best of those that meet the goals: the least objective; of those that are the same to
    /// people the fewest replicas, and then the farthest from missing a goal.
    pub(crate) fn best<'p>(
        &self,
        points: impl IntoIterator<Item = &'p Point>,
    ) -> Option<&'p Point> {
        let met = points.into_iter().filter(|point| point.met == Met::Yes);
        let met: Vec<&Point> = met.collect();
        let least = met.iter().map(|point| self.price(point)).reduce(f64::min)?;
        let bound = least + SAME * least.abs();
        met.into_iter()
            .filter(|point| self.price(point) <= bound)
            .min_by(|a, b| {
                let by_replicas = a.n_replicas.cmp(&b.n_replicas);
                by_replicas.then(self.by_miss(a, b))
            })
    }

    /// The one that is nearest to the goals; of those that are as near as anybody can tell, the best.
    pub(crate) fn nearest<'p>(
        &self,
        points: impl IntoIterator<Item = &'p Point>,
    ) -> Option<&'p Point> {
        let points: Vec<&Point> = points.into_iter().collect();
        let first = points.iter().copied().min_by(|a, b| self.by_miss(a, b))?;
        if first.miss <= 0.0 {
            return Some(first);
        }
        let near = points
            .into_iter()
            .filter(|point| !point.is_farther_than(first));
        near.min_by(|a, b| {
            let (a_price, b_price) = (self.price(a), self.price(b));
            let is_same = (a_price - b_price).abs() <= SAME * a_price.abs().min(b_price.abs());
            let by_price = if is_same {
                Ordering::Equal
            } else {
                a_price.total_cmp(&b_price)
            };
            by_price.then(a.miss.total_cmp(&b.miss))
        })
    }

    /// The best, or else the nearest, of each configuration; among those that were run most often.
    pub(crate) fn of_each_configuration<'p>(&self, points: &'p [Point]) -> Vec<&'p Point> {
        let chosen = by_configuration(points).filter_map(|points| {
            let most = points.iter().map(|point| point.n_runs).max();
            let often = || points.iter().copied().filter(|it| Some(it.n_runs) == most);
            self.best(often()).or_else(|| self.nearest(often()))
        });
        chosen.collect()
    }

    /// Those that no other beats in one of objective and first goal without being worse in the other;
    /// by rising objective. Of equals, the first.
    pub(crate) fn front<'p>(&self, points: &[&'p Point]) -> Vec<&'p Point> {
        let value = |point: &Point| {
            let mean = point.goals.first().map_or(0.0, |interval| interval.mean);
            let wants_less = self
                .goals
                .first()
                .is_none_or(|goal| goal.comparison.wants_less());
            if wants_less { mean } else { -mean }
        };
        let mut sorted = points.to_vec();
        sorted.sort_by(|a, b| {
            let by_price = self.price(a).total_cmp(&self.price(b));
            by_price.then(value(a).total_cmp(&value(b)))
        });
        let mut least = f64::INFINITY;
        sorted.retain(|point| {
            let is_better = value(point) < least;
            least = least.min(value(point));
            is_better
        });
        sorted
    }
}

fn by_configuration(points: &[Point]) -> impl Iterator<Item = Vec<&Point>> {
    let mut all = BTreeMap::<usize, Vec<&Point>>::new();
    for point in points {
        all.entry(point.configuration).or_default().push(point);
    }
    all.into_values()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        stats::Interval,
        whatif::goal::{Goal, Measure},
    };

    fn question() -> Question {
        Question {
            goals: Goal::parse_list("p95 < 2s").unwrap(),
            minimise: Measure::parse("cost").unwrap(),
            n_seeds: 1,
        }
    }

    /// A point with a cost and a latency.
    fn point(configuration: usize, policy: PolicyName, cost: f64, p95: f64) -> Point {
        let interval = |mean| Interval {
            n: 1,
            mean,
            half_width: None,
        };
        let goal = question().goals[0];
        Point {
            configuration,
            policy,
            n_replicas: configuration as u32 + 1,
            n_runs: 1,
            met: goal.judge(&[p95]).1,
            miss: goal.miss(p95),
            goals: vec![interval(p95)],
            objective: interval(cost),
            misses: vec![goal.miss(p95)],
            failed_share: 0.0,
        }
    }

    const FIFO: PolicyName = PolicyName::Fifo;

    /// The numbers of the configurations that are on the front of points with these costs and
    /// latencies.
    fn check_front(points: &[(f64, f64)], expected: &[usize]) {
        let points: Vec<Point> = (0..)
            .zip(points)
            .map(|(n, (cost, p95))| point(n, FIFO, *cost, *p95))
            .collect();
        let points: Vec<&Point> = points.iter().collect();
        let front = question().front(&points);
        let found: Vec<_> = front.iter().map(|point| point.configuration).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn fronts() {
        check_front(&[], &[]);
        check_front(&[(1.0, 9.0)], &[0]);
        check_front(&[(3.0, 1.0), (2.0, 2.0), (1.0, 3.0)], &[2, 1, 0]);
        // Beaten, and equal.
        check_front(
            &[(1.0, 3.0), (2.0, 3.0), (2.0, 2.0), (2.0, 2.0), (3.0, 2.5)],
            &[0, 2],
        );
    }

    #[test]
    fn the_best_is_the_cheapest_that_meets_the_goal() {
        let question = question();
        let best = |points: &[Point]| question.best(points).map(|point| point.configuration);
        let far = point(0, FIFO, 1.0, 2.5);
        assert_eq!(best(std::slice::from_ref(&far)), None);
        let points = [far, point(2, FIFO, 2.001, 1.2), point(1, FIFO, 2.002, 1.5)];
        // As cheap to people, and fewer replicas.
        assert_eq!(best(&points), Some(1));
        assert_eq!(
            question.nearest(&points).map(|point| point.configuration),
            Some(2)
        );
        let rows = question.of_each_configuration(&points);
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn only_what_comes_near_is_run_again() {
        let policies = &PolicyName::ALL[..8];
        let of = |configuration, p95: f64| {
            let policies = policies.iter().zip(0..);
            let points = policies
                .map(move |(policy, n)| point(configuration, *policy, 9.0, p95 + f64::from(n)));
            points.collect::<Vec<_>>()
        };
        let question = question();
        let kept = question.deserving(&[of(0, 2.5), of(1, 50.0), of(2, 1.0)].concat());
        let count = |configuration| {
            let kept = kept.iter().filter(|(number, _)| *number == configuration);
            kept.count()
        };
        // Of the first, 2.5 and 3.5 are no more than twice the bound; of the last 1, 2 and 3. Nothing
        // of the second comes near, and its nearest is known well all the same.
        assert_eq!([count(0), count(1), count(2)], [2, 1, 3]);
    }
}
