//! Attachments: pending, fetched or not to be had, and what an edit makes of them.

use std::time::Duration;

use relevo_domain::conversation::{
    Attachment, Author, ConversationEvent, FetchOutcome, Medium, MessageKind, StoredFile,
};
use relevo_domain::{Actor, EntityId, MessageId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::content;
use relevo_projector_inbox::{AttachmentState, Entry};

use crate::support::Folded;

const MINUTE: Duration = Duration::from_mins(1);

fn a_talk() -> (Story, EntityId) {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    story.customer(id, "¿tienen turno?");
    story.wait(MINUTE);
    (story, id)
}

fn fetched(message: MessageId, index: u32, medium: Option<u64>, outcome: FetchOutcome) -> ConversationEvent {
    ConversationEvent::MediumFetched { message, index, medium, outcome }
}

#[test]
fn a_file_is_pending_until_it_is_fetched_or_cannot_be() {
    let (mut story, id) = a_talk();
    let mut message = story.message(Author::Customer, "");
    let file = |name: &str| Attachment {
        mime_type: "image/jpeg".to_owned(),
        provider_id: Some(name.to_owned()),
        ..Attachment::default()
    };
    message.content.attachments = vec![file("one"), file("two")];
    let received = message.id;
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(message))]);
    let files = |story: &Story| {
        let entries = Folded::of(story).thread(id);
        let Some(Entry::Message(message)) = entries.last().map(|entry| entry.entry.clone()) else {
            panic!("a message")
        };
        message.attachments
    };
    assert!(files(&story).iter().all(|file| file.state() == AttachmentState::Pending));
    let stored =
        StoredFile { sha256: "ab".repeat(32), mime_type: "image/webp".to_owned(), size_bytes: 12, file_name: None };
    let gone = FetchOutcome::Unavailable { reason: "gone".to_owned() };
    story.tell(
        id,
        Actor::System,
        [
            fetched(received, 0, None, FetchOutcome::Stored(stored)),
            fetched(received, 1, None, gone),
            fetched(received, 7, None, FetchOutcome::Unavailable { reason: "refused".to_owned() }),
        ],
    );
    let files = files(&story);
    assert_eq!(
        (files[0].state(), files[0].mime_type.as_str(), files[0].size_bytes, files[0].provider_id.as_str()),
        (AttachmentState::Stored, "image/webp", Some(12), "one")
    );
    assert_eq!((files[1].state(), files[1].unavailable.as_str()), (AttachmentState::Unavailable, "gone"));
}

#[test]
fn an_edited_caption_keeps_the_file_and_another_file_waits_for_its_own() {
    let file = |name: &str| Attachment {
        mime_type: "image/jpeg".to_owned(),
        provider_id: Some(name.to_owned()),
        ..Attachment::default()
    };
    let stored = |hash: &str| {
        let (sha256, mime_type) = (hash.repeat(32), "image/webp".to_owned());
        FetchOutcome::Stored(StoredFile { sha256, mime_type, size_bytes: 12, file_name: None })
    };
    let edit = |message, attachment: &Attachment| {
        let mut content = content(MessageKind::Image, "");
        content.attachments = vec![attachment.clone()];
        ConversationEvent::MessageEdited { message, content: Box::new(content) }
    };
    let shown = |story: &Story, id| {
        let mut entries = Folded::of(story).thread(id);
        let Some(Entry::Message(mut message)) = entries.pop().map(|entry| entry.entry) else { panic!("a message") };
        let file = message.attachments.remove(0);
        (file.state(), file.sha256)
    };
    let (one, two) = (file("one"), file("two"));
    let gone = || FetchOutcome::Unavailable { reason: "gone".to_owned() };
    for overtaken in [false, true] {
        let (mut story, id) = a_talk();
        let mut message = story.message(Author::Customer, "");
        message.content.attachments = vec![one.clone()];
        let received = message.id;
        let came = ConversationEvent::MessageReceived(Box::new(message));
        if overtaken {
            // The edit comes before its message.
            story.wait(MINUTE).tell(id, Actor::Customer, [edit(received, &two)]);
            story.tell(id, Actor::Customer, [came]);
        } else {
            story.tell(id, Actor::Customer, [came]);
            story.tell(id, Actor::System, [fetched(received, 0, one.mark(), stored("ab"))]);
            story.wait(MINUTE).tell(id, Actor::Customer, [edit(received, &one)]);
            assert_eq!(shown(&story, id), (AttachmentState::Stored, "ab".repeat(32)), "the same, repeated");
            story.tell(id, Actor::System, [fetched(received, 0, one.mark(), gone())]);
            assert_eq!(shown(&story, id), (AttachmentState::Stored, "ab".repeat(32)), "it was fetched before");
            story.wait(MINUTE).tell(id, Actor::Customer, [edit(received, &two)]);
        }
        story.tell(id, Actor::System, [fetched(received, 0, one.mark(), stored("ab"))]);
        assert_eq!(shown(&story, id), (AttachmentState::Pending, String::new()), "late news of what was there before");
        story.tell(id, Actor::System, [fetched(received, 0, two.mark(), stored("cd"))]);
        assert_eq!(shown(&story, id), (AttachmentState::Stored, "cd".repeat(32)));
    }
}
