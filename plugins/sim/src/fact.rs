//! Facts: what happened, with its simulated time and its place in the one order of the run.

use serde::{Deserialize, Serialize};
#[cfg(feature = "bevy")]
pub use writer::{FactCounter, FactWriter};

use crate::time::SimTime;

/// One thing that happened. All facts of a run, of whatever kind, share one sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bevy", derive(bevy::prelude::Message))]
pub struct Fact<T: Send + Sync + 'static> {
    /// Place in the order of all facts of the run, from 0, without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: SimTime,
    /// What happened.
    #[serde(flatten)]
    pub what: T,
}

#[cfg(feature = "bevy")]
mod writer {
    use bevy::{
        ecs::system::SystemParam,
        prelude::{MessageWriter, Res, ResMut, Resource},
    };

    use super::Fact;
    use crate::{clock::Clock, time::SimTime};

    /// Hands out the sequence numbers of facts.
    #[derive(Resource, Debug, Default)]
    pub struct FactCounter(u64);

    /// Writes facts of kind `T` stamped with the current instant and the next sequence number.
    #[derive(SystemParam)]
    pub struct FactWriter<'w, T: Send + Sync + 'static> {
        clock: Res<'w, Clock>,
        counter: ResMut<'w, FactCounter>,
        facts: MessageWriter<'w, Fact<T>>,
    }

    impl<T: Send + Sync + 'static> FactWriter<'_, T> {
        /// The current instant.
        pub fn now(&self) -> SimTime {
            self.clock.now()
        }

        /// States that `what` happened now.
        pub fn write(&mut self, what: T) {
            let seq = self.counter.0;
            self.counter.0 += 1;
            self.facts.write(Fact {
                seq,
                at: self.clock.now(),
                what,
            });
        }
    }
}
