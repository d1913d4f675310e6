//! `relevo suggestion …`: where Relevo suggests to pause the bot. Answering one is `relevo conversation suggestion accept|dismiss`.

use clap::{Args, Subcommand, ValueEnum};
use relevo_proto::query::v1::{Detection, ListSuggestionsRequest};

use super::table::{Shrink, Table};
use super::{Context, Failure, Page, Read, Words, more};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Conversations in which Relevo suggests to pause the bot and nobody has answered yet, the oldest suggestion first.
    #[command(visible_alias = "ls")]
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of this rule. Default: any.
    #[arg(long, value_enum)]
    rule: Option<Rule>,
    /// Only these channels (names in the configuration). Default: any.
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',')]
    channel: Vec<String>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

/// A rule of the detection, as the API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Rule {
    /// Something went wrong for the customer, or they want to leave.
    Complaint,
    /// The customer does not understand, or has had enough.
    Frustration,
    /// "Is anybody there?"
    NobodyThere,
    /// A sentence in capitals.
    Shouting,
    /// The bot gave the same answer several times.
    RepeatedAnswer,
    /// The customer asked the same several times.
    RepeatedQuestion,
    /// What a bot cannot know.
    ComplexQuery,
    /// "How much is it?"
    PriceQuestion,
    /// Many messages, and the matter is still open.
    Unresolved,
    /// Staff wrote first, in a quiet conversation.
    ProactiveSend,
}

impl Rule {
    pub(crate) fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Self::List(list) = self;
        list.run(context).await
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let request = ListSuggestionsRequest {
            rule: self.rule.map(Rule::word).unwrap_or_default(),
            channel_ids: self.channel,
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let mut pauses = context.client.pauses();
        let answer = context.client.once(pauses.list_suggestions(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-conversation"), Shrink::Never),
            (words.t("table-suggestion"), Shrink::Never),
            (words.t("table-contact"), Shrink::Then(8)),
            (words.t("table-channel"), Shrink::Drop(6)),
            (words.t("table-noticed"), Shrink::First(12)),
            (words.t("table-reason"), Shrink::Then(10)),
            (words.t("table-since"), Shrink::Never),
            (words.t("table-assignee"), Shrink::Drop(6)),
        ]);
        for row in answer.suggestions {
            table.row([
                row.conversation_id,
                row.suggestion.to_string(),
                row.contact_name,
                row.channel_label,
                noticed(words, row.detection.as_ref()),
                words.reason(row.reason),
                out.clock.short(row.at.as_ref()),
                words.assignee(row.assignee.as_ref()),
            ]);
        }
        out.table(&table, "list-empty")?;
        more(out, &answer.next_page_token)
    }
}

/// What was found, with its evidence: `queja «cobraron de más»`, `misma pregunta ×3`. Empty if nothing was.
pub(crate) fn noticed(words: Words, found: Option<&Detection>) -> String {
    let Some(found) = found.filter(|found| !found.rule.is_empty()) else { return String::new() };
    let rule = match <Rule as ValueEnum>::from_str(&found.rule, false) {
        Ok(rule) => words.t(&format!("rule-{}", rule.word())),
        Err(_unknown) => found.rule.clone(),
    };
    let times = if found.count > 1 { format!(" ×{}", found.count) } else { String::new() };
    let phrase = if found.phrase.is_empty() { String::new() } else { format!(" «{}»", found.phrase) };
    format!("{rule}{times}{phrase}")
}
