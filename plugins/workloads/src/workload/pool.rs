//! The resources of a workload file, in the engine's terms, and the options that they run with.

use std::ops::Range;

use schedule::{
    BatchCurve, Charge, DeviceId, EngineOptions, HedgeAfter, HostedModel, LatencyProfile, Link,
    Memory, Network, OwnerId, PolicyName, ResourceId, ResourceKind, ResourceSpec, ScalingRule,
    TokenBatching,
};
use sim::{SimSpan, Streams};

use super::{
    Change, ResourceGroup,
    name::{Name, Table, one_of},
    number::{Positive, Secs, SomeSecs},
    spec::{self, BatchSpec, HedgingSpec, ModelSpec, OptionsSpec, WorkloadSpec},
};
use crate::error::ReadError;

/// The most resources, with all counts.
const MOST_RESOURCES: usize = 100_000;

/// Those that share a name in the file.
struct Group {
    name: String,
    model: Option<String>,
    members: Range<u32>,
    /// How many there are by the file.
    n_in_file: u32,
    /// How many times as fast as the file says.
    speed: f64,
}

/// Whoever can do something, by name and by number.
pub(super) struct Pool<'a> {
    pub(super) resources: Vec<ResourceSpec>,
    pub(super) options: EngineOptions,
    /// By the name in the file.
    names: Table<'a>,
    /// Those that share a name in the file.
    groups: Vec<Group>,
    models: Table<'a>,
    tenants: Table<'a>,
    tenant_names: Vec<String>,
}

impl<'a> Pool<'a> {
    /// The pool of a file.
    pub(super) fn of(
        text: &'a str,
        spec: &WorkloadSpec<'a>,
        changes: &[Change],
    ) -> Result<Self, ReadError> {
        let devices = Table::new(text, "device", spec.devices.iter().cloned())?;
        let models = Table::new(
            text,
            "model",
            spec.models.iter().map(|model| model.name.clone()),
        )?;
        let tenants = Table::new(text, "tenant", spec.tenants.iter().cloned())?;
        let mut reader = Reader {
            text,
            devices,
            models: &models,
            model_specs: &spec.models,
            changes,
            resources: Vec::new(),
            groups: Vec::new(),
        };
        let mut names = Vec::new();
        for part in spec.resources.iter() {
            let resource: spec::ResourceSpec<'a> = part.read(text)?;
            reader.add(&resource)?;
            names.push(resource.name);
        }
        if names.is_empty() {
            let message = "the workload has no resources; add one".to_owned();
            return Err(spec.name.error(text, message));
        }
        let names = Table::new(text, "resource", names.into_iter())?;
        let options = reader.options(spec, &names)?;
        let tenant_names = spec.tenants.iter().map(|name| name.as_str().to_owned());
        Ok(Self {
            options,
            resources: reader.resources,
            groups: reader.groups,
            names,
            tenants,
            tenant_names: tenant_names.collect(),
            models,
        })
    }

    /// The names of the tenants; at least one.
    pub(super) fn tenants(&self) -> Vec<String> {
        if self.tenant_names.is_empty() {
            vec!["all".to_owned()]
        } else {
            self.tenant_names.clone()
        }
    }

    /// The tenant of this name; the first one if there is no name.
    pub(super) fn tenant(&self, name: Option<&Name<'_>>) -> Result<OwnerId, ReadError> {
        let number = name.map_or(Ok(0), |name| self.tenants.find(name))?;
        Ok(OwnerId(number as u32))
    }

    /// The resources of this name, and how many times as fast they are as the file says.
    pub(super) fn group(&self, name: &Name<'_>) -> Result<(Range<u32>, f64), ReadError> {
        let group = &self.groups[self.names.find(name)?];
        Ok((group.members.clone(), group.speed))
    }

    /// All resources by their names in the file.
    pub(super) fn groups(&self) -> Vec<ResourceGroup> {
        let groups = self.groups.iter().map(|group| ResourceGroup {
            name: group.name.clone(),
            model: group.model.clone(),
            members: group.members.start as usize..group.members.end as usize,
        });
        groups.collect()
    }

    /// Refuses a model that is not in the file.
    pub(super) fn check_model(&self, name: &Name<'_>) -> Result<(), ReadError> {
        self.models.find(name).map(drop)
    }

    /// Whether a resource has a skill with a model, if one is named.
    pub(super) fn can(&self, skill: schedule::Skill, model: Option<&str>) -> bool {
        self.resources.iter().any(|resource| {
            let has_model = model.is_none_or(|model| {
                let own =
                    matches!(&resource.kind, ResourceKind::Replica { model: own } if own == model);
                let hosted = resource
                    .memory
                    .as_ref()
                    .is_some_and(|memory| memory.models.iter().any(|hosted| hosted.name == model));
                own || hosted
            });
            has_model && resource.skills.iter().any(|(known, _)| *known == skill)
        })
    }
}

/// Makes all that a resource does so many times as fast.
fn quicken(resource: &mut ResourceSpec, factor: f64) {
    if factor == 1.0 {
        return;
    }
    let faster = |span: SimSpan| SimSpan((span.0 as f64 / factor).round() as u64);
    for (_, profile) in &mut resource.skills {
        profile.fixed = faster(profile.fixed);
        profile.per_item = faster(profile.per_item);
        profile.per_token = faster(profile.per_token);
    }
    resource.speed *= factor;
}

/// Reads resources one by one.
struct Reader<'a, 'b> {
    text: &'a str,
    devices: Table<'a>,
    models: &'b Table<'a>,
    model_specs: &'b [ModelSpec<'a>],
    changes: &'b [Change],
    resources: Vec<ResourceSpec>,
    groups: Vec<Group>,
}

impl<'a> Reader<'a, '_> {
    fn add(&mut self, spec: &spec::ResourceSpec<'a>) -> Result<(), ReadError> {
        let first = self.resources.len();
        let n_in_file = spec.count.map_or(1, |count| count.0);
        let changes = self.changes.iter().rev();
        let change = changes
            .clone()
            .find(|change| change.resource == spec.name.as_str());
        let Change {
            count,
            slots,
            speed,
            ..
        } = change.cloned().unwrap_or_default();
        let n = count.unwrap_or(n_in_file) as usize;
        if first + n > MOST_RESOURCES {
            let message = format!("there are more than {MOST_RESOURCES} resources; lower a count");
            return Err(spec.name.error(self.text, message));
        }
        let mut resource = self.resource(spec)?;
        resource.slots = slots.unwrap_or(resource.slots);
        let speed = speed.unwrap_or(1.0);
        quicken(&mut resource, speed);
        for number in 1..=n {
            let mut member = resource.clone();
            if spec.count.is_some() || n > 1 {
                member.name = format!("{}/{number}", resource.name);
            }
            if let ResourceKind::Agent { owner } = &mut member.kind {
                *owner = OwnerId(self.resources.len() as u32);
            }
            self.resources.push(member);
        }
        self.groups.push(Group {
            name: spec.name.as_str().to_owned(),
            model: spec.model.as_ref().map(|model| model.as_str().to_owned()),
            members: first as u32..(first + n) as u32,
            n_in_file,
            speed,
        });
        Ok(())
    }

    fn resource(&self, spec: &spec::ResourceSpec<'a>) -> Result<ResourceSpec, ReadError> {
        let refuse = |message: &str| {
            let message = format!("resource {:?}: {message}", spec.name.as_str());
            spec.name.error(self.text, message)
        };
        if spec.skills.is_empty() {
            return Err(refuse("it has no skills; add one"));
        }
        let profile = |profile: &spec::ProfileSpec| LatencyProfile {
            fixed: profile.fixed_secs.span(),
            per_item: profile.per_item_secs.span(),
            per_token: profile.per_token_secs.span(),
        };
        let skills = spec.skills.iter();
        let skills = skills.map(|(skill, known)| (*skill, profile(known)));
        let memory = self.memory(spec)?;
        let kind = match &spec.model {
            Some(model) => ResourceKind::Replica {
                model: self.model(model)?.name.as_str().to_owned(),
            },
            None => ResourceKind::Agent { owner: OwnerId(0) },
        };
        let device = match &spec.device {
            Some(device) => self.devices.find(device)?,
            None => 0,
        };
        Ok(ResourceSpec {
            slots: spec.slots.map_or(1, |slots| slots.0),
            bytes_per_sec: spec.bytes_per_sec.map(|speed| speed.0),
            price_per_sec: spec.price_per_sec.0,
            watts: spec.watts.0,
            speed: spec.speed.map_or(1.0, |speed| speed.0),
            device: DeviceId(device as u32),
            curve: match &spec.batch {
                BatchSpec::Profile => BatchCurve::Profile,
                BatchSpec::Factors(factors) if factors.is_empty() => {
                    return Err(refuse("its batch curve has no factors; add some"));
                }
                BatchSpec::Factors(factors) => {
                    BatchCurve::Factors(factors.iter().map(|factor| factor.0).collect())
                }
            },
            spread: spec.spread.spread().map_err(refuse)?,
            memory,
            outages: spec.outages.outages().map_err(refuse)?,
            continuous: spec.continuous.map(|continuous| TokenBatching {
                budget: continuous.budget.0,
                kv_bytes_per_token: continuous.kv_bytes_per_token.0,
            }),
            ..ResourceSpec::new(spec.name.as_str(), kind, skills.collect())
        })
    }

    /// The memory of a resource and what may be in it.
    fn memory(&self, spec: &spec::ResourceSpec<'a>) -> Result<Option<Memory>, ReadError> {
        if spec.memory_bytes.is_none() && spec.loads.is_empty() {
            return Ok(None);
        }
        let bytes = spec.memory_bytes.map_or(u64::MAX / 2, |bytes| bytes.0);
        let mut models: Vec<HostedModel> = Vec::new();
        for name in spec.model.iter().chain(spec.loads.iter()) {
            let model = self.model(name)?;
            if model.bytes.0 > bytes {
                let message = format!(
                    "model {:?} takes {} bytes, more than the {bytes} of the resource; give it more",
                    name.as_str(),
                    model.bytes.0
                );
                return Err(name.error(self.text, message));
            }
            if models.iter().any(|known| known.name == name.as_str()) {
                let message = format!("model {:?} is there twice; keep one", name.as_str());
                return Err(name.error(self.text, message));
            }
            models.push(HostedModel {
                name: name.as_str().to_owned(),
                bytes: model.bytes.0,
                load: model.load_secs.span(),
            });
        }
        Ok(Some(Memory { bytes, models }))
    }

    fn model(&self, name: &Name<'_>) -> Result<&ModelSpec<'a>, ReadError> {
        Ok(&self.model_specs[self.models.find(name)?])
    }

    fn options(
        &self,
        spec: &WorkloadSpec<'a>,
        names: &Table<'a>,
    ) -> Result<EngineOptions, ReadError> {
        let OptionsSpec {
            policy,
            noise,
            max_attempts,
            retry_delay_secs,
            timeout_secs,
            hedging,
            preemption,
            max_open_tasks,
        } = &spec.options;
        let noise = noise.map_or(0.0, |noise| noise.0);
        let usual = EngineOptions::new(
            self.policy(policy.as_ref())?,
            Charge::Modelled { noise },
            Streams::new(spec.seed),
        );
        Ok(EngineOptions {
            max_attempts: max_attempts.map_or(usual.max_attempts, |n| n.0),
            retry_delay: retry_delay_secs.map_or(usual.retry_delay, Secs::span),
            timeout: timeout_secs.map(SomeSecs::span),
            hedging: hedging.map(|hedging| match hedging {
                HedgingSpec::After(secs) => HedgeAfter::Span(secs.span()),
                HedgingSpec::Quantile(share) => HedgeAfter::Quantile(share.0),
            }),
            preemption: preemption.unwrap_or(usual.preemption),
            max_open_tasks: max_open_tasks.map(|n| n.0),
            network: self.network(spec)?,
            scaling: self.scaling(spec, names)?,
            ..usual
        })
    }

    fn policy(&self, name: Option<&Name<'_>>) -> Result<PolicyName, ReadError> {
        let Some(name) = name else {
            return Ok(PolicyName::Fifo);
        };
        name.as_str().parse().map_err(|_| {
            let known = PolicyName::ALL.iter().map(|policy| policy.name());
            let message = format!(
                "no policy is called {:?}; {}",
                name.as_str(),
                one_of(name.as_str(), known)
            );
            name.error(self.text, message)
        })
    }

    fn network(&self, spec: &WorkloadSpec<'a>) -> Result<Network, ReadError> {
        let Some(network) = &spec.network else {
            return Ok(Network::default());
        };
        let link = |latency: SimSpan, speed: Option<Positive>| Link {
            latency,
            bytes_per_sec: speed.map(|speed| speed.0),
        };
        let device = |name| Ok(DeviceId(self.devices.find(name)? as u32));
        let links = network.links.iter().map(|way| {
            let here = link(way.latency_secs.span(), way.bytes_per_sec);
            Ok((device(&way.from)?, device(&way.to)?, here))
        });
        Ok(Network {
            usual: link(network.latency_secs.span(), network.bytes_per_sec),
            links: links.collect::<Result<_, ReadError>>()?,
        })
    }

    fn scaling(
        &self,
        spec: &WorkloadSpec<'a>,
        names: &Table<'a>,
    ) -> Result<Vec<ScalingRule>, ReadError> {
        let rules = spec.scaling.iter().map(|rule| {
            let Group {
                members, n_in_file, ..
            } = &self.groups[names.find(&rule.resource)?];
            let n = *n_in_file;
            let min = rule.min.map_or(1, |min| min.0);
            let max = rule.max.map_or(n, |max| max.0);
            if min > max || max > n {
                let message = format!(
                    "{:?} has {n} members, of which {min} to {max} are to be on; correct `min`, \
                     `max` or its `count`",
                    rule.resource.as_str()
                );
                return Err(rule.resource.error(self.text, message));
            }
            // There may be more or fewer than the file says.
            let n_now = members.len() as u32;
            Ok(ScalingRule {
                members: members.clone().map(ResourceId).collect(),
                min: min.min(n_now),
                max: if max == n { n_now } else { max.min(n_now) },
                up_queue: rule.up_queue.0,
                up_after: rule.up_after_secs.span(),
                down_after: rule.down_after_secs.span(),
                start_up: rule.start_up_secs.span(),
            })
        });
        rules.collect()
    }
}
