//! Holds what waits for a replica and says what goes first.
//!
//! Order: higher priority, to which a request gains one for each ageing time that it has waited, up
//! to the highest that waits; then the lower finish tag of self-clocked fair queueing between tenants
//! (see [`Fairness`]); then who came first.
//!
//! Nothing starves: after 255 ageing times at most a request is among the highest, and there every
//! service of another brings the virtual time nearer to its finish tag, by a token at least. Plain
//! data: the time comes from outside.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

use crate::{
    ask::Skill,
    fairness::Fairness,
    request::RequestError,
    round::{Waiting, hopeless},
};

/// Everything that waits, of all lanes.
#[derive(Debug)]
pub(crate) struct Queue {
    ageing: Duration,
    fairness: Fairness,
    waiting: Vec<Place>,
    next: u64,
}

#[derive(Debug)]
struct Place {
    nth: u64,
    finish: u64,
    waiting: Waiting,
}

/// How much a replica takes at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Tokens; the first request is taken whatever it has.
    pub(crate) tokens: u64,
    /// Sequences that it can begin; `None` if it generates none side by side.
    pub(crate) sequences: Option<usize>,
}

/// The best is the greatest.
type Rank = (u64, Reverse<u64>, Reverse<u64>);

impl Queue {
    pub(crate) fn new(ageing: Duration) -> Self {
        Self {
            ageing,
            fairness: Fairness::default(),
            waiting: Vec::new(),
            next: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().map(|place| &place.waiting)
    }

    pub(crate) fn push(&mut self, waiting: Waiting) {
        let tenant = waiting.job.request.tenant;
        let finish = self.fairness.tag(tenant, waiting.n_tokens());
        self.waiting.push(Place {
            nth: self.next,
            finish,
            waiting,
        });
        self.next += 1;
    }

    /// Takes the best of those that `may` be taken, in order, until the next does not fit.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        room: Room,
        may: impl Fn(&Waiting) -> bool,
    ) -> Vec<Waiting> {
        let priorities = self.iter().filter(|waiting| may(waiting));
        let Some(top) = priorities.map(|waiting| waiting.job.request.priority).max() else {
            return Vec::new();
        };
        let ranked: Vec<(Rank, usize)> = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, place)| may(&place.waiting))
            .map(|(at, place)| (self.rank(place, top, now), at))
            .collect();
        // A heap orders no more than what is taken.
        let mut ranked = BinaryHeap::from(ranked);
        let mut room = Left::new(room);
        let mut taken = Vec::new();
        while let Some((_, at)) = ranked.pop()
            && room.takes(&self.waiting[at].waiting)
        {
            self.fairness.serve(self.waiting[at].finish);
            taken.push(at);
        }
        self.pull_out(&taken)
    }

    /// Takes out whatever is cancelled or too late, with the reason.
    pub(crate) fn take_hopeless(&mut self, now: Instant) -> Vec<(Waiting, RequestError)> {
        let reasons: Vec<_> = self
            .waiting
            .iter()
            .enumerate()
            .filter_map(|(at, place)| Some((at, hopeless(&place.waiting.job.request, now)?)))
            .collect();
        let at: Vec<_> = reasons.iter().map(|(at, _)| *at).collect();
        let reasons = reasons.into_iter().map(|(_, reason)| reason);
        self.pull_out(&at).into_iter().zip(reasons).collect()
    }

    /// Takes out whatever is so.
    pub(crate) fn take_where(&mut self, is_so: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let at: Vec<_> = self
            .waiting
            .iter()
            .enumerate()
            .filter_map(|(at, place)| is_so(&place.waiting).then_some(at))
            .collect();
        self.pull_out(&at)
    }

    fn rank(&self, place: &Place, top: u8, now: Instant) -> Rank {
        let waited = now.saturating_duration_since(place.waiting.job.sent);
        let gained = waited.as_nanos() / self.ageing.as_nanos().max(1);
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        let priority = u64::from(place.waiting.job.request.priority);
        (
            priority.saturating_add(gained).min(u64::from(top)),
            Reverse(place.finish),
            Reverse(place.nth),
        )
    }

    /// Takes out the requests at these places, and returns them in the order of `at`.
    fn pull_out(&mut self, at: &[usize]) -> Vec<Waiting> {
        let mut nth: Vec<usize> = (0..at.len()).collect();
        nth.sort_unstable_by_key(|&nth| Reverse(at[nth]));
        let mut out: Vec<Option<Waiting>> = at.iter().map(|_| None).collect();
        // From the back, so that no place moves before its turn.
        for nth in nth {
            out[nth] = Some(self.waiting.swap_remove(at[nth]).waiting);
        }
        out.into_iter().flatten().collect()
    }
}

/// The room that is left while a round fills up.
struct Left {
    room: Room,
    tokens: u64,
    is_empty: bool,
}

impl Left {
    fn new(room: Room) -> Self {
        Self {
            room,
            tokens: 0,
            is_empty: true,
        }
    }

    /// Takes a request if there is room for it.
    fn takes(&mut self, waiting: &Waiting) -> bool {
        let n = waiting.inputs.len();
        let generates = waiting.job.request.ask.skill() == Skill::Generate;
        if generates && let Some(sequences) = &mut self.room.sequences {
            // More sequences than there can be at once wait in the worker, once it is theirs.
            if *sequences == 0 && n > 0 {
                return false;
            }
            *sequences = sequences.saturating_sub(n);
        }
        let tokens = self.tokens.saturating_add(waiting.n_tokens());
        if !self.is_empty && tokens > self.room.tokens {
            return false;
        }
        (self.tokens, self.is_empty) = (tokens, false);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::{
        admission::Size, aliases::Lane, input::Encoded, request::Request, round::Job,
        sync::unbounded, ticket::Ticket,
    };

    fn now() -> Instant {
        crate::shared::now()
    }

    fn waiting(key: u64, tenant: u32, priority: u8, tokens: u32, sent: Instant) -> Waiting {
        let request = Request {
            tenant,
            priority,
            ..Request::embed(key, ["x"])
        };
        Waiting {
            job: Job {
                request,
                lane: Lane::Replica(0),
                ticket: Arc::new(Ticket::new(key, Size::default(), unbounded().0)),
                sent,
                _own: None,
            },
            inputs: vec![Encoded::Ids(vec![0; tokens as usize])],
            encoded_for: "m@1".into(),
            tokens: vec![tokens],
            encoding: Duration::ZERO,
            since: sent,
        }
    }

    /// Takes one request.
    fn take_one(queue: &mut Queue, now: Instant) -> Option<Waiting> {
        let room = Room {
            tokens: 0,
            sequences: None,
        };
        queue.take(now, room, |_| true).pop()
    }

    /// A small generator of numbers, the same each time.
    fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |n| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        }
    }

    #[test]
    fn tenants_get_equal_shares_of_the_tokens() {
        let (mut queue, now) = (Queue::new(Duration::from_secs(1)), now());
        // One tenant asks for much at once, the other for little, and later.
        for key in 0..300 {
            queue.push(waiting(key, 1, 0, 10, now));
        }
        for key in 300..400 {
            queue.push(waiting(key, 2, 0, 30, now));
        }
        let mut served = [0i64; 2];
        while let Some(taken) = take_one(&mut queue, now + Duration::from_secs(9)) {
            served[taken.job.request.tenant as usize - 1] += taken.n_tokens() as i64;
            // Both wait until the end: 3,000 tokens each.
            assert!((served[0] - served[1]).abs() <= 10 + 30, "{served:?}");
        }
        assert_eq!(served, [3000, 3000]);
    }

    #[test]
    fn an_endless_flow_of_higher_priority_starves_nobody() {
        for (priority, tokens) in [(9, 1), (255, 100)] {
            let began = now();
            let mut queue = Queue::new(Duration::from_secs(1));
            queue.push(waiting(0, 0, 0, 50, began));
            // A new tenant each tenth of a second, and the replica is never free for more.
            let mut tenths = 0;
            loop {
                let now = began + Duration::from_millis(100) * tenths;
                tenths += 1;
                queue.push(waiting(1, tenths, priority, tokens, now));
                if take_one(&mut queue, now).is_some_and(|taken| taken.job.request.key == 0) {
                    break;
                }
                let bound = u32::from(priority) * 10 + 2 * 50;
                assert!(tenths <= bound, "it waits for {tenths} services");
            }
        }
    }

    #[test]
    fn what_goes_in_comes_out_once() {
        for seed in 0..50 {
            let (mut dice, began) = (dice(seed), now());
            let mut queue = Queue::new(Duration::from_millis(3));
            let (mut inside, mut out) = (BTreeSet::new(), 0);
            for key in 0..300 {
                let now = began + Duration::from_millis(key);
                let mut new = waiting(key, dice(4) as u32, dice(3) as u8, 1 + dice(20) as u32, now);
                if dice(5) == 0 {
                    new.job.request.expires = Some(now + Duration::from_millis(dice(9)));
                }
                queue.push(new);
                inside.insert(key);
                let taken = match dice(4) {
                    0 => queue
                        .take_hopeless(now)
                        .into_iter()
                        .map(|(waiting, _)| waiting)
                        .collect(),
                    1 => queue.take_where(|waiting| waiting.job.request.key % 17 == seed % 17),
                    _ => {
                        let room = Room {
                            tokens: dice(60),
                            sequences: None,
                        };
                        let taken = queue.take(now, room, |_| true);
                        let tokens: u64 = taken.iter().map(Waiting::n_tokens).sum();
                        assert!(!taken.is_empty());
                        assert!(taken.len() == 1 || tokens <= room.tokens);
                        taken
                    }
                };
                for waiting in taken {
                    assert!(inside.remove(&waiting.job.request.key), "twice");
                    out += 1;
                }
                assert_eq!(queue.len(), inside.len());
            }
            assert!(out > 0);
        }
    }
}
