//! The channels that are in force: those of the configuration file, and those that were added while Relevo runs.
//!
//! One place that knows both, and that puts a change in force everywhere at once: what webhooks check, where intake delivers, how
//! channels send, what they are called. What a channel may be is decided by the configuration's own check.

mod definition;
mod grants;
mod guard;
mod share;
mod shared;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use relevo_catalogue::Language;
use relevo_domain::{ChannelId, Scope, TenantId};
use relevo_eventlog::LogError;
use relevo_intake::{LiveRoutes, Routes};
use relevo_providers::{AccountKey, Accounts, HealthBoard};
use relevo_query::ChannelLabels;
use relevo_webhook::LiveEndpoints;

use crate::config::file::File;
use crate::config::{Channel, ChannelKind, Config, Problem, Problems, check};
use crate::serve::routing;
pub(crate) use definition::Definition;
pub(crate) use grants::Grants;
use share::Share;
pub(crate) use shared::Shared;
use store::Store;

/// Channels that may be added to one tenant: more than anybody has, and few enough to check them all at each change.
const ADDED_MAX: usize = 64;

/// The channels in force. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Channels(Arc<Inner>);

struct Inner {
    /// What the configuration says, before anything was added.
    file: File,
    /// How the HTTP listener is reached if nobody says otherwise.
    own_url: String,
    store: Store,
    added: Mutex<BTreeMap<AccountKey, Definition>>,
    config: RwLock<Arc<Config>>,
    endpoints: LiveEndpoints,
    routes: LiveRoutes,
    accounts: Accounts,
    board: HealthBoard,
    labels: BTreeMap<TenantId, ChannelLabels>,
}

/// What adding a channel came to.
#[derive(Debug)]
pub(crate) struct Addition {
    /// It was there already, with the same definition.
    pub(crate) already_so: bool,
    /// Another definition of it was there.
    pub(crate) replaced: bool,
    pub(crate) channel: ChannelId,
    pub(crate) verify_token: Option<String>,
}

/// Why nothing was changed.
#[derive(Debug)]
pub(crate) enum NotChanged {
    /// The definition is wrong; places are keys of it.
    Definition(Problems),
    /// It stands in the file.
    InFile,
    /// It could not be kept.
    Store(std::io::Error),
    /// The rest of the configuration is not good any more: a secret's file is gone.
    Configuration(Problems),
    /// The other nodes could not be told.
    Log(LogError),
    /// Nobody knows whether the other nodes were told.
    Unknown(LogError),
}

impl Channels {
    /// Takes the channels of the configuration and those in the folder. What stands in the folder and is not good (any more) is
    /// left out and said: the others must work.
    pub(crate) fn open(file: File, config: Config, folder: PathBuf, own_url: &str) -> std::io::Result<Self> {
        let store = Store::new(folder);
        let (mut added, mut config) = (BTreeMap::new(), config);
        for (key, definition) in store.load()? {
            let mut with = added.clone();
            with.insert(key.clone(), definition);
            match check::check(&joined(&file, &with)) {
                Ok(checked) => (added, config) = (with, checked),
                Err(problems) => {
                    let (tenant, channel) = (key.0.as_str(), key.1.as_str());
                    let why = problems.lines(Language::En).join("; ");
                    tracing::error!(tenant, channel, why, "added channel is not good and is left out");
                }
            }
        }
        warn_of_grants(&config);
        let labels = config.tenants.iter().map(|tenant| (tenant.name.clone(), ChannelLabels::default())).collect();
        let inner = Inner {
            file,
            own_url: own_url.to_owned(),
            store,
            added: Mutex::new(added),
            config: RwLock::new(Arc::new(config.clone())),
            endpoints: LiveEndpoints::default(),
            routes: LiveRoutes::from(Arc::new(Routes::default())),
            accounts: Accounts::new([]),
            board: HealthBoard::default(),
            labels,
        };
        inner.put_in_force(config);
        Ok(Self(Arc::new(inner)))
    }

    /// The configuration with everything that was added.
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.0.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn endpoints(&self) -> LiveEndpoints {
        self.0.endpoints.clone()
    }

    pub(crate) fn routes(&self) -> LiveRoutes {
        self.0.routes.clone()
    }

    pub(crate) fn accounts(&self) -> Accounts {
        self.0.accounts.clone()
    }

    pub(crate) fn board(&self) -> HealthBoard {
        self.0.board.clone()
    }

    /// What the tenant's channels are called, now and later.
    pub(crate) fn labels(&self, tenant: &TenantId) -> ChannelLabels {
        self.0.labels.get(tenant).cloned().unwrap_or_default()
    }

    /// Whether the channel was added, and does not stand in the file.
    pub(crate) fn was_added(&self, tenant: &TenantId, channel: &ChannelId) -> bool {
        self.0.added().contains_key(&(tenant.clone(), channel.clone()))
    }

    /// What the provider of a channel must post to.
    pub(crate) fn webhook_url(&self, channel: &Channel) -> Option<String> {
        routing::webhook_url(&self.config(), channel, &self.0.own_url)
    }

    /// Adds a channel, and puts it in force. `removed` are the tenant's channels of which the other nodes remember that they were
    /// taken back. Blocks for the disk.
    pub(crate) fn add(
        &self,
        tenant: &TenantId,
        text: &str,
        replace: bool,
        removed: &BTreeSet<ChannelId>,
    ) -> Result<Addition, NotChanged> {
        let mut definition = Definition::parse(text).map_err(NotChanged::Definition)?;
        let wrong = |problem| NotChanged::Definition(Problems(vec![problem]));
        let id = definition.channel.id.clone();
        let channel =
            ChannelId::new(&id).map_err(|_refused| wrong(Problem::new("id", "config-name").with("value", &id)))?;
        let problems = guard::problems(&definition.channel, self.config().any_server, |app| {
            guard::owns_app(&self.0.file, tenant, app)
        });
        if !problems.0.is_empty() {
            return Err(NotChanged::Definition(problems));
        }
        let inner = &self.0;
        if inner.in_file(tenant, &id) {
            return Err(wrong(Problem::new("id", "config-channel-in-file").with("value", &id)));
        }
        let mut added = inner.added();
        let key = (tenant.clone(), channel.clone());
        let before = added.get(&key);
        definition.complete(before);
        let verify_token = definition.verify_token();
        if before == Some(&definition) {
            return Ok(Addition { already_so: true, replaced: false, channel, verify_token });
        }
        if before.is_some() && !replace {
            return Err(wrong(Problem::new("id", "config-channel-added").with("value", &id)));
        }
        if before.is_none() && added.keys().filter(|(of, _)| of == tenant).count() >= ADDED_MAX {
            let problem = Problem::new("id", "config-too-large").with("value", (ADDED_MAX + 1).to_string());
            return Err(wrong(problem.with("most", ADDED_MAX.to_string())));
        }
        let replaced = before.is_some();
        let mut with = added.clone();
        with.insert(key.clone(), definition.clone());
        let share = Share::of(inner.file.tenants.len());
        share.check(with.iter().filter(|((of, _), _)| of == tenant).map(|(_, one)| one)).map_err(wrong)?;
        if !replaced {
            share.check_removed(&channel, removed).map_err(wrong)?;
        }
        let config = check::check(&joined(&inner.file, &with))
            .map_err(|problems| about(problems, tenant, &inner.file, &with, &channel))?;
        inner.store.write(&key, &definition).map_err(NotChanged::Store)?;
        *added = with;
        inner.put_in_force(config);
        Ok(Addition { already_so: false, replaced, channel, verify_token })
    }

    /// Takes back a channel that was added; says whether it was there. Blocks for the disk.
    pub(crate) fn remove(&self, tenant: &TenantId, channel: &ChannelId) -> Result<bool, NotChanged> {
        let inner = &self.0;
        if inner.in_file(tenant, channel.as_str()) {
            return Err(NotChanged::InFile);
        }
        let mut added = inner.added();
        let key = (tenant.clone(), channel.clone());
        let mut without = added.clone();
        if without.remove(&key).is_none() {
            return Ok(false);
        }
        let config = check::check(&joined(&inner.file, &without)).map_err(NotChanged::Configuration)?;
        inner.store.remove(&key).map_err(NotChanged::Store)?;
        *added = without;
        inner.put_in_force(config);
        Ok(true)
    }

    /// Every channel that was added.
    fn added(&self) -> BTreeMap<AccountKey, Definition> {
        self.0.added().clone()
    }

    /// Puts in force what other nodes have added, changed or (`None`) taken back, all or nothing; says whether that changes anything.
    /// It was checked there for what may be added. Blocks for the disk.
    fn adopt(&self, changes: &BTreeMap<AccountKey, Option<Definition>>) -> Result<bool, NotChanged> {
        let inner = &self.0;
        if changes.keys().any(|(tenant, channel)| inner.in_file(tenant, channel.as_str())) {
            return Err(NotChanged::InFile);
        }
        let mut added = inner.added();
        if changes.iter().all(|(key, definition)| added.get(key) == definition.as_ref()) {
            return Ok(false);
        }
        let mut with = added.clone();
        for (key, definition) in changes {
            with.remove(key);
            with.extend(definition.iter().map(|definition| (key.clone(), definition.clone())));
        }
        let config = check::check(&joined(&inner.file, &with)).map_err(NotChanged::Configuration)?;
        for (key, definition) in changes {
            match definition {
                Some(definition) => inner.store.write(key, definition),
                None => inner.store.remove(key),
            }
            .map_err(NotChanged::Store)?;
        }
        *added = with;
        inner.put_in_force(config);
        Ok(true)
    }
}

impl Inner {
    fn added(&self) -> std::sync::MutexGuard<'_, BTreeMap<AccountKey, Definition>> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_file(&self, tenant: &TenantId, id: &str) -> bool {
        let of = self.file.tenants.iter().find(|one| one.name == tenant.as_str());
        of.is_some_and(|of| of.channels.iter().any(|channel| channel.id == id))
    }

    /// Who adds a channel does not run this machine, unless the operator says so: its mail servers are public ones, wherever
    /// their names lead.
    fn fence(&self, config: &mut Config) {
        let public_only = !config.any_server;
        for tenant in &mut config.tenants {
            for channel in &mut tenant.channels {
                if let ChannelKind::Email { account: Some(account), .. } = &mut channel.kind {
                    account.public_only = public_only && !self.in_file(&tenant.name, channel.id.as_str());
                }
            }
        }
    }

    /// Everything that follows from the channels, anew.
    fn put_in_force(&self, mut config: Config) {
        self.fence(&mut config);
        let config = Arc::new(config);
        // First of all: whoever is woken by new accounts looks here for their endpoints.
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&config);
        self.endpoints.replace(routing::endpoints(&config, &self.own_url));
        self.routes.replace(routing::routes(&config));
        let accounts = &self.accounts;
        let before = |(tenant, channel): &AccountKey| accounts.find(tenant, channel);
        accounts.replace(routing::accounts(&config, &self.own_url, &before));
        let known = accounts.all();
        self.board.keep(|key| known.contains_key(key));
        for tenant in &config.tenants {
            if let Some(labels) = self.labels.get(&tenant.name) {
                labels.replace(tenant.channels.iter().map(|channel| (channel.id.clone(), channel.label.clone())));
            }
        }
    }
}

/// A key may name a channel that is added later; more often it is a slip.
fn warn_of_grants(config: &Config) {
    for caller in config.api_keys.iter().map(|key| &key.caller) {
        let Scope::Granted { channels, .. } = &caller.scope else { continue };
        let of = config.tenants.iter().find(|tenant| tenant.name == caller.tenant);
        let known = |id: &&ChannelId| of.is_some_and(|of| of.channels.iter().any(|channel| channel.id == **id));
        for channel in channels.iter().filter(|id| !known(id)) {
            let (tenant, key) = (&caller.tenant, &caller.name);
            tracing::warn!(%tenant, %key, %channel, "API key names a channel that is not there; it grants nothing until one is added");
        }
    }
}

/// The configuration as if the added channels stood in it.
fn joined(file: &File, added: &BTreeMap<AccountKey, Definition>) -> File {
    let mut file = file.clone();
    for ((tenant, _), definition) in added {
        if let Some(of) = file.tenants.iter_mut().find(|one| one.name == tenant.as_str()) {
            of.channels.push(definition.channel.clone());
        }
    }
    file
}

/// The key of a definition that has what stands at another channel's place.
fn taken_key(place: &str) -> &'static str {
    let last = place.rsplit('.').next();
    let keys = ["phone_number_id", "waba_id", "display_phone_number"];
    keys.into_iter().find(|key| last == Some(key)).unwrap_or("id")
}

/// The problems as those of the definition. What belongs to others is named without saying whose it is.
fn about(
    problems: Problems,
    tenant: &TenantId,
    file: &File,
    with: &BTreeMap<AccountKey, Definition>,
    channel: &ChannelId,
) -> NotChanged {
    let index = file.tenants.iter().position(|one| one.name == tenant.as_str()).unwrap_or_default();
    let in_file = file.tenants.get(index).map_or(0, |one| one.channels.len());
    let before =
        with.keys().take_while(|(of, id)| (of, id) != (tenant, channel)).filter(|(of, _)| of == tenant).count();
    let places =
        [format!("tenants[{index}].channels[{}]", in_file + before), format!("tenants.{tenant}.channels.{channel}")];
    let mut own = Vec::new();
    let mut others = Vec::new();
    for mut problem in problems.0 {
        let at = problem.at.clone();
        let place = places.iter().find_map(|place| at.strip_prefix(place.as_str()));
        // A definition that takes what another channel has is wrong whichever of the two the check names.
        match (place, problem.key) {
            (Some(place), _) => problem = problem.at(place.trim_start_matches('.')),
            (None, "config-duplicate") => problem = problem.at(taken_key(&at)),
            (None, _) => {
                others.push(problem);
                continue;
            }
        }
        if problem.key == "config-duplicate" {
            problem.key = "config-taken";
            problem.args.retain(|(name, _)| *name == "value");
        }
        own.push(problem);
    }
    if own.is_empty() { NotChanged::Configuration(Problems(others)) } else { NotChanged::Definition(Problems(own)) }
}
