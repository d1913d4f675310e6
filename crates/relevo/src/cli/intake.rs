//! `relevo intake …`: what arrived, what became of it, and what is parked.

use std::time::Duration;

use clap::{Args, Subcommand};
use relevo_domain::{RawId, RawIdError};
use relevo_proto::admin::v1::{
    DiscardParkedRequest, GetIntakeStatusRequest, GetIntakeStatusResponse, GetParkedRequest, GetParkedResponse,
    ListParkedRequest, ParkedItem, RetryParkedRequest,
};

use super::conversation::label_lines;
use super::table::{Shrink, Table};
use super::{Context, Failure, Output, more, text};

/// How often intake is asked whether it is done.
const SETTLE_POLL: Duration = Duration::from_millis(100);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Counts by endpoint and by channel: updates = messages + statuses + other updates + duplicates + parked.
    Status,
    /// What could not be understood or routed, and waits for somebody.
    #[command(args_conflicts_with_subcommands = true)]
    Parked(Parked),
    /// Hands parked items to intake again, as if they had just arrived.
    Retry(Retry),
}

#[derive(Debug, Args)]
pub(crate) struct Parked {
    #[command(flatten)]
    list: List,
    #[command(subcommand)]
    command: Option<ParkedCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ParkedCommand {
    /// The parked items, oldest first, without their bytes (the default).
    #[command(visible_alias = "ls")]
    List(List),
    /// One parked item with its bytes.
    Show(Show),
    /// Gives parked items up: they are deleted and stay counted as parked.
    Discard(Discard),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of this endpoint. Default: all.
    #[arg(long, value_name = "ENDPOINT", default_value = "", hide_default_value = true)]
    endpoint: String,
    /// Rows to print, 1 to 200.
    #[arg(long, default_value_t = 25, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=200))]
    limit: i32,
    /// Goes on where a list ended: the token that it printed.
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    page_token: String,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Id of the parked item, from `relevo intake parked`.
    #[arg(value_name = "ID", value_parser = parked_id)]
    parked_id: u64,
    /// Prints the bytes alone, as they came, for example into a file. Without it, what would act on a terminal is neutralised.
    #[arg(long)]
    raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Discard {
    /// Ids of parked items, at most 1,000.
    #[arg(value_name = "ID", required = true, num_args = 1..=1000, value_parser = parked_id)]
    parked_ids: Vec<u64>,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["parked_ids", "all"])))]
pub(crate) struct Retry {
    /// Ids of parked items, at most 1,000.
    #[arg(value_name = "ID", num_args = 1..=1000, value_parser = parked_id)]
    parked_ids: Vec<u64>,
    /// Everything that the caller may see, at most 10,000 items a call.
    #[arg(long)]
    all: bool,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        match self {
            Self::Status => {
                let answer = ask_status(context).await?;
                if out.json { out.message(&answer) } else { print_status(out, &answer) }
            }
            Self::Parked(Parked { list, command }) => match command.unwrap_or(ParkedCommand::List(list)) {
                ParkedCommand::List(list) => list.run(context).await,
                ParkedCommand::Show(show) => show.run(context).await,
                ParkedCommand::Discard(Discard { parked_ids }) => {
                    let mut intake = client.intake();
                    let request = client.request(DiscardParkedRequest { parked_ids });
                    let answer = client.once(intake.discard_parked(request)).await?;
                    if out.json {
                        return out.message(&answer);
                    }
                    out.line(&out.words.count("cli-discarded", answer.discarded))
                }
            },
            Self::Retry(Retry { parked_ids, all }) => {
                let mut intake = client.intake();
                let answer =
                    client.once(intake.retry_parked(client.request(RetryParkedRequest { parked_ids, all }))).await?;
                if out.json {
                    return out.message(&answer);
                }
                out.line(&out.words.count("done-retried", answer.retried))?;
                out.line(&out.words.with(
                    "cli-retried",
                    &[
                        ("stored", &answer.stored.to_string()),
                        ("parked", &answer.parked_again.to_string()),
                        ("position", &answer.position),
                    ],
                ))
            }
        }
    }
}

/// What arrived and what became of it.
pub(crate) async fn ask_status(context: &Context) -> Result<GetIntakeStatusResponse, Failure> {
    let mut intake = context.client.intake();
    context.client.once(intake.get_status(context.client.request(GetIntakeStatusRequest {}))).await
}

fn print_status(out: &Output, answer: &GetIntakeStatusResponse) -> Result<(), Failure> {
    let words = out.words;
    let number = |key: &str| (words.t(key), Shrink::Never);
    let mut endpoints =
        Table::new(vec![(words.t("table-endpoint"), Shrink::Then(8)), number("table-kind"), number("table-posts")]);
    for endpoint in &answer.endpoints {
        endpoints.row([endpoint.endpoint.clone(), endpoint.kind.clone(), endpoint.received_posts.to_string()]);
    }
    out.table(&endpoints, "list-empty")?;
    out.line("")?;
    out.table(&channel_table(out, answer), "list-empty")?;
    out.line("")?;
    out.line(&words.count("cli-backlog", answer.backlog))
}

/// Waits until intake has handled all that arrived, prints what became of it, and gives the log's position then.
pub(crate) async fn settled(context: &Context) -> Result<String, Failure> {
    loop {
        let answer = ask_status(context).await?;
        if answer.backlog == 0 {
            if !context.out.json {
                context.out.line("")?;
                context.out.table(&channel_table(&context.out, &answer), "list-empty")?;
                context.out.line("")?;
            }
            return super::view::log_position(context).await;
        }
        // Ended by the command's own time limit, which every question above is held to.
        tokio::time::sleep(SETTLE_POLL).await;
    }
}

/// The public equation, one row a channel that has had traffic.
fn channel_table(out: &Output, answer: &GetIntakeStatusResponse) -> Table {
    let words = out.words;
    let number = |key: &str| (words.t(key), Shrink::Never);
    let mut table = Table::new(vec![
        (words.t("table-channel"), Shrink::Drop(6)),
        number("table-updates"),
        number("table-messages"),
        number("table-statuses"),
        number("table-other-updates"),
        number("table-duplicates"),
        number("table-parked"),
    ]);
    for channel in answer.channels.iter().filter(|channel| channel.updates > 0) {
        table.row([
            channel.channel.clone(),
            channel.updates.to_string(),
            channel.messages.to_string(),
            channel.statuses.to_string(),
            channel.other_updates.to_string(),
            channel.duplicates.to_string(),
            channel.parked.to_string(),
        ]);
    }
    if let Some(unrouted) = answer.unrouted.as_ref().filter(|unrouted| unrouted.updates > 0) {
        table.row([
            words.t("cli-unrouted"),
            unrouted.updates.to_string(),
            unrouted.messages.to_string(),
            unrouted.statuses.to_string(),
            unrouted.other_updates.to_string(),
            unrouted.duplicates.to_string(),
            unrouted.parked.to_string(),
        ]);
    }
    table
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let mut intake = context.client.intake();
        let request = ListParkedRequest { endpoint: self.endpoint, page_size: self.limit, page_token: self.page_token };
        let answer = context.client.once(intake.list_parked(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-id"), Shrink::Never),
            (words.t("table-received"), Shrink::Never),
            (words.t("table-endpoint"), Shrink::Then(8)),
            (words.t("table-channel"), Shrink::Drop(6)),
            (words.t("table-reason"), Shrink::Never),
            (words.t("table-size"), Shrink::Never),
            (words.t("table-detail"), Shrink::First(12)),
        ]);
        for item in answer.items {
            table.row([
                RawId::of_number(item.parked_id).to_string(),
                out.clock.short(item.received_at.as_ref()),
                item.endpoint,
                if item.channel.is_empty() { words.t("assignee-nobody") } else { item.channel },
                item.reason,
                text::size(item.size_bytes),
                item.detail,
            ]);
        }
        out.table(&table, "cli-nothing-parked")?;
        more(out, &answer.next_page_token)
    }
}

impl Show {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let mut intake = client.intake();
        let answer =
            client.once(intake.get_parked(client.request(GetParkedRequest { parked_id: self.parked_id }))).await?;
        if self.raw {
            return out.bytes(&answer.body);
        }
        if out.json {
            return out.message(&answer);
        }
        out.lines(label_lines(out, &parked_facts(out, &answer)))?;
        out.line("")?;
        if answer.body_withheld {
            return out.line(&out.words.t("cli-parked-withheld"));
        }
        out.lines(text::lines(&String::from_utf8_lossy(&answer.body)))
    }
}

/// An id as the tables show it (`12`, `12-3`) or as the API has it, a number.
fn parked_id(text: &str) -> Result<u64, RawIdError> {
    if text.contains('-') { text.parse().map(RawId::number) } else { text.parse().map_err(|_not| RawIdError) }
}

fn parked_facts(out: &Output, answer: &GetParkedResponse) -> Vec<(&'static str, String)> {
    let item: ParkedItem = answer.item.clone().unwrap_or_default();
    let raw = RawId { sequence: item.intake_sequence, part: item.intake_part };
    vec![
        ("parked", RawId::of_number(item.parked_id).to_string()),
        ("endpoint", item.endpoint),
        ("channel", if item.channel.is_empty() { String::new() } else { format!("{}/{}", item.tenant, item.channel) }),
        ("reason", item.reason),
        ("detail", item.detail),
        ("received", out.clock.long(item.received_at.as_ref())),
        ("intake", raw.update(item.ordinal).to_string()),
        ("content-type", answer.content_type.clone()),
        ("size", text::size(item.size_bytes)),
    ]
}
