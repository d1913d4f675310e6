//! Made-up histories: contacts, the workspace's tags, and what providers say of a channel.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use relevo_domain::channel::{ChannelEvent, ProviderUpdatePersonal};
use relevo_domain::contact::event::MergeCause;
use relevo_domain::contact::{ContactEvent, CustomerPersonal};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, Colour, EntityId, EntityKind, Event, MessageId, TagId, TagName, TenantId};

use super::{Writer, hash_of};
use crate::testing::must;

/// The most tags of a made-up workspace.
const TAGS: usize = 12;
const TAG_NAMES: [&str; 6] = ["Venta", "Reclamo", "Presupuesto enviado", "VIP", "Año nuevo", "Señal / seña"];

impl Writer {
    pub(super) fn rename(&mut self, talk: usize) {
        let event = ContactEvent::Renamed { personal: self.name() };
        self.met(talk, event);
    }

    pub(super) fn learn(&mut self, talk: usize) {
        let kind = IdentifierKind::ALL[self.random.random_range(0..IdentifierKind::ALL.len())];
        let channel = self.talks[talk].channel.clone();
        let event = self.identifier(kind, &channel);
        self.met(talk, event);
    }

    pub(super) fn merge(&mut self, talk: usize) {
        let (tenant, own) = (&self.talks[talk].tenant, self.talks[talk].contact);
        let merged = &self.contacts[&(tenant.clone(), own)].merged;
        let others: Vec<EntityId> = self
            .talks
            .iter()
            .filter(|other| other.tenant == *tenant && other.contact != own && !merged.contains(&other.contact))
            .map(|other| other.contact)
            .collect();
        // A contact that we have never met: the provider may know more people than we do.
        let other = others.choose(&mut self.random).copied().unwrap_or_else(|| self.entity(EntityKind::Contact));
        let causes = [MergeCause::SameUpdate, MergeCause::NumberChanged, MergeCause::Manual];
        let cause = causes[self.random.random_range(0..causes.len())];
        let event = ContactEvent::Merged { other, cause };
        if cause == MergeCause::Manual { self.staff_said(talk, event) } else { self.met(talk, event) }
    }

    pub(super) fn unmerge(&mut self, talk: usize) {
        let (tenant, own) = (&self.talks[talk].tenant, self.talks[talk].contact);
        let merged: Vec<EntityId> = self.contacts[&(tenant.clone(), own)].merged.iter().copied().collect();
        match merged.choose(&mut self.random) {
            Some(other) => self.staff_said(talk, ContactEvent::Unmerged { other: *other }),
            None => self.merge(talk),
        }
    }

    pub(super) fn link_customer(&mut self, talk: usize) {
        let id = format!("C-{:06}", self.random.random_range(0..1_000_000));
        let personal = CustomerPersonal { id, name: self.name().name };
        self.staff_said(talk, ContactEvent::CustomerLinked { personal });
    }

    pub(super) fn unlink_customer(&mut self, talk: usize) {
        let (tenant, own) = (&self.talks[talk].tenant, self.talks[talk].contact);
        if self.contacts[&(tenant.clone(), own)].customer.is_none() {
            return self.link_customer(talk);
        }
        self.staff_said(talk, ContactEvent::CustomerUnlinked);
    }

    fn met(&mut self, talk: usize, event: ContactEvent) {
        let (tenant, contact) = (self.talks[talk].tenant.clone(), self.talks[talk].contact);
        self.contact(&tenant, contact, Actor::Customer, vec![event]);
    }

    fn staff_said(&mut self, talk: usize, event: ContactEvent) {
        let (tenant, contact) = (self.talks[talk].tenant.clone(), self.talks[talk].contact);
        let actor = Actor::Staff(self.agent());
        self.contact(&tenant, contact, actor, vec![event]);
    }

    // --- tags of a workspace

    pub(super) fn create_tag(&mut self, tenant: &TenantId) {
        let (tag, colour) = (TagId::new(self.random.random()), Colour(self.random.random()));
        let known = self.tags.entry(tenant.clone()).or_default();
        if known.len() >= TAGS {
            let gone = known.swap_remove(0);
            return self.workspace(tenant, WorkspaceEvent::TagDeleted { tag: gone });
        }
        known.push(tag);
        let name = self.tag_name();
        self.workspace(tenant, WorkspaceEvent::TagCreated { tag, name, colour });
    }

    pub(super) fn change_tag(&mut self, talk: usize) {
        let tenant = self.talks[talk].tenant.clone();
        let Some(tag) = self.tags.get(&tenant).and_then(|tags| tags.choose(&mut self.random)).copied() else {
            return self.create_tag(&tenant);
        };
        let (name, colour) = (self.tag_name(), Colour(self.random.random()));
        self.workspace(&tenant, WorkspaceEvent::TagChanged { tag, name, colour });
    }

    pub(super) fn delete_tag(&mut self, talk: usize) {
        let tenant = self.talks[talk].tenant.clone();
        let tags = self.tags.entry(tenant.clone()).or_default();
        if tags.is_empty() {
            return self.create_tag(&tenant);
        }
        let tag = tags.swap_remove(self.random.random_range(0..tags.len()));
        self.workspace(&tenant, WorkspaceEvent::TagDeleted { tag });
    }

    /// Different every time: two tags of a workspace never have one name.
    fn tag_name(&mut self) -> TagName {
        let name = TAG_NAMES[self.random.random_range(0..TAG_NAMES.len())];
        must(TagName::new(&format!("{name} {}", self.commits.len())), "name a tag")
    }

    // --- channels

    pub(super) fn channel_delivery(&mut self, talk: usize) {
        let report = self.report(MessageId::new([9; 16]));
        self.channel(talk, ChannelEvent::DeliveryReported(report));
    }

    pub(super) fn channel_update(&mut self, talk: usize) {
        let personal = ProviderUpdatePersonal { json: r#"{"event":"APPROVED"}"#.to_owned() };
        let event = ChannelEvent::ProviderUpdated { field: "message_template_status_update".to_owned(), personal };
        self.channel(talk, event);
    }

    pub(super) fn channel(&mut self, talk: usize, event: ChannelEvent) {
        let (tenant, channel) = (self.talks[talk].tenant.clone(), &self.talks[talk].channel);
        let hash = hash_of(channel);
        let bytes = std::array::from_fn(|index| hash[index]);
        let entity = EntityId::new(EntityKind::Channel, bytes);
        self.commit(&tenant, entity, Actor::Provider, vec![Event::Channel(event)]);
    }
}
