//! Says the answer in sentences.

use super::{
    goal::{Goal, Measure, Met},
    knob::{Knob, Setting, Vary},
    point::{Configuration, Findings, Point},
    study::{Answer, Study},
};
use crate::metric::Metric;

/// What a knob does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trend {
    /// Nothing to speak of.
    None,
    /// It helps, and more so at an end of its values.
    Helps(String),
    /// It makes a difference, and the best of it was tried.
    Within,
}

impl Study {
    /// The answer in one sentence, or two.
    pub fn sentence(&self, answer: &Answer<'_>) -> String {
        match (answer.best, answer.nearest) {
            (Some(best), _) => {
                let mut text = self.best_text(best);
                if let Some(fewer) = answer.fewer {
                    text.push_str(&format!(
                        "; with fewer replicas the best is {} ({})",
                        self.goal_values(fewer),
                        self.point_name(fewer)
                    ));
                }
                text + "."
            }
            (None, Some(nearest)) if nearest.met == Met::Unsure => format!(
                "On average {} would do, but it is not sure to keep {}: {}.",
                self.point_name(nearest),
                self.goals_text(),
                self.goal_values(nearest),
            ),
            (None, Some(nearest)) => format!(
                "Nothing that was tried keeps {}. The nearest is {}: {}, {}.",
                self.goals_text(),
                self.point_name(nearest),
                self.goal_values(nearest),
                self.miss_text(nearest)
            ),
            (None, None) => "Nothing could be run to its end.".to_owned(),
        }
    }

    fn best_text(&self, best: &Point) -> String {
        let measure = self.question.minimise;
        let label = measure.label();
        let (which, verb) = match measure {
            Measure::Metric(Metric::HoldingCost | Metric::Cost) => {
                ("The cheapest that keeps".to_owned(), "is")
            }
            Measure::Replicas => ("The smallest that keeps".to_owned(), "is"),
            more if more.is_more_better() => (format!("Most {label} of those that keep"), "has"),
            _ => (format!("Least {label} of those that keep"), "has"),
        };
        let objective = if measure == Measure::Replicas {
            String::new()
        } else {
            format!(", {label} {}", measure.interval_text(&best.objective))
        };
        format!(
            "{which} {} {verb} {}: {}{objective}",
            self.goals_text(),
            self.point_name(best),
            self.goal_values(best)
        )
    }

    /// What is good to know beside the answer.
    pub fn notes(&self, findings: &Findings, answer: &Answer<'_>) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(maybe) = answer.maybe {
            notes.push(format!(
                "{} would be less ({} {}) and keeps to the goal on average, but not surely: {}; more \
                 --seeds would tell.",
                capital(&self.point_name(maybe)),
                self.question.minimise.label(),
                self.question.minimise.interval_text(&maybe.objective),
                self.goal_values(maybe)
            ));
        }
        match (answer.best, answer.nearest) {
            (None, Some(nearest)) => {
                if nearest.met == Met::Unsure {
                    notes.push("More --seeds would make it surer.".to_owned());
                }
                notes.extend(self.trends(findings, nearest));
            }
            (Some(best), _) if best.n_runs < 2 => {
                notes.push("It is known from a single run; more --seeds make it surer.".to_owned());
            }
            _ => {}
        }
        if let Some(best) = answer.best.or(answer.nearest)
            && best.failed_share > 0.0
        {
            notes.push(format!(
                "{} of its tasks fail, and count for no latency; add --goal \"failed <= 0\" if none may.",
                Measure::Metric(Metric::FailedShare).text(best.failed_share)
            ));
        }
        if let Some(failure) = findings.failures.first() {
            notes.push(format!(
                "{} runs could not be made, such as {} under {}: {}.",
                findings.failures.len(),
                configuration_text(&self.configurations[failure.configuration]),
                failure.runner,
                failure.why
            ));
        }
        notes
    }

    /// What each knob does for the goals, where they are not met.
    fn trends(&self, findings: &Findings, nearest: &Point) -> Vec<String> {
        let trends = (0..self.knobs.len()).map(|n| self.trend(n, findings, nearest));
        let trends: Vec<_> = trends.collect();
        let mut notes: Vec<String> = trends
            .iter()
            .filter_map(|trend| match trend {
                Trend::Helps(note) => Some(note.clone()),
                _ => None,
            })
            .collect();
        if !notes.is_empty() {
            return notes;
        }
        if trends.contains(&Trend::Within) {
            notes.push(self.range_text(findings, nearest));
        } else {
            let names: Vec<_> = self.knobs.iter().map(Vary::name).collect();
            notes.push(format!(
                "It makes no difference that could be told from chance how {} {} set: what takes long is \
                 elsewhere, in people, in how tasks are split, or in the work itself.",
                names.join(" and "),
                if names.len() == 1 { "is" } else { "are" }
            ));
        }
        notes
    }

    /// Between what the goal that `nearest` misses most lies, whatever is varied.
    fn range_text(&self, findings: &Findings, nearest: &Point) -> String {
        let goal = self.worst_goal(nearest);
        let measure = self.question.goals[goal].measure;
        let points = self.question.of_each_configuration(&findings.points);
        let mean = |point: &&&Point| point.goals[goal].mean;
        let by_mean = |a: &&&Point, b: &&&Point| mean(a).total_cmp(&mean(b));
        let ends = [points.iter().min_by(by_mean), points.iter().max_by(by_mean)];
        let [least, most] =
            ends.map(|end| end.map_or_else(String::new, |end| measure.text(mean(&end))));
        format!(
            "No knob helps beyond the values that were tried: with the best policy for each of them, \
             {} lies between {least} and {most}.",
            measure.label()
        )
    }

    /// What knob number `n` does for the goal that `nearest` misses most.
    fn trend(&self, n: usize, findings: &Findings, nearest: &Point) -> Trend {
        let vary = &self.knobs[n];
        let at = |value: &f64| {
            let points = findings.points.iter().filter(|point| {
                let settings = &self.configurations[point.configuration].settings;
                settings[n].value == *value
            });
            let most = points.clone().map(|point| point.n_runs).max();
            let often = points.filter(|point| Some(point.n_runs) == most);
            let point = often.min_by(|a, b| a.miss.total_cmp(&b.miss))?;
            Some((*value, point))
        };
        let best: Vec<(f64, &Point)> = vary.values.iter().filter_map(at).collect();
        let by_miss = |a: &&(f64, &Point), b: &&(f64, &Point)| a.1.miss.total_cmp(&b.1.miss);
        let (Some(low), Some(high)) = (best.iter().min_by(by_miss), best.iter().max_by(by_miss))
        else {
            return Trend::None;
        };
        if best.len() < 2 || !high.1.is_farther_than(low.1) {
            return Trend::None;
        }
        let goal = self.worst_goal(nearest);
        let measure = self.question.goals[goal].measure;
        let say = |more: &str, end: (f64, &Point), inner: (f64, &Point)| {
            let value = |point: &Point| measure.interval_text(&point.goals[goal]);
            Trend::Helps(format!(
                "{more} {} than {} may help: from {} to {}, {} went from {} to {}.",
                vary.name(),
                end.0,
                inner.0,
                end.0,
                measure.label(),
                value(inner.1),
                value(end.1)
            ))
        };
        let (first, second) = (best[0], best[1]);
        let (before, last) = (best[best.len() - 2], best[best.len() - 1]);
        if before.1.is_farther_than(last.1) {
            say("More", last, before)
        } else if second.1.is_farther_than(first.1) && first.0 > least(vary.knob) {
            say("Less", first, second)
        } else {
            Trend::Within
        }
    }

    /// The number of the goal that a point misses most.
    fn worst_goal(&self, point: &Point) -> usize {
        let goals = self.question.goals.iter().zip(&point.goals).enumerate();
        let worst =
            goals.max_by(|(_, (a, x)), (_, (b, y))| a.miss(x.mean).total_cmp(&b.miss(y.mean)));
        worst.map_or(0, |(n, _)| n)
    }

    fn miss_text(&self, point: &Point) -> String {
        let n = self.worst_goal(point);
        let Goal {
            measure,
            comparison,
            bound,
        } = self.question.goals[n];
        let interval = point.goals[n];
        let by = measure.text_as_exact((interval.mean - bound).abs(), &interval);
        let which = if comparison.wants_less() {
            "too much"
        } else {
            "too little"
        };
        format!("{by} {which}")
    }

    /// `p95 latency below 2 s and tasks failed at most 0`.
    pub fn goals_text(&self) -> String {
        let texts: Vec<_> = self.question.goals.iter().map(Goal::to_string).collect();
        texts.join(" and ")
    }

    /// `1.62 ± 0.05 s`, for each goal.
    fn goal_values(&self, point: &Point) -> String {
        let goals = self.question.goals.iter().zip(&point.goals);
        let texts: Vec<_> = goals
            .map(|(goal, interval)| goal.measure.interval_text(interval))
            .collect();
        texts.join(" and ")
    }

    /// `3 replicas with batches of 4 under sjf`, with marks for code around the policy.
    pub fn point_name(&self, point: &Point) -> String {
        let configuration = configuration_text(&self.configurations[point.configuration]);
        format!("{configuration} under `{}`", point.policy)
    }
}

/// The least value of a knob that there can be.
fn least(knob: Knob) -> f64 {
    match knob {
        Knob::Replicas | Knob::Batch => 1.0,
        Knob::Speed => 0.0,
    }
}

/// `3 replicas with batches of 4 and speed × 2`.
fn configuration_text(configuration: &Configuration) -> String {
    let settings = configuration.settings.iter();
    let texts: Vec<_> = settings
        .map(|setting| {
            let is_each =
                setting.of.is_none() && f64::from(configuration.n_replicas) != setting.value;
            setting_text(setting, is_each)
        })
        .collect();
    match &texts[..] {
        [] => "the scene as it is".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} with {}", rest.join(" and ")),
    }
}

/// `is_each`: that there are more than the value of `replicas` says.
fn setting_text(setting: &Setting, is_each: bool) -> String {
    let Setting { knob, of, value } = setting;
    let of = |word: &str| {
        of.as_ref()
            .map_or(String::new(), |of| format!(" {word} {of}"))
    };
    match knob {
        Knob::Replicas => {
            let s = if *value == 1.0 { "" } else { "s" };
            let each = if is_each { " of each" } else { "" };
            format!("{value} replica{s}{each}{}", of("of"))
        }
        Knob::Batch => format!("batches of {value}{}", of("on")),
        Knob::Speed => format!("speed × {value}{}", of("of")),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
