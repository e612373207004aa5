//! The chain of operations that keeps a schedule from ending sooner.

use crate::{
    decode::Decoder,
    instance::{Instance, OpId},
};

/// The critical path, and who moves along.
#[derive(Default)]
pub(super) struct Critical {
    /// From the last to the first.
    pub(super) path: Vec<OpId>,
    /// Whose mode the present move changes too.
    pub(super) partner: Option<OpId>,
}

impl Critical {
    /// Follows the last operation of a job, or of all, back to the start: each time to whoever it
    /// waited for, by data or on its resource.
    pub(super) fn find(&mut self, instance: &Instance, decoder: &Decoder<'_>, job: Option<usize>) {
        self.path.clear();
        let mut last = instance
            .ops()
            .filter(|op| job.is_none_or(|job| instance.job(*op).index() == job))
            .max_by(|a, b| decoder.end(*a).total_cmp(&decoder.end(*b)));
        while let Some(op) = last {
            self.path.push(op);
            if self.path.len() > instance.n_ops() {
                return;
            }
            last = waited_for(instance, decoder, op);
        }
    }
}

fn waited_for(instance: &Instance, decoder: &Decoder<'_>, op: OpId) -> Option<OpId> {
    let resource = |op: OpId| instance.modes(op)[decoder.mode(op) as usize].resource;
    let (start, own) = (decoder.start(op), resource(op));
    let slack = 1e-9 * start;
    if start <= 0.0 {
        return None;
    }
    let by_data = instance.preds(op).iter().find(|arc| {
        let travel = instance.delay(arc.data, resource(arc.op), own);
        decoder.end(arc.op) + travel >= start - slack
    });
    if let Some(arc) = by_data {
        return Some(arc.op);
    }
    instance.ops().find(|before| {
        resource(*before) == own
            && *before != op
            && decoder.start(*before) < start
            && (decoder.end(*before) - start).abs() <= slack
    })
}
