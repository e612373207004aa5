//! Gives tenants equal shares of the tokens: self-clocked fair queueing.
//!
//! Golestani (1994), "A Self-Clocked Fair Queueing Scheme for Broadband Applications". The finish tag
//! of a request is its tokens after the larger of the virtual time and its tenant's last finish tag;
//! the lowest finish tag goes first; the virtual time is the finish tag of what was served last. All
//! tenants weigh the same, and one virtual time serves all priorities.
//!
//! Between two tenants who both have something waiting, the tokens served never differ by more than
//! the largest request of each. Each service moves the virtual time on, so every tag's turn comes.

use std::collections::BTreeMap;

/// Tenants whose tags are kept before those without work are forgotten.
const N_TENANTS: usize = 1024;

/// The tags of all tenants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fairness {
    virtual_time: u64,
    /// Finish tags, in tokens.
    finish: BTreeMap<u32, u64>,
}

impl Fairness {
    /// The finish tag of a tenant's next request.
    pub(crate) fn tag(&mut self, tenant: u32, tokens: u64) -> u64 {
        if self.finish.len() > N_TENANTS {
            // A tenant whose last finish tag is past starts at the virtual time, known or not.
            let now = self.virtual_time;
            self.finish.retain(|_, finish| *finish > now);
        }
        let finish = self.finish.entry(tenant).or_insert(0);
        *finish = self.virtual_time.max(*finish).saturating_add(tokens.max(1));
        *finish
    }

    /// A request with this finish tag is served now.
    pub(crate) fn serve(&mut self, finish: u64) {
        self.virtual_time = self.virtual_time.max(finish);
    }
}
