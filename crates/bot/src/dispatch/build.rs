//! What a bot is told with a turn: what is new, and what was said before, as the thread has it.

use relevo_command::grpc::Started;
use relevo_domain::{Caller, EntityId, Position};
use relevo_proto::Problem;
use relevo_proto::bot::v1 as pb;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use relevo_proto::query::v1::thread_entry::Entry;
use relevo_proto::time::to_wire;
use serde_json::Value;
use tokio::time::Instant;
use tonic::{Request, Status};

use super::Inner;
use crate::turns::{self, Held};

/// New messages that a turn tells.
pub(crate) const MESSAGES_MAX: usize = 100;
/// Earlier messages that a turn tells at most.
pub const HISTORY_MAX: u32 = 50;
/// Characters of a message that a bot is told.
const TEXT_CHARS_MAX: usize = 16_384;
/// Entries that are read at a time: messages, and what happened between them.
const PAGE: i32 = 100;
/// Pages that are read: of a thread in which hardly anything but other things happened, the newest messages must do.
const PAGES_MAX: usize = 5;
/// How long a view may take to show the turn.
const SHOWN_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);
/// Where the ids of buttons and rows stand in what a message carries beyond its text.
const CHOICES: [&str; 6] = [
    "/interactive/button_reply/id",
    "/interactive/list_reply/id",
    "/button_reply/id",
    "/list_reply/id",
    "/button/payload",
    "/payload",
];

/// Why a turn is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unbuilt {
    /// The customer took everything back.
    NothingLeft,
    /// A view did not answer; its code.
    Unreadable(&'static str),
}

/// What the thread says of a turn.
#[derive(Default)]
struct Read {
    /// The newest first.
    new: Vec<pb::Said>,
    history: Vec<pb::Said>,
    more: bool,
}

/// The turn as the bot is told it; `None` if it is over already.
pub(super) async fn turn(
    inner: &Inner,
    caller: &Caller,
    conversation: EntityId,
    started: &Started,
    history: usize,
) -> Result<Option<pb::Turn>, Unbuilt> {
    let parts = &inner.parts;
    let late = |_stale| Unbuilt::Unreadable("STALE_READ");
    parts.view.reached(started.position, Instant::now() + SHOWN_WITHIN).await.map_err(late)?;
    let snapshot = parts.view.snapshot().map_err(|_error| Unbuilt::Unreadable("STALE_READ"))?;
    let standing = turns::standing(&*snapshot, &caller.tenant, conversation);
    let standing = standing.map_err(|_error| Unbuilt::Unreadable("INTERNAL"))?;
    let held = standing.and_then(|standing| standing.running).filter(|held| held.number == started.turn.number);
    let (Some(held), Some(opened)) = (held, parts.commands.opened(caller, conversation)) else { return Ok(None) };
    let (about, read) = read(inner, caller, conversation, started.position, held, history).await.map_err(unread)?;
    let is_customer = |said: &pb::Said| said.who() == pb::Who::Customer;
    if !read.new.iter().any(is_customer) {
        return Err(Unbuilt::NothingLeft);
    }
    let given = &started.turn.given;
    Ok(Some(pb::Turn {
        position: started.position.to_string(),
        conversation_id: conversation.to_string(),
        turn: started.turn.number,
        attempt: given.attempt,
        until: Some(to_wire(given.until)),
        expects_answer: given.answer,
        channel_id: opened.channel.to_string(),
        medium: opened.medium.as_str().to_owned(),
        contact_id: opened.contact.to_string(),
        contact_name: about,
        messages: read.new.into_iter().rev().collect(),
        history: read.history.into_iter().rev().collect(),
        more: read.more,
    }))
}

fn unread(status: Status) -> Unbuilt {
    Unbuilt::Unreadable(Problem::from_status(&status).map_or("INTERNAL", |problem| problem.code.as_str()))
}

/// The contact's name and the thread, newest first, as far as it is told.
async fn read(
    inner: &Inner,
    caller: &Caller,
    conversation: EntityId,
    at: Position,
    held: Held,
    history: usize,
) -> Result<(String, Read), Status> {
    let query = &inner.parts.query;
    let (conversation_id, min_position) = (conversation.to_string(), at.to_string());
    let deadline_ms = u32::try_from(SHOWN_WITHIN.as_millis()).unwrap_or(u32::MAX);
    let get = wire::GetConversationRequest {
        conversation_id: conversation_id.clone(),
        min_position: min_position.clone(),
        deadline_ms,
        as_of: None,
    };
    let shown = query.get_conversation(asked(caller, get)).await?.into_inner();
    let name = shown.contact.map(|contact| contact.name).unwrap_or_default();
    let (mut read, mut page_token) = (Read::default(), String::new());
    for _page in 0..PAGES_MAX {
        let list = wire::ListMessagesRequest {
            conversation_id: conversation_id.clone(),
            page_size: PAGE,
            page_token,
            min_position: min_position.clone(),
            deadline_ms,
            as_of: None,
            newest_first: true,
        };
        let page = query.list_messages(asked(caller, list)).await?.into_inner();
        let full = page.entries.into_iter().any(|entry| !read.takes(entry, held, history));
        page_token = page.next_page_token;
        if full || page_token.is_empty() {
            break;
        }
    }
    Ok((name, read))
}

fn asked<T>(caller: &Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller.clone());
    request
}

impl Read {
    /// Takes an entry of the thread; false if nothing before it is told.
    fn takes(&mut self, entry: wire::ThreadEntry, held: Held, history: usize) -> bool {
        let sequence = entry.entry_id.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
        // What came after the turn is another turn's.
        if sequence >= held.begun {
            return true;
        }
        let new = sequence >= held.from;
        if !new && self.history.len() >= history {
            return false;
        }
        let Some(Entry::Message(message)) = entry.entry else { return true };
        let Some(mut said) = said(message, sequence, entry.occurred_at) else { return true };
        if !new {
            self.history.push(said);
            return true;
        }
        said.context = said.who() == pb::Who::Customer && sequence < held.context;
        if self.new.len() < MESSAGES_MAX {
            self.new.push(said);
        } else {
            self.more = true;
        }
        true
    }
}

/// A message as a bot is told it; nothing of what the customer does not see, or has taken back.
fn said(message: wire::Message, sequence: u64, occurred_at: Option<prost_types::Timestamp>) -> Option<pb::Said> {
    let who = match message.author() {
        wire::Author::Customer => pb::Who::Customer,
        wire::Author::PhoneApp | wire::Author::Staff => pb::Who::Staff,
        wire::Author::Bot => pb::Who::Bot,
        wire::Author::System => pb::Who::System,
        wire::Author::Unspecified => return None,
    };
    let state = message.outgoing.as_ref().map(wire::Outgoing::state);
    let unseen = matches!(state, Some(wire::SendState::Cancelled | wire::SendState::Failed));
    if message.kind == "note" || message.revoked || unseen {
        return None;
    }
    let cut = message.text.chars().nth(TEXT_CHARS_MAX).is_some();
    let text = if cut { message.text.chars().take(TEXT_CHARS_MAX).collect() } else { message.text };
    Some(pb::Said {
        message_id: message.message_id,
        position: Position::new(sequence).to_string(),
        who: who.into(),
        at: message.provider_time.or(occurred_at),
        kind: message.kind,
        text,
        choice_id: if who == pb::Who::Customer { choice(&message.details_json) } else { String::new() },
        context: false,
        cut,
    })
}

/// The id of the button or the row that the customer chose.
fn choice(details: &str) -> String {
    let Ok(details) = serde_json::from_str::<Value>(details) else { return String::new() };
    let at = |pointer: &&str| details.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    CHOICES.iter().find_map(at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_found_wherever_a_provider_puts_it() {
        for details in [
            r#"{"interactive":{"type":"button_reply","button_reply":{"id":"yes","title":"Sí"}}}"#,
            r#"{"type":"list_reply","list_reply":{"id":"yes","title":"Sí"}}"#,
            r#"{"payload":"yes","text":"Sí"}"#,
        ] {
            assert_eq!(choice(details), "yes", "{details}");
        }
        assert_eq!((choice(""), choice("[]"), choice("{\"x\":1}")), (String::new(), String::new(), String::new()));
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let message = |text: String| wire::Message {
            author: wire::Author::Customer.into(),
            kind: "text".to_owned(),
            text,
            ..Default::default()
        };
        let long = said(message("ñ".repeat(TEXT_CHARS_MAX + 1)), 1, None).unwrap();
        assert!(long.cut && long.text.chars().count() == TEXT_CHARS_MAX);
        let fits = said(message("ñ".repeat(TEXT_CHARS_MAX)), 1, None).unwrap();
        assert!(!fits.cut && fits.text.chars().count() == TEXT_CHARS_MAX);
    }

    #[test]
    fn what_the_customer_does_not_see_is_not_told() {
        let message = |author: wire::Author, kind: &str| wire::Message {
            author: author.into(),
            kind: kind.to_owned(),
            ..Default::default()
        };
        assert!(said(message(wire::Author::Staff, "note"), 1, None).is_none());
        assert!(said(wire::Message { revoked: true, ..message(wire::Author::Customer, "text") }, 1, None).is_none());
        let taken_back = wire::Outgoing { state: wire::SendState::Cancelled.into(), ..Default::default() };
        let bots = wire::Message { outgoing: Some(taken_back), ..message(wire::Author::Bot, "text") };
        assert!(said(bots, 1, None).is_none());
    }
}
