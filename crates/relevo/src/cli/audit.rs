//! `relevo audit`: who did what, when.

use clap::Args;
use relevo_proto::admin::v1::audit_log_request::Of;
use relevo_proto::admin::v1::{AuditEntry, AuditLogRequest, AuditLogResponse};

use super::replay::point;
use super::table::{Shrink, Table};
use super::{Context, Failure};

/// Entries of one answer.
const PAGE: u32 = 500;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
pub(crate) struct Audit {
    /// Everything that was done to this conversation (`cnv_…`).
    #[arg(long, value_name = "CONVERSATION", group = "whose")]
    conversation: Option<String>,
    /// Everything that this actor did: `laura`, `staff:laura`, `bot:ana`, `customer`, `phone_app`, `provider` or `system`.
    #[arg(long, value_name = "ACTOR", group = "whose")]
    actor: Option<String>,
    /// First point, included: a position (`p1-42`) or a time (`2026-11-21`, `2026-11-21T10:00:00Z`). Default: the beginning.
    #[arg(long, value_name = "POINT")]
    from: Option<String>,
    /// Last point, written the same; a position is included, a time is not. Default: the end.
    #[arg(long, value_name = "POINT")]
    to: Option<String>,
    /// Goes on after this sequence, which an earlier answer printed.
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "SEQUENCE")]
    after: u64,
    /// Ends after about so many entries, 1 to 10,000.
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Also tells what is personal: names, addresses, texts.
    #[arg(long)]
    personal: bool,
}

impl Audit {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let out = &context.out;
        let answer = self.collect(context).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (out.words.t("table-time"), Shrink::Never),
            (out.words.t("table-by"), Shrink::Then(8)),
            (out.words.t("table-action"), Shrink::Never),
            (out.words.t("table-entity"), Shrink::Never),
            (out.words.t("table-detail"), Shrink::First(16)),
        ]);
        for entry in &answer.entries {
            table.row([
                out.clock.long(entry.at.as_ref()),
                out.words.actor(entry.actor.as_ref()),
                entry.action.clone(),
                entry.entity_id.clone(),
                detail(entry),
            ]);
        }
        out.table(&table, "list-empty")?;
        if answer.unreadable > 0 {
            out.line(&out.words.with("cli-audit-unreadable", &[("n", &answer.unreadable.to_string())]))?;
        }
        if answer.next_after_sequence > 0 {
            out.line(&out.words.with("cli-log-more", &[("sequence", &answer.next_after_sequence.to_string())]))?;
        }
        Ok(())
    }

    /// Page after page, until there is no more or enough.
    async fn collect(self, context: &Context) -> Result<AuditLogResponse, Failure> {
        let (from, to) = (point("--from", self.from.as_deref())?, point("--to", self.to.as_deref())?);
        let of = self.conversation.map(Of::ConversationId).or(self.actor.map(Of::Actor));
        let mut all = AuditLogResponse { next_after_sequence: self.after, ..AuditLogResponse::default() };
        let enough = usize::try_from(self.limit).unwrap_or(usize::MAX);
        loop {
            let left = u32::try_from(enough - all.entries.len()).unwrap_or(u32::MAX);
            let request = AuditLogRequest {
                of: of.clone(),
                from: from.clone(),
                to: to.clone(),
                after_sequence: all.next_after_sequence,
                limit: left.min(PAGE),
                personal: self.personal,
            };
            let client = context.client.anew();
            let mut log = client.log();
            let page = client.once(log.audit(client.request(request))).await?;
            all.entries.extend(page.entries);
            all.unreadable += page.unreadable;
            (all.next_after_sequence, all.position) = (page.next_after_sequence, page.position);
            if all.next_after_sequence == 0 || all.entries.len() >= enough {
                return Ok(all);
            }
        }
    }
}

/// What is not empty of an event, as `reason=COMPLAINT automatic=false`.
fn detail(entry: &AuditEntry) -> String {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(&entry.json) else { return String::new() };
    let said = fields.iter().filter_map(|(name, value)| {
        let value = match value {
            serde_json::Value::String(text) if !text.is_empty() => text.clone(),
            serde_json::Value::Null | serde_json::Value::String(_) => return None,
            other => other.to_string(),
        };
        Some(format!("{name}={value}"))
    });
    said.collect::<Vec<_>>().join(" ")
}
