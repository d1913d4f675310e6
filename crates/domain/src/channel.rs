//! A channel as an entity: what a provider says about an account or number, its templates, and delivery reports that belong
//! nowhere yet.

use std::collections::BTreeMap;

use crate::access::Role;
use crate::conversation::DeliveryReport;
use crate::template::{Template, TemplateStatus};

/// Templates kept of one channel: above every account's own limit.
pub const TEMPLATES_MAX: usize = 1_500;

/// A fact about a channel or its provider account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// A delivery report about a message that no known conversation has.
    DeliveryReported(DeliveryReport),
    /// Anything else that the provider said: template and account updates, calls, history, errors.
    ProviderUpdated {
        /// The provider's name for it, for example `message_template_status_update`.
        field: String,
        personal: ProviderUpdatePersonal,
    },
    /// The provider has this template, like this; replaces what was known of it.
    TemplateChanged(Box<Template>),
    /// The provider says how the template stands; everything else of it stays.
    TemplateStatusChanged { name: String, language: String, status: TemplateStatus, reason: Option<String> },
    /// The provider does not have the template any more.
    TemplateRemoved { name: String, language: String },
    /// Nothing is sent from this channel until it is resumed. What comes in is taken all the same.
    ChannelPaused,
    /// The channel sends again.
    ChannelResumed,
}

/// The personal part of [`ChannelEvent::ProviderUpdated`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProviderUpdatePersonal {
    /// The update as the provider sent it, as JSON text.
    pub json: String,
}

impl ChannelEvent {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DeliveryReported(_) => "DeliveryReported",
            Self::ProviderUpdated { .. } => "ProviderUpdated",
            Self::TemplateChanged(_) => "TemplateChanged",
            Self::TemplateStatusChanged { .. } => "TemplateStatusChanged",
            Self::TemplateRemoved { .. } => "TemplateRemoved",
            Self::ChannelPaused => "ChannelPaused",
            Self::ChannelResumed => "ChannelResumed",
        }
    }
}

/// What the rules need to know of a channel. `Default` is one of which nothing is on the log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct State {
    /// By name and language.
    pub templates: BTreeMap<(String, String), Template>,
    pub paused: bool,
}

impl State {
    /// The state after one more event. Total.
    #[must_use]
    pub fn evolve(mut self, event: &ChannelEvent) -> Self {
        match event {
            ChannelEvent::TemplateChanged(template) => {
                let key = (template.name.clone(), template.language.clone());
                if self.templates.len() < TEMPLATES_MAX || self.templates.contains_key(&key) {
                    self.templates.insert(key, template.as_ref().clone());
                }
            }
            ChannelEvent::TemplateStatusChanged { name, language, status, reason } => {
                if let Some(template) = self.templates.get_mut(&(name.clone(), language.clone())) {
                    template.status = status.clone();
                    template.reason.clone_from(reason);
                }
            }
            ChannelEvent::TemplateRemoved { name, language } => {
                self.templates.remove(&(name.clone(), language.clone()));
            }
            ChannelEvent::ChannelPaused => self.paused = true,
            ChannelEvent::ChannelResumed => self.paused = false,
            ChannelEvent::DeliveryReported(_) | ChannelEvent::ProviderUpdated { .. } => {}
        }
        self
    }
}

/// A command to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Nothing is sent until it is resumed.
    Pause,
    Resume,
    /// The provider's whole list of templates, as it is now.
    SynchroniseTemplates(Vec<Template>),
}

/// What a command leads to, if it is not rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These events, in one commit. Never empty.
    Append(Vec<ChannelEvent>),
    /// The state already is what the command asks for; nothing to write.
    AlreadySo,
}

/// Why a command was rejected. Nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The caller's role may not do this.
    Forbidden { role: Role },
}

/// Decides one command. `role` is absent for what Relevo does itself.
pub fn decide(state: &State, role: Option<Role>, command: &Command) -> Result<Decision, Rejection> {
    if let Some(role) = role.filter(|role| !matches!(role, Role::Supervisor | Role::Admin | Role::Ops)) {
        return Err(Rejection::Forbidden { role });
    }
    let events = match command {
        Command::Pause if state.paused => Vec::new(),
        Command::Pause => vec![ChannelEvent::ChannelPaused],
        Command::Resume if state.paused => vec![ChannelEvent::ChannelResumed],
        Command::Resume => Vec::new(),
        Command::SynchroniseTemplates(templates) => synchronise(state, templates),
    };
    Ok(if events.is_empty() { Decision::AlreadySo } else { Decision::Append(events) })
}

/// What differs between what is known and what the provider has.
fn synchronise(state: &State, templates: &[Template]) -> Vec<ChannelEvent> {
    let wanted: BTreeMap<(String, String), &Template> = templates
        .iter()
        .take(TEMPLATES_MAX)
        .map(|template| ((template.name.clone(), template.language.clone()), template))
        .collect();
    let gone = state
        .templates
        .keys()
        .filter(|key| !wanted.contains_key(*key))
        .map(|(name, language)| ChannelEvent::TemplateRemoved { name: name.clone(), language: language.clone() });
    let changed = wanted
        .iter()
        .filter(|(key, template)| state.templates.get(*key) != Some(**template))
        .map(|(_, template)| ChannelEvent::TemplateChanged(Box::new((*template).clone())));
    gone.chain(changed).collect()
}
