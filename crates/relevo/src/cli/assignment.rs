//! `relevo assignment …`: who has what, what nobody has, and how it came about.

use clap::{Args, Subcommand, ValueEnum};
use relevo_proto::query::v1::{
    ConversationStatus, GetAssignmentHistoryRequest, GetLoadsRequest, ListAssignmentsRequest, ListQueueRequest, Load,
    QueueLength, QueueOrder,
};

use super::moment::seconds;
use super::table::{Shrink, Table};
use super::{Context, Failure, Output, Page, Read, more};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Conversations by agent and team, the longest held first, and how many each has.
    #[command(visible_alias = "ls")]
    List(List),
    /// Open conversations that no agent has: who waits longest, or who is without an agent longest.
    Queue(Queue),
    /// Every assignment of one conversation, oldest first, with who did it.
    History(History),
    /// How much every agent and team has, and how long the queues are.
    Loads(Loads),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this agent's (name in the configuration). Default: everybody's.
    #[arg(long, value_name = "AGENT", conflicts_with = "team")]
    agent: Option<String>,
    /// Only this team's, whether or not an agent has taken them. Default: every team's.
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// Only these statuses; several times or with commas. Default: open and pending.
    #[arg(long, value_enum, value_delimiter = ',')]
    status: Vec<Status>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

/// What is resolved is in no list of assignments.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    /// Somebody has to look at it.
    Open,
    /// It waits for the customer or for a third party.
    Pending,
    /// It is out of sight until a time, or until the customer writes.
    Snoozed,
}

#[derive(Debug, Args)]
pub(crate) struct Queue {
    /// Only what came to this team and none of its agents has. Default: every queue.
    #[arg(long, value_name = "TEAM", conflicts_with = "no_team")]
    team: Option<String>,
    /// Only what is nobody's at all.
    #[arg(long)]
    no_team: bool,
    /// In which order.
    #[arg(long, value_enum, default_value_t = Order::Priority)]
    sort: Order,
    /// Only those without an agent for longer than so long: 90s, 10m, 2h, 3d. Default: all.
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "0", hide_default_value = true)]
    longer_than: u32,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Order {
    /// The most urgent first, then who waits for an answer longest.
    Priority,
    /// Who is without an agent longest first.
    Longest,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Loads {
    #[command(flatten)]
    read: Read,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Queue(queue) => queue.run(context).await,
            Self::History(history) => history.run(context).await,
            Self::Loads(loads) => loads.run(context).await,
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let mut assignments = context.client.assignments();
        let status = |status: Status| match status {
            Status::Open => ConversationStatus::Open.into(),
            Status::Pending => ConversationStatus::Pending.into(),
            Status::Snoozed => ConversationStatus::Snoozed.into(),
        };
        let request = ListAssignmentsRequest {
            agent_id: self.agent.unwrap_or_default(),
            team_id: self.team.unwrap_or_default(),
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
            statuses: self.status.into_iter().map(status).collect(),
        };
        let answer = context.client.once(assignments.list_assignments(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-assignee"), Shrink::Then(10)),
            (words.t("table-conversation"), Shrink::Never),
            (words.t("table-contact"), Shrink::Then(8)),
            (words.t("table-channel"), Shrink::Drop(6)),
            (words.t("table-status"), Shrink::Drop(6)),
            (words.t("table-priority"), Shrink::Drop(4)),
            (words.t("table-since"), Shrink::Never),
            (words.t("table-waiting"), Shrink::Drop(5)),
            (words.t("table-how"), Shrink::Drop(6)),
            (words.t("table-by"), Shrink::Then(8)),
        ]);
        for row in &answer.assignments {
            let due = if row.due { format!(" · {}", words.t("status-due")) } else { String::new() };
            table.row([
                words.assignee(row.assignee.as_ref()),
                row.conversation_id.clone(),
                row.contact_name.clone(),
                row.channel_label.clone(),
                format!("{}{due}", words.status(row.status)),
                words.priority_given(row.priority),
                out.clock.short(row.since.as_ref()),
                out.clock.short(row.waiting_since.as_ref()),
                words.how(row.how),
                words.actor(row.by.as_ref()),
            ]);
        }
        out.table(&table, "list-empty")?;
        if !answer.loads.is_empty() {
            out.line("")?;
            out.table(&loads_table(out, &answer.loads), "list-empty")?;
        }
        more(out, &answer.next_page_token)
    }
}

impl Queue {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let order = match self.sort {
            Order::Priority => QueueOrder::Priority,
            Order::Longest => QueueOrder::Longest,
        };
        let request = ListQueueRequest {
            team_id: self.team.unwrap_or_default(),
            no_team: self.no_team,
            order: order.into(),
            longer_than_seconds: u64::from(self.longer_than),
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let mut assignments = context.client.assignments();
        let answer = context.client.once(assignments.list_queue(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-conversation"), Shrink::Never),
            (words.t("table-contact"), Shrink::Then(8)),
            (words.t("table-channel"), Shrink::Drop(6)),
            (words.t("table-team"), Shrink::Then(8)),
            (words.t("table-priority"), Shrink::Never),
            (words.t("table-waiting"), Shrink::Never),
            (words.t("table-unassigned"), Shrink::Never),
        ]);
        for row in &answer.conversations {
            let due = if row.due { format!(" · {}", words.t("status-due")) } else { String::new() };
            table.row([
                row.conversation_id.clone(),
                format!("{}{due}", row.contact_name),
                row.channel_label.clone(),
                words.assignee(row.assignee.as_ref()),
                words.priority_given(row.priority),
                out.clock.short(row.waiting_since.as_ref()),
                out.clock.short(row.unassigned_since.as_ref()),
            ]);
        }
        out.table(&table, "list-empty")?;
        print_queues(out, &answer.queues)?;
        more(out, &answer.next_page_token)
    }
}

impl History {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let request = GetAssignmentHistoryRequest {
            conversation_id: self.conversation_id,
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let mut assignments = context.client.assignments();
        let answer = context.client.once(assignments.get_assignment_history(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-since"), Shrink::Never),
            (words.t("table-by"), Shrink::Then(8)),
            (words.t("table-how"), Shrink::Never),
            (words.t("table-before"), Shrink::Then(8)),
            (words.t("table-assignee"), Shrink::Then(8)),
        ]);
        for entry in &answer.entries {
            table.row([
                out.clock.long(entry.at.as_ref()),
                words.actor(entry.by.as_ref()),
                words.how(entry.how),
                words.assignee(entry.from.as_ref()),
                words.assignee(entry.to.as_ref()),
            ]);
        }
        out.table(&table, "list-empty")?;
        more(out, &answer.next_page_token)
    }
}

impl Loads {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let out = &context.out;
        let request = GetLoadsRequest {
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let mut assignments = context.client.assignments();
        let answer = context.client.once(assignments.get_loads(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        out.table(&loads_table(out, &answer.loads), "list-empty")?;
        print_queues(out, &answer.queues)
    }
}

fn loads_table(out: &Output, loads: &[Load]) -> Table {
    let words = out.words;
    let mut table = Table::new(vec![
        (words.t("table-assignee"), Shrink::First(10)),
        (words.t("table-open"), Shrink::Never),
        (words.t("table-pending"), Shrink::Never),
        (words.t("table-snoozed"), Shrink::Never),
    ]);
    for load in loads {
        let assignee = words.assignee(load.assignee.as_ref());
        table.row([assignee, load.open.to_string(), load.pending.to_string(), load.snoozed.to_string()]);
    }
    table
}

/// How long every queue is; nothing if there is none.
fn print_queues(out: &Output, queues: &[QueueLength]) -> Result<(), Failure> {
    if queues.is_empty() {
        return Ok(());
    }
    let words = out.words;
    let headers = vec![(words.t("table-queue"), Shrink::First(10)), (words.t("table-open"), Shrink::Never)];
    let mut table = Table::new(headers);
    for queue in queues {
        let name = if queue.team_id.is_empty() { words.t("assignee-nobody") } else { queue.team_name.clone() };
        table.row([name, queue.open.to_string()]);
    }
    out.line("")?;
    out.table(&table, "list-empty")
}
