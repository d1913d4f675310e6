//! Arguments and answers of what is done to the bot's silence: pausing on terms, with a message, and asking for help.

use clap::{ArgGroup, Args, Subcommand};
use relevo_proto::command::v1::outgoing_message::Body;
use relevo_proto::command::v1::{
    CatchUp as WireCatchUp, OutgoingMessage, OutgoingTemplate, OutgoingText, PauseWish, PreviewPauseRequest,
    SendMessageRequest, accept_suggestion_request, bulk_pause_action, change_pause_request, pause_bot_request,
    pause_wish,
};
use relevo_proto::query::v1::PauseReason;

use super::super::metrics::wire;
use super::super::moment::seconds;
use super::super::send::value;
use super::super::text::{self, instant};
use super::super::{Context, Failure};
use super::arguments::{Pause, Reason, Target};
use super::{Done, told};

/// How long a pause holds, and who may end it.
#[derive(Debug, Args)]
pub(crate) struct Terms {
    /// The pause ends by itself after so long, at most 365 days: 90s, 30m, 2h, 3d. Default: when somebody resumes the bot.
    #[arg(long = "for", value_name = "TIME", value_parser = seconds, conflicts_with_all = ["until", "locked"])]
    for_time: Option<u32>,
    /// The pause ends by itself at this instant, at most 365 days away: `2026-03-01T10:00:00-03:00`.
    #[arg(long, value_name = "TIME", value_parser = instant, conflicts_with = "locked")]
    until: Option<jiff::Timestamp>,
    /// Only supervisors and admins may resume the bot or change the pause. For supervisors and admins; agents escalate.
    #[arg(long)]
    locked: bool,
}

impl Terms {
    /// When it ends, and whether it is locked, in the words of PauseBot.
    pub(super) fn of_pause(&self) -> (Option<pause_bot_request::Ends>, bool) {
        (self.ends(pause_bot_request::Ends::Until, pause_bot_request::Ends::Duration), self.locked)
    }

    /// The same in the words of a bulk.
    pub(crate) fn of_bulk(&self) -> (Option<bulk_pause_action::Ends>, bool) {
        (self.ends(bulk_pause_action::Ends::Until, bulk_pause_action::Ends::Duration), self.locked)
    }

    /// The same in the words of AcceptSuggestion.
    pub(super) fn of_suggestion(&self) -> (Option<accept_suggestion_request::Ends>, bool) {
        (self.ends(accept_suggestion_request::Ends::Until, accept_suggestion_request::Ends::Duration), self.locked)
    }

    /// The same in the words of ChangePause.
    pub(super) fn of_change(&self) -> (Option<change_pause_request::Ends>, bool) {
        (self.ends(change_pause_request::Ends::Until, change_pause_request::Ends::Duration), self.locked)
    }

    /// When the pause ends by itself; each request has its own words for it.
    fn ends<E>(
        &self,
        at: impl FnOnce(prost_types::Timestamp) -> E,
        after: impl FnOnce(prost_types::Duration) -> E,
    ) -> Option<E> {
        match (self.for_time, self.until) {
            (Some(time), _) => Some(after(prost_types::Duration { seconds: i64::from(time), nanos: 0 })),
            (None, Some(until)) => Some(at(wire(until))),
            (None, None) => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ChangePause {
    #[command(flatten)]
    pub(super) target: Target,
    #[command(flatten)]
    pub(super) terms: Terms,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub(super) note: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Answering {
    /// Pauses the bot for the reason that was suggested.
    Accept(Accept),
    /// The suggestion is not wanted: its rule suggests nothing again in this episode.
    Dismiss(Suggested),
}

/// Which suggestion.
#[derive(Debug, Args)]
pub(crate) struct Suggested {
    #[command(flatten)]
    pub(super) target: Target,
    /// Its number, as it is listed.
    #[arg(value_name = "SUGGESTION")]
    pub(super) suggestion: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Accept {
    #[command(flatten)]
    pub(super) suggested: Suggested,
    #[command(flatten)]
    pub(super) terms: Terms,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub(super) note: String,
}

#[derive(Debug, Args)]
pub(crate) struct Escalate {
    #[command(flatten)]
    pub(super) target: Target,
    /// Whom to ask: name of a supervisor or admin in the configuration.
    #[arg(long, value_name = "AGENT")]
    pub(super) to: String,
    /// What they have to know, 1 to 4,000 characters: a private note.
    #[arg(long, value_name = "TEXT")]
    pub(super) summary: String,
    /// Why.
    #[arg(long, value_enum, default_value_t = Reason::Complaint)]
    pub(super) reason: Reason,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("farewell").args(["message", "quick_reply", "template"])))]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(super) target: Target,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub(super) note: String,
    /// A last text to the customer, sent before the bot may answer: both or neither. Default: none.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// A last message by quick reply.
    #[arg(long, value_name = "NAME")]
    quick_reply: Option<String>,
    /// A last message by template, NAME or NAME:LANGUAGE.
    #[arg(long, value_name = "NAME[:LANGUAGE]")]
    template: Option<String>,
    /// What stands for a variable of the template: 1=Ana. May be given several times.
    #[arg(long = "value", value_name = "VARIABLE=TEXT", requires = "template")]
    values: Vec<String>,
    /// What the bot is asked to do with what the customer wrote while it was paused. Default: what the tenant wants (on_resume).
    #[arg(long, value_enum, value_name = "WHAT")]
    catch_up: Option<CatchUp>,
}

/// What a bot is asked to do with what it has missed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum CatchUp {
    /// To know it: people have answered.
    Know,
    /// To answer it.
    Answer,
}

impl Resume {
    /// As the request has it.
    pub(super) fn catch_up(&self) -> i32 {
        match self.catch_up {
            None => WireCatchUp::Unspecified,
            Some(CatchUp::Know) => WireCatchUp::Know,
            Some(CatchUp::Answer) => WireCatchUp::Answer,
        }
        .into()
    }

    /// What is said to the customer, if anything.
    pub(super) fn farewell(&self) -> Result<Option<OutgoingMessage>, Failure> {
        let body = match (&self.message, &self.quick_reply, &self.template) {
            (Some(text), _, _) => text_body(text),
            (None, Some(name), _) => Body::QuickReply(name.clone()),
            (None, None, Some(named)) => {
                let (name, language) = named.split_once(':').unwrap_or((named, ""));
                let values = self.values.iter().map(|text| value(text)).collect::<Result<_, _>>()?;
                let (name, language) = (name.to_owned(), language.to_owned());
                Body::Template(OutgoingTemplate { name, language, values, header_file: None })
            }
            (None, None, None) => return Ok(None),
        };
        Ok(Some(OutgoingMessage { body: Some(body), ..OutgoingMessage::default() }))
    }
}

fn text_body(text: &str) -> Body {
    Body::Text(OutgoingText { text: text.to_owned(), preview_url: false })
}

/// A reason alone: pauses until somebody resumes.
pub(crate) fn wish(reason: Reason) -> PauseWish {
    PauseWish { reason: PauseReason::from(reason).into(), ..PauseWish::default() }
}

impl Pause {
    /// Pauses and sends in one go.
    pub(super) async fn and_send(&self, context: &Context, command_id: &str, text: &str) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = SendMessageRequest {
            command_id: command_id.to_owned(),
            conversation_id: self.target.conversation_id.clone(),
            message: Some(OutgoingMessage { body: Some(text_body(text)), ..OutgoingMessage::default() }),
            expected_version: self.target.how.expected_version,
            pause: Some(PauseWish {
                note: self.note.clone(),
                ends: self.terms.ends(pause_wish::Ends::Until, pause_wish::Ends::Duration),
                locked: self.terms.locked,
                ..wish(self.reason)
            }),
            ..SendMessageRequest::default()
        };
        let answer = client
            .until_known(|| {
                let mut service = client.sends();
                let request = client.request(request.clone());
                async move { service.send_message(request).await }
            })
            .await?;
        if out.json {
            return out.message(&answer);
        }
        let done = Done::of(answer.position, answer.already_so, answer.conversation);
        let mut lines = told(out, "send", &Done { too_late: answer.already_claimed, ..done });
        lines.push(format!("  {}", text::one_line(&answer.message_id)));
        out.lines(lines)
    }
}

#[derive(Debug, Args)]
pub(crate) struct PreviewPause {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
}

impl PreviewPause {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = PreviewPauseRequest { conversation_id: self.conversation_id };
        let mut service = client.conversations();
        let answer = client.once(service.preview_pause(client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut lines = vec![text::one_line(&answer.question)];
        lines.extend(answer.consequences.iter().map(|consequence| format!("  {}", text::one_line(consequence))));
        let confirm = if answer.allowed { format!(" [{}]", answer.confirm_label) } else { String::new() };
        lines.push(format!("  [{}]{confirm}", answer.cancel_label));
        out.lines(lines)
    }
}
