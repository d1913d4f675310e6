//! The gRPC door of commands: parse, authorise, execute, answer. No rule lives here.

mod bulk;
mod channel;
mod contact;
mod conversation;
mod detection;
mod outgoing;
mod pause;
mod preset;
mod problem;
mod request;
mod response;
mod send;
mod sending_problem;
mod turns;
mod workspace;

use std::sync::Arc;

use jiff::tz::TimeZone;
use relevo_domain::{AgentId, Clock, Role, TeamId, TenantId};
use relevo_proto::command::v1::bulk_command_service_server::BulkCommandServiceServer;
use relevo_proto::command::v1::channel_command_service_server::ChannelCommandServiceServer;
use relevo_proto::command::v1::contact_service_server::ContactServiceServer;
use relevo_proto::command::v1::conversation_service_server::ConversationServiceServer;
use relevo_proto::command::v1::send_service_server::SendServiceServer;
use relevo_proto::command::v1::workspace_service_server::WorkspaceServiceServer;

use crate::bulk::{BulkPorts, Bulks};
use crate::channel::Channels;
use crate::contact::Contacts;
use crate::conversation::Conversations;
use crate::ledger::Ledger;
use crate::marks::Marks;
use crate::send::{Messages, SendPorts};
use crate::workspace::Workspaces;

pub use bulk::BulkCommands;
pub use channel::ChannelCommands;
pub use contact::ContactCommands;
pub use conversation::ConversationCommands;
pub use send::SendCommands;
pub use turns::{Did, InTurn, Started, TurnCommands, refuse, refuse_field};
pub use workspace::WorkspaceCommands;

/// The largest command, in bytes: a note of 4,000 characters and its ids, with room.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// The largest command to a workspace, in bytes: 300 entries of 240 characters to add to the detection, as many to remove, with room.
const WORKSPACE_BYTES_MAX: usize = 512 * 1024;
/// The largest message to be sent, in bytes: a mail with a text and an HTML part. Files are stored before, and named.
const MESSAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The largest command for many conversations, in bytes: 100,000 ids.
const BULK_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The people of a tenant and where it is, as the configuration has them.
pub trait Staff: Send + Sync + 'static {
    /// What people call the agent; `None` if there is no such agent.
    fn agent_name(&self, tenant: &TenantId, agent: &AgentId) -> Option<String>;
    /// What people call the team; `None` if there is no such team.
    fn team_name(&self, tenant: &TenantId, team: &TeamId) -> Option<String>;
    /// The zone in which the tenant's mornings are; UTC for a tenant that is not known.
    fn time_zone(&self, tenant: &TenantId) -> TimeZone;
    /// What the agent may do; `None` if there is no such agent.
    fn agent_role(&self, tenant: &TenantId, agent: &AgentId) -> Option<Role>;
}

/// Every service of commands, over one ledger.
pub struct Commands {
    ledger: Arc<Ledger>,
    staff: Arc<dyn Staff>,
    clock: Clock,
    marks: Option<Marks>,
    ports: Option<SendPorts>,
}

impl Commands {
    pub const fn new(ledger: Arc<Ledger>, staff: Arc<dyn Staff>, clock: Clock) -> Self {
        Self { ledger, staff, clock, marks: None, ports: None }
    }

    /// The same, with somebody who tells providers what was read and who writes. Without, nobody is told, and there is no typing.
    #[must_use]
    pub fn with_marks(self, marks: Marks) -> Self {
        Self { marks: Some(marks), ..self }
    }

    /// The same, with what it takes to send. Without, a bot is resumed without a farewell.
    #[must_use]
    pub fn with_ports(self, ports: SendPorts) -> Self {
        Self { ports: Some(ports), ..self }
    }

    pub fn conversations(&self) -> ConversationCommands {
        let conversations = Conversations::new(Arc::clone(&self.ledger));
        let messages = self.ports.clone().map(|ports| Messages::new(Arc::clone(&self.ledger), ports));
        let staff = Arc::clone(&self.staff);
        ConversationCommands::new(conversations, messages, staff, self.clock, self.marks.clone())
    }

    pub fn contacts(&self) -> ContactCommands {
        ContactCommands::new(Contacts::new(Arc::clone(&self.ledger)), Arc::clone(&self.staff), self.clock)
    }

    pub fn workspaces(&self) -> WorkspaceCommands {
        WorkspaceCommands::new(Workspaces::new(Arc::clone(&self.ledger)), Arc::clone(&self.staff), self.clock)
    }

    /// The server of `relevo.command.v1.ConversationService`, with its limits.
    pub fn conversation_server(&self) -> ConversationServiceServer<ConversationCommands> {
        ConversationServiceServer::new(self.conversations()).max_decoding_message_size(REQUEST_BYTES_MAX)
    }

    /// The server of `relevo.command.v1.ContactService`, with its limits.
    pub fn contact_server(&self) -> ContactServiceServer<ContactCommands> {
        ContactServiceServer::new(self.contacts()).max_decoding_message_size(REQUEST_BYTES_MAX)
    }

    /// The server of `relevo.command.v1.WorkspaceService`, with its limits.
    pub fn workspace_server(&self) -> WorkspaceServiceServer<WorkspaceCommands> {
        WorkspaceServiceServer::new(self.workspaces()).max_decoding_message_size(WORKSPACE_BYTES_MAX)
    }

    pub fn sends(&self, ports: SendPorts) -> SendCommands {
        let messages = Messages::new(Arc::clone(&self.ledger), ports);
        SendCommands::new(messages, Arc::clone(&self.staff), self.clock, self.marks.clone())
    }

    /// What bots do in their turns.
    pub fn turns(&self, ports: SendPorts) -> TurnCommands {
        let messages = Messages::new(Arc::clone(&self.ledger), ports);
        TurnCommands::new(Arc::clone(&self.ledger), messages, Arc::clone(&self.staff), self.clock, self.marks.clone())
    }

    pub fn channels(&self, ports: SendPorts) -> ChannelCommands {
        ChannelCommands::new(Channels::new(Arc::clone(&self.ledger), ports), Arc::clone(&self.staff), self.clock)
    }

    pub fn bulks(&self, ports: BulkPorts) -> BulkCommands {
        let bulks = Bulks::new(Arc::clone(&self.ledger), ports);
        BulkCommands::new(bulks, Arc::clone(&self.staff), self.clock)
    }

    /// The server of `relevo.command.v1.BulkCommandService`, with its limits.
    pub fn bulk_server(&self, ports: BulkPorts) -> BulkCommandServiceServer<BulkCommands> {
        BulkCommandServiceServer::new(self.bulks(ports)).max_decoding_message_size(BULK_BYTES_MAX)
    }

    /// The server of `relevo.command.v1.SendService`, with its limits.
    pub fn send_server(&self, ports: SendPorts) -> SendServiceServer<SendCommands> {
        SendServiceServer::new(self.sends(ports)).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// The server of `relevo.command.v1.ChannelCommandService`, with its limits.
    pub fn channel_server(&self, ports: SendPorts) -> ChannelCommandServiceServer<ChannelCommands> {
        ChannelCommandServiceServer::new(self.channels(ports)).max_decoding_message_size(REQUEST_BYTES_MAX)
    }
}
