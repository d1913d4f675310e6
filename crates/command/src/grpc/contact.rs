//! `relevo.command.v1.ContactService`.

use std::sync::Arc;

use relevo_domain::contact::Command;
use relevo_domain::{Clock, EntityKind};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::contact_service_server::ContactService;
use tonic::{Request, Response, Status};

use super::Staff;
use super::problem::Speaker;
use super::request::{self, Head, Violations};
use crate::contact::{ContactNow, ContactRequest, Contacts};
use crate::execute::Answer;

/// The contact service.
#[derive(Clone)]
pub struct ContactCommands {
    contacts: Contacts,
    staff: Arc<dyn Staff>,
    clock: Clock,
}

impl ContactCommands {
    pub(super) const fn new(contacts: Contacts, staff: Arc<dyn Staff>, clock: Clock) -> Self {
        Self { contacts, staff, clock }
    }

    /// What every command has in common, once its own fields are read.
    async fn execute(
        &self,
        speaker: &Speaker,
        head: Head<'_>,
        contact_id: &str,
        command: Result<Command, Violations>,
    ) -> Result<Answer<ContactNow>, Status> {
        let rest = request::both(request::entity(EntityKind::Contact, "contact_id", contact_id), command);
        let (asked, (contact, command)) =
            request::with_head(head, rest).map_err(|violations| speaker.invalid(violations))?;
        let request = ContactRequest { asked, contact, command };
        let refusal = |error| speaker.refusal(contact, &request.asked, error, self.staff.as_ref());
        self.contacts.execute(&request).await.map_err(refusal)
    }
}

/// One RPC: its own fields become a command, its answer gets the common fields and `extra`, which may look at the answer.
macro_rules! rpc {
    (
        $self:ident, $request:ident, $response:ident, |$r:ident| $command:expr,
        $answer:ident => { $($field:ident: $extra:expr),* }
    ) => {{
        let speaker = Speaker::of(&$request);
        let caller = speaker.caller(&$request)?;
        let $r = $request.into_inner();
        let (command_id, expected_version) = ($r.command_id.as_str(), $r.expected_version);
        let head = Head { caller, command_id, expected_version, now: ($self.clock)() };
        let $answer = $self.execute(&speaker, head, &$r.contact_id, $command).await?;
        Ok(Response::new(proto::$response {
            position: $answer.position.to_string(),
            already_so: $answer.already_so,
            version: $answer.version,
            contact: Some(state(&$r.contact_id, &$answer)),
            $($field: $extra,)*
        }))
    }};
}

#[tonic::async_trait]
impl ContactService for ContactCommands {
    async fn link_customer(
        &self,
        request: Request<proto::LinkCustomerRequest>,
    ) -> Result<Response<proto::LinkCustomerResponse>, Status> {
        rpc!(self, request, LinkCustomerResponse, |r| request::link(r.customer.clone()), answer => {  })
    }

    async fn unlink_customer(
        &self,
        request: Request<proto::UnlinkCustomerRequest>,
    ) -> Result<Response<proto::UnlinkCustomerResponse>, Status> {
        rpc!(self, request, UnlinkCustomerResponse, |r| Ok(Command::UnlinkCustomer), answer => {  })
    }

    async fn merge_contacts(
        &self,
        request: Request<proto::MergeContactsRequest>,
    ) -> Result<Response<proto::MergeContactsResponse>, Status> {
        rpc!(self, request, MergeContactsResponse, |r| other(&r.other_contact_id).map(|other| Command::Merge { other }), answer => { paused_conversation_ids: answer.now.paused.iter().map(ToString::to_string).collect() })
    }

    async fn unmerge_contacts(
        &self,
        request: Request<proto::UnmergeContactsRequest>,
    ) -> Result<Response<proto::UnmergeContactsResponse>, Status> {
        rpc!(self, request, UnmergeContactsResponse, |r| other(&r.other_contact_id).map(|other| Command::Unmerge { other }), answer => {  })
    }
}

fn other(id: &str) -> Result<relevo_domain::EntityId, Violations> {
    request::entity(EntityKind::Contact, "other_contact_id", id)
}

fn state(id: &str, answer: &Answer<ContactNow>) -> proto::ContactState {
    let customer = answer.now.contact.customer.as_ref();
    proto::ContactState {
        contact_id: id.to_owned(),
        version: answer.version_now,
        customer: customer.map(|customer| proto::LinkedCustomer {
            id: customer.id.clone(),
            name: customer.name.clone().unwrap_or_default(),
        }),
    }
}
