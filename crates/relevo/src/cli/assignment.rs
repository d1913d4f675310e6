//! `relevo assignment …`: who has what.

use clap::{Args, Subcommand};
use relevo_proto::query::v1::ListAssignmentsRequest;

use super::table::{Shrink, Table};
use super::{Context, Failure, Page, Read, more};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open conversations by agent and team, the longest held first, and how many each has.
    #[command(visible_alias = "ls")]
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this agent's (name in the configuration). Default: everybody's.
    #[arg(long, value_name = "AGENT", conflicts_with = "team")]
    agent: Option<String>,
    /// Only this team's, whether or not an agent has taken them. Default: every team's.
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Self::List(list) = self;
        let (out, words) = (&context.out, context.out.words);
        let mut assignments = context.client.assignments();
        let request = ListAssignmentsRequest {
            agent_id: list.agent.unwrap_or_default(),
            team_id: list.team.unwrap_or_default(),
            page_size: list.page.limit,
            page_token: list.page.page_token.unwrap_or_default(),
            min_position: list.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
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
            (words.t("table-since"), Shrink::Never),
            (words.t("table-how"), Shrink::Never),
            (words.t("table-by"), Shrink::Then(8)),
        ]);
        for row in &answer.assignments {
            table.row([
                words.assignee(row.assignee.as_ref()),
                row.conversation_id.clone(),
                row.contact_name.clone(),
                row.channel_label.clone(),
                out.clock.short(row.since.as_ref()),
                words.how(row.how),
                words.actor(row.by.as_ref()),
            ]);
        }
        out.table(&table, "list-empty")?;
        if !answer.loads.is_empty() {
            let mut loads = Table::new(vec![
                (words.t("table-assignee"), Shrink::First(10)),
                (words.t("table-open"), Shrink::Never),
            ]);
            for load in &answer.loads {
                loads.row([words.assignee(load.assignee.as_ref()), load.open.to_string()]);
            }
            out.line("")?;
            out.table(&loads, "list-empty")?;
        }
        more(out, &answer.next_page_token)
    }
}
