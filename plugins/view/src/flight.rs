//! Moves things along arcs in drawn time, so that the eye can follow at any speed of simulated time.

use bevy::prelude::*;

/// How a flight goes on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ease {
    /// Starts and ends gently.
    Gentle,
    /// Falls.
    Fall,
}

impl Ease {
    /// The share of the way that is done after the share `t` of the time.
    fn at(self, t: f32) -> f32 {
        match self {
            Self::Gentle => t * t * (3.0 - 2.0 * t),
            Self::Fall => t * t,
        }
    }
}

/// A motion that is under way; gone as soon as the thing is where it belongs.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
#[component(storage = "SparseSet")]
pub(crate) struct Flight {
    pub(crate) from: Vec3,
    pub(crate) to: Vec3,
    /// Sizes at both ends.
    pub(crate) scale: (f32, f32),
    /// How far the middle of the way lies above the straight line.
    pub(crate) arc: f32,
    /// Seconds of drawn time: before the start, and under way.
    pub(crate) delay_secs: f32,
    pub(crate) secs: f32,
    pub(crate) ease: Ease,
    /// Seconds since it was begun.
    pub(crate) elapsed: f32,
}

impl Flight {
    /// A gentle arc from where something is, `k` places behind the first of its group.
    pub(crate) fn hop(from: Vec3, to: Vec3, scale: (f32, f32), k: usize) -> Self {
        let far = from.distance(to);
        Self {
            from,
            to,
            scale,
            arc: if far < 0.5 {
                far * 0.1
            } else {
                0.25 + far * 0.12
            },
            delay_secs: 0.012 * k.min(20) as f32,
            secs: (0.25 + far * 0.09).min(0.75),
            ease: Ease::Gentle,
            elapsed: 0.0,
        }
    }

    fn is_over(&self) -> bool {
        self.elapsed >= self.delay_secs + self.secs
    }

    fn place(&self) -> (Vec3, f32) {
        if self.is_over() {
            return (self.to, self.scale.1);
        }
        let t = ((self.elapsed - self.delay_secs) / self.secs).clamp(0.0, 1.0);
        let share = self.ease.at(t);
        let lift = Vec3::Y * self.arc * 4.0 * t * (1.0 - t);
        let scale = self.scale.0 + (self.scale.1 - self.scale.0) * share;
        (self.from.lerp(self.to, share) + lift, scale)
    }
}

/// Is despawned where its flight ends.
#[derive(Component, Clone, Copy, Debug, Default)]
pub(crate) struct Leaving;

/// Moves what flies.
pub(crate) fn fly(
    mut commands: Commands,
    time: Res<Time>,
    mut flights: Query<(Entity, &mut Flight, &mut Transform, Has<Leaving>)>,
) {
    for (entity, mut flight, mut transform, is_leaving) in &mut flights {
        flight.elapsed += time.delta_secs();
        let (at, scale) = flight.place();
        transform.translation = at;
        transform.scale = Vec3::splat(scale);
        if flight.is_over() {
            if is_leaving {
                commands.entity(entity).despawn();
            } else {
                commands.entity(entity).remove::<Flight>();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_begins_and_ends_where_it_says() {
        let (from, to) = (Vec3::new(1.0, 0.5, 2.0), Vec3::new(-4.0, 1.0, 0.0));
        for k in [0, 7, 1000] {
            let mut flight = Flight::hop(from, to, (1.0, 0.5), k);
            assert_eq!(flight.place(), (from, 1.0));
            flight.elapsed = 2.0;
            assert!(flight.is_over(), "takes more than two seconds");
            assert_eq!(flight.place(), (to, 0.5));
        }
    }

    #[test]
    fn easing_never_turns_back() {
        for ease in [Ease::Gentle, Ease::Fall] {
            assert_eq!((ease.at(0.0), ease.at(1.0)), (0.0, 1.0));
            assert!((0..100).all(|i| ease.at(i as f32 / 100.0) < ease.at((i + 1) as f32 / 100.0)));
        }
    }
}
