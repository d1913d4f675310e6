//! `relevo conversation messages --watch`: the end of a thread, and what comes after it, line by line.
//!
//! A changed entry (an edit, a reaction, a report) is printed again as it is now; nothing that was printed is taken back.

use relevo_proto::query::v1::watch_conversation_response::Event;
use relevo_proto::query::v1::{Conversation, PresenceList, PresenceState, ThreadEntry, WatchConversationRequest};

use super::super::conversation::status;
use super::super::paint::{Paint, Painted};
use super::{Context, Failure, How, Output, entry_lines, said, text};

pub(super) async fn watch(context: &Context, request: WatchConversationRequest, how: How) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let mut inbox = client.inbox();
    let mut messages = client.stream(inbox.watch_conversation(client.request(request))).await?;
    let mut shown = String::new();
    while let Some(message) = messages.next().await? {
        if out.json {
            out.message(&message)?;
            continue;
        }
        match &message.event {
            Some(Event::Snapshot(snapshot)) => {
                out.frame()?;
                shown.clear();
                entries(out, &snapshot.entries, how)?;
                state(out, snapshot.conversation.as_ref(), &mut shown)?;
                presence(out, snapshot.presence.as_ref())?;
            }
            Some(Event::Delta(delta)) => {
                entries(out, &delta.entries, how)?;
                state(out, delta.conversation.as_ref(), &mut shown)?;
            }
            Some(Event::Presence(list)) => presence(out, Some(list))?,
            Some(Event::Heartbeat(_)) | None => {}
        }
    }
    Ok(())
}

fn entries(out: &Output, entries: &[ThreadEntry], how: How) -> Result<(), Failure> {
    let said = said(entries);
    for entry in entries {
        out.lines(entry_lines(out, entry, how, &said))?;
    }
    Ok(())
}

/// How the conversation is, when that has changed.
fn state(out: &Output, row: Option<&Conversation>, shown: &mut String) -> Result<(), Failure> {
    let Some(row) = row else { return Ok(()) };
    let words = out.words;
    let bot = out.painted(&Painted::new(&words.bot(row.bot), Paint::bot(row.bot)));
    let tags = out.painted(&Painted::tags(&row.tags));
    let (status, assignee) = (status(out, row), text::one_line(&words.assignee(row.assignee.as_ref())));
    let mut parts = vec![status, format!("bot {bot}"), assignee, words.priority_given(row.priority), tags];
    parts.retain(|part| !part.is_empty());
    let line = format!("== {}", parts.join(" · "));
    if line == *shown {
        return Ok(());
    }
    out.line(&line)?;
    *shown = line;
    Ok(())
}

/// Who looks at it: `· Laura escribe, Martín mira`.
fn presence(out: &Output, list: Option<&PresenceList>) -> Result<(), Failure> {
    let people = list.map(|list| list.people.as_slice()).unwrap_or_default();
    if people.is_empty() {
        return Ok(());
    }
    let does = |state: i32| match PresenceState::try_from(state) {
        Ok(PresenceState::Typing) => out.words.t("presence-typing"),
        Ok(PresenceState::Viewing | PresenceState::Gone | PresenceState::Unspecified) | Err(_) => {
            out.words.t("presence-viewing")
        }
    };
    let people: Vec<String> =
        people.iter().map(|person| format!("{} {}", person.agent_name, does(person.state))).collect();
    out.line(&format!("·· {}", text::one_line(&people.join(", "))))
}
