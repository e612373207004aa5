//! Takes the facts of every step out of a running app: into the journal and into what is shown.

use std::sync::{Mutex, PoisonError};

use agents::AgentFact;
use bevy::{
    ecs::message::{MessageCursor, Messages},
    prelude::{App, IntoScheduleConfigs as _, Last, Plugin, Res, ResMut, Resource, World},
};
use schedule::EngineFact;
use sim::{Fact, SimStep, SimSystems};

use crate::{
    any_fact::AnyFact,
    error::RecordError,
    live::Live,
    run::{How, Run},
    writer::{JournalSummary, JournalWriter},
};

/// Records all facts of the run: folds them into [`Live`], and writes them to a journal if given one.
pub struct RecordPlugin {
    run: Run,
    journal: Mutex<Option<JournalWriter>>,
}

impl RecordPlugin {
    /// Records `run`, and writes its facts to `journal` if there is one.
    pub fn new(run: Run, journal: Option<JournalWriter>) -> Self {
        Self {
            run,
            journal: Mutex::new(journal),
        }
    }
}

impl Plugin for RecordPlugin {
    fn build(&self, app: &mut App) {
        let journal = self
            .journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        app.add_message::<Fact<EngineFact>>()
            .add_message::<Fact<AgentFact>>()
            .insert_resource(Live::new(&self.run))
            .insert_resource(Recorder {
                run: self.run.clone(),
                journal,
                error: None,
                next_seq: 0,
                engine_facts: MessageCursor::default(),
                agent_facts: MessageCursor::default(),
            })
            .add_systems(SimStep, record.in_set(SimSystems::Record))
            // Facts stated between steps are not to wait for the next one.
            .add_systems(Last, record);
    }
}

/// The journal of a running app. See [`finish`].
#[derive(Resource)]
pub struct Recorder {
    run: Run,
    journal: Option<JournalWriter>,
    error: Option<RecordError>,
    next_seq: u64,
    engine_facts: MessageCursor<Fact<EngineFact>>,
    agent_facts: MessageCursor<Fact<AgentFact>>,
}

impl Recorder {
    /// What is run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Why nothing more is recorded, if so. The app should stop then.
    pub fn error(&self) -> Option<&RecordError> {
        self.error.as_ref()
    }

    /// Ends the journal with the totals of `live` and gives the file its name; `None` if no
    /// journal is written, or it was ended before. Of facts stated after the last step,
    /// only [`finish`] knows.
    ///
    /// # Errors
    /// If something went wrong before (see [`error`](Self::error)) or does now; no journal is left
    /// behind then.
    pub fn finish(&mut self, how: How, live: &Live) -> Result<Option<JournalSummary>, RecordError> {
        let journal = self.journal.take();
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        journal
            .map(|journal| journal.finish(how, &live.totals()))
            .transpose()
    }

    /// Takes in the next fact, unless something went wrong before.
    fn take_in(&mut self, fact: &Fact<AnyFact>, live: &mut Live) -> Result<(), RecordError> {
        if fact.seq != self.next_seq {
            return Err(RecordError::Lost {
                expected: self.next_seq,
                found: fact.seq,
            });
        }
        self.next_seq += 1;
        live.apply(fact)?;
        self.journal
            .as_mut()
            .map_or(Ok(()), |journal| journal.write(fact))
    }
}

/// Takes in the facts that no step has recorded, ends the journal as [`Recorder::finish`] does and
/// says what it holds. For the end of a run, a closed window or Ctrl-C.
///
/// # Errors
/// If something went wrong while recording, or does now; no journal is left behind then.
pub fn finish(world: &mut World, how: How) -> Result<Option<JournalSummary>, RecordError> {
    world.resource_scope(|world, mut recorder: bevy::prelude::Mut<Recorder>| {
        world.resource_scope(|world, mut live: bevy::prelude::Mut<Live>| {
            catch_up(
                &mut recorder,
                &mut live,
                world.resource::<Messages<Fact<EngineFact>>>(),
                world.resource::<Messages<Fact<AgentFact>>>(),
            );
            recorder.finish(how, &live)
        })
    })
}

fn record(
    mut recorder: ResMut<Recorder>,
    mut live: ResMut<Live>,
    engine_facts: Res<Messages<Fact<EngineFact>>>,
    agent_facts: Res<Messages<Fact<AgentFact>>>,
) {
    let recorder = &mut *recorder;
    if recorder.engine_facts.is_empty(&engine_facts) && recorder.agent_facts.is_empty(&agent_facts)
    {
        return;
    }
    catch_up(recorder, &mut live, &engine_facts, &agent_facts);
}

/// Takes in all facts not taken in yet, merged by their sequence numbers. The first error ends
/// recording: what follows would not be true.
fn catch_up(
    recorder: &mut Recorder,
    live: &mut Live,
    engine_facts: &Messages<Fact<EngineFact>>,
    agent_facts: &Messages<Fact<AgentFact>>,
) {
    let (mut engine_cursor, mut agent_cursor) = (
        std::mem::take(&mut recorder.engine_facts),
        std::mem::take(&mut recorder.agent_facts),
    );
    let mut engine = engine_cursor.read(engine_facts).peekable();
    let mut agent = agent_cursor.read(agent_facts).peekable();
    while recorder.error.is_none() {
        let engine_first = match (engine.peek(), agent.peek()) {
            (Some(engine), Some(agent)) => engine.seq < agent.seq,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => break,
        };
        let fact = if engine_first {
            engine
                .next()
                .map(|Fact { seq, at, what }| (*seq, *at, AnyFact::Engine(what.clone())))
        } else {
            agent
                .next()
                .map(|Fact { seq, at, what }| (*seq, *at, AnyFact::Agent(what.clone())))
        };
        if let Some((seq, at, what)) = fact
            && let Err(error) = recorder.take_in(&Fact { seq, at, what }, live)
        {
            recorder.error = Some(error);
            recorder.journal = None;
        }
    }
    drop((engine, agent));
    recorder.engine_facts = engine_cursor;
    recorder.agent_facts = agent_cursor;
}
