//! `relevo pause …`: where the bot is silent, who silenced it, why and since when.

use clap::{Args, Subcommand};
use relevo_proto::query::v1::{BotState, GetPauseRequest, ListPausedRequest, PauseReason};

use super::table::{Shrink, Table};
use super::write::Reason;
use super::{Context, Failure, Page, Read, more};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Conversations whose bot is paused, the longest pause first, resolved ones included.
    #[command(visible_alias = "ls")]
    List(List),
    /// The bot in one conversation, with every pause and resumption.
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only pauses with this reason. Default: any.
    #[arg(long, value_enum)]
    reason: Option<Reason>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    #[command(flatten)]
    read: Read,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let mut pauses = context.client.pauses();
        let request = ListPausedRequest {
            reason: self.reason.map_or(PauseReason::Unspecified, Into::into).into(),
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let answer = context.client.once(pauses.list_paused(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-conversation"), Shrink::Never),
            (words.t("table-contact"), Shrink::Then(8)),
            (words.t("table-channel"), Shrink::Drop(6)),
            (words.t("table-reason"), Shrink::Then(10)),
            (words.t("table-by"), Shrink::Then(8)),
            (words.t("table-since"), Shrink::Never),
            (words.t("table-note"), Shrink::First(12)),
        ]);
        for row in answer.paused {
            let pause = row.pause.unwrap_or_default();
            let by = words.actor(pause.by.as_ref());
            table.row([
                row.conversation_id,
                row.contact_name,
                row.channel_label,
                words.reason(pause.reason),
                if pause.automatic { format!("{by} ({})", words.t("pause-automatic")) } else { by },
                out.clock.short(pause.since.as_ref()),
                pause.note,
            ]);
        }
        out.table(&table, "list-empty")?;
        more(out, &answer.next_page_token)
    }
}

impl Show {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let mut pauses = context.client.pauses();
        let request = GetPauseRequest {
            conversation_id: self.conversation_id,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let answer = context.client.once(pauses.get_pause(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let pause = answer.pause.as_ref().map(|pause| format!(" · {}", words.pause(pause))).unwrap_or_default();
        out.line(&super::text::one_line(&format!(
            "{} · bot {}{pause}",
            answer.conversation_id,
            words.bot(answer.bot)
        )))?;
        if answer.history.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(vec![
            (words.t("table-since"), Shrink::Never),
            (words.t("table-bot"), Shrink::Never),
            (words.t("table-by"), Shrink::Then(8)),
            (words.t("table-reason"), Shrink::Then(10)),
            (words.t("table-note"), Shrink::First(12)),
        ]);
        for entry in answer.history {
            let paused = entry.bot == i32::from(BotState::Paused);
            let by = words.actor(entry.by.as_ref());
            table.row([
                out.clock.long(entry.at.as_ref()),
                words.bot(entry.bot),
                if entry.automatic { format!("{by} ({})", words.t("pause-automatic")) } else { by },
                if paused { words.reason(entry.reason) } else { String::new() },
                entry.note,
            ]);
        }
        out.table(&table, "list-empty")
    }
}
