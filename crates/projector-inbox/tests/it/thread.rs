//! What a thread shows, in whatever order things are reported.

use std::time::Duration;

use relevo_domain::conversation::{
    AssignmentHow, Attachment, Author, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus,
    Medium, MessageKind, NotePersonal, PauseReason, PauseTerms, ReactionPersonal,
};
use relevo_domain::{Actor, AgentId, EntityId, MessageId, Timestamp};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{content, staff, supervisor};
use relevo_projector_inbox::{
    Author as Wrote, Entry, Loose, LooseKind, Message, THREAD_PAGE_BYTES_MAX, ThreadEntry, TimelineKind, thread,
};

use crate::support::{Folded, demo};

const MINUTE: Duration = Duration::from_mins(1);

fn report(message: MessageId, status: DeliveryStatus, at: Timestamp) -> ConversationEvent {
    let error_code = (status == DeliveryStatus::Failed).then(|| "131047".to_owned());
    let personal = DeliveryReportPersonal::default();
    ConversationEvent::DeliveryReported(DeliveryReport { message, status, reported_at: at, error_code, personal })
}

fn edit(message: MessageId, text: &str) -> ConversationEvent {
    ConversationEvent::MessageEdited { message, content: Box::new(content(MessageKind::Text, text)) }
}

fn react(message: MessageId, emoji: Option<&str>) -> ConversationEvent {
    let personal = ReactionPersonal { emoji: emoji.map(str::to_owned), provider_id: String::new() };
    ConversationEvent::ReactionChanged { message, personal }
}

fn messages(entries: &[ThreadEntry]) -> Vec<&Message> {
    entries
        .iter()
        .filter_map(|entry| match &entry.entry {
            Entry::Message(message) => Some(message),
            Entry::Timeline(_) | Entry::Loose(_) => None,
        })
        .collect()
}

fn loose(entries: &[ThreadEntry]) -> Vec<&Loose> {
    entries
        .iter()
        .filter_map(|entry| match &entry.entry {
            Entry::Loose(loose) => Some(loose),
            Entry::Timeline(_) | Entry::Message(_) => None,
        })
        .collect()
}

fn a_talk() -> (Story, EntityId) {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    (story, id)
}

#[test]
fn a_thread_tells_what_happened_oldest_first() {
    let (mut story, id) = a_talk();
    let question = story.customer(id, "¿Cuánto sale?");
    let mut answer = story.wait(MINUTE).message(Author::PhoneApp, "");
    answer.content.kind = MessageKind::Image;
    answer.content.attachments = vec![Attachment { mime_type: "image/jpeg".to_owned(), ..Attachment::default() }];
    answer.reply_to = Some(question);
    story.tell(id, Actor::PhoneApp, [ConversationEvent::MessageEchoed(Box::new(answer))]);
    let personal = NotePersonal { text: Some("clienta nueva".to_owned()) };
    let laura = AgentId::new("laura").unwrap();
    story.wait(MINUTE).tell(
        id,
        staff("laura"),
        [
            ConversationEvent::BotPaused {
                reason: PauseReason::Complaint,
                automatic: false,
                terms: PauseTerms::default(),
                personal: personal.clone(),
            },
            ConversationEvent::Assigned { agent: Some(laura), team: None, how: AssignmentHow::Claim },
            ConversationEvent::NoteAdded { message: MessageId::new([7; 16]), personal },
            ConversationEvent::Resolved {
                episode: 1,
                reason: Some("sold".to_owned()),
                personal: NotePersonal::default(),
            },
        ],
    );
    let entries = Folded::of(&story).thread(id);
    let kinds: Vec<String> = entries
        .iter()
        .map(|entry| match &entry.entry {
            Entry::Message(message) => message.kind.clone(),
            Entry::Timeline(timeline) => format!("{:?}", timeline.kind()),
            Entry::Loose(_) => panic!("nothing is unknown"),
        })
        .collect();
    assert_eq!(kinds, ["EpisodeStarted", "text", "image", "BotPaused", "Assigned", "note", "Resolved"]);
    assert!(entries.is_sorted_by_key(|entry| entry.place));
    let [text, image, note] = messages(&entries)[..] else { panic!("three messages") };
    assert_eq!((text.author(), text.text.as_str()), (Wrote::Customer, "¿Cuánto sale?"));
    assert_eq!((image.author(), image.reply_to.as_slice()), (Wrote::PhoneApp, question.bytes().as_slice()));
    assert_eq!(image.attachments.first().map(|file| file.mime_type.as_str()), Some("image/jpeg"));
    assert_eq!((note.author(), note.by.as_str(), note.text.as_str()), (Wrote::Staff, "staff:laura", "clienta nueva"));
    let Entry::Timeline(assigned) = &entries[4].entry else { panic!("an assignment") };
    assert_eq!((assigned.agent.as_str(), assigned.claimed, assigned.by.as_str()), ("laura", true, "staff:laura"));
    let Entry::Timeline(resolved) = &entries[6].entry else { panic!("a resolution") };
    assert_eq!((resolved.kind(), resolved.reason.as_str(), resolved.episode), (TimelineKind::Resolved, "sold", 1));
}

#[test]
fn statuses_merge_by_rank_and_every_time_is_kept() {
    let (mut story, id) = a_talk();
    let message = story.phone(id, "listo");
    let at = |minutes: u32| Timestamp::from_seconds(i64::from(minutes) * 60);
    for (minute, status) in [
        (3, DeliveryStatus::Read),
        (1, DeliveryStatus::Sent),
        (2, DeliveryStatus::Delivered),
        (4, DeliveryStatus::Failed),
        (5, DeliveryStatus::Warning),
        (6, DeliveryStatus::Other("teleported".to_owned())),
        (1, DeliveryStatus::Sent),
    ] {
        story.tell(id, Actor::Provider, [report(message, status, at(minute))]);
    }
    let entries = Folded::of(&story).thread(id);
    let message = messages(&entries)[0];
    assert_eq!(message.delivery_status, "read", "neither an older nor an unranked report changes it");
    let reports: Vec<_> = message.reports.iter().map(|report| (report.status.as_str(), report.at / 60_000)).collect();
    let wanted = [("read", 3), ("sent", 1), ("delivered", 2), ("failed", 4), ("warning", 5), ("teleported", 6)];
    assert_eq!(reports, wanted, "in the order of the log; the repeated one once");
    assert_eq!(message.reports[3].error_code, "131047");
}

#[test]
fn a_flood_of_reports_is_bounded_but_the_status_still_moves() {
    let (mut story, id) = a_talk();
    let message = story.phone(id, "listo");
    for second in 0..200 {
        story.tell(id, Actor::Provider, [report(message, DeliveryStatus::Sent, Timestamp::from_seconds(second))]);
    }
    story.tell(id, Actor::Provider, [report(message, DeliveryStatus::Read, Timestamp::from_seconds(999))]);
    let entries = Folded::of(&story).thread(id);
    let message = messages(&entries)[0];
    assert_eq!((message.reports.len(), message.delivery_status.as_str()), (5, "read"));
    let last = message.reports.last().map(|report| (report.status.as_str(), report.at));
    assert_eq!(last, Some(("read", 999_000)), "a status that comes after the flood has its time, too");
}

#[test]
fn what_comes_before_its_message_is_shown_loose_and_then_becomes_part_of_it() {
    let (mut story, id) = a_talk();
    let unknown = story.message(Author::PhoneApp, "primera versión");
    let before = story.now();
    story.wait(MINUTE);
    let about = unknown.id;
    story.tell(id, Actor::Provider, [report(about, DeliveryStatus::Delivered, before)]);
    story.tell(id, Actor::Provider, [report(about, DeliveryStatus::Sent, before)]);
    story.tell(id, Actor::Customer, [react(about, Some("👍"))]);
    story.tell(id, Actor::PhoneApp, [edit(about, "segunda versión")]);
    let entries = Folded::of(&story).thread(id);
    let kinds: Vec<_> = loose(&entries).iter().map(|loose| loose.kind()).collect();
    assert_eq!(kinds, [LooseKind::Delivery, LooseKind::Reaction, LooseKind::Edited], "one entry of each kind");
    let reported = loose(&entries)[0].about.as_ref().unwrap();
    assert_eq!((reported.delivery_status.as_str(), reported.reports.len()), ("delivered", 2));
    assert_eq!(reported.message, about.bytes());

    story.at(before).tell(id, Actor::PhoneApp, [ConversationEvent::MessageEchoed(Box::new(unknown))]);
    let folded = Folded::of(&story);
    let entries = folded.thread(id);
    assert_eq!(loose(&entries), Vec::<&Loose>::new());
    let message = messages(&entries)[0];
    assert_eq!((message.text.as_str(), message.delivery_status.as_str()), ("segunda versión", "delivered"));
    assert!(message.edited_at.is_some());
    assert_eq!(message.reactions.first().map(|reaction| reaction.emoji.as_str()), Some("👍"));
    assert_eq!(folded.conversation(id).preview, "segunda versión", "the list shows what the thread shows");
}

#[test]
fn a_revocation_that_overtakes_its_message_still_hides_it_in_the_list() {
    let (mut story, id) = a_talk();
    let message = story.message(Author::Customer, "secreto");
    story.tell(id, Actor::Customer, [ConversationEvent::MessageRevoked { message: message.id }]);
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(message))]);
    let folded = Folded::of(&story);
    assert!(messages(&folded.thread(id))[0].revoked_at.is_some());
    assert_eq!(folded.conversation(id).preview, "");
}

#[test]
fn the_latest_edit_and_the_latest_reaction_by_time_win() {
    let (mut story, id) = a_talk();
    let message = story.customer(id, "uno");
    let (early, late) = (story.now() + MINUTE, story.now() + MINUTE * 2);
    story.at(late).tell(id, Actor::Customer, [edit(message, "tres"), react(message, None)]);
    story.at(early).tell(id, Actor::Customer, [edit(message, "dos"), react(message, Some("👍"))]);
    story.tell(id, Actor::PhoneApp, [react(message, Some("❤"))]);
    let entries = Folded::of(&story).thread(id);
    let found = messages(&entries)[0];
    assert_eq!((found.text.as_str(), found.edited_at), ("tres", Some(late.as_millis())));
    let reactions: Vec<_> = found.reactions.iter().map(|one| (one.by.as_str(), one.emoji.as_str())).collect();
    assert_eq!(reactions, [("phone_app", "❤")], "what was taken back does not return; each author has one");
}

#[test]
fn an_edited_caption_keeps_the_medium() {
    let (mut story, id) = a_talk();
    let mut photo = story.message(Author::Customer, "antes");
    photo.content.kind = MessageKind::Image;
    photo.content.attachments = vec![Attachment { mime_type: "image/png".to_owned(), ..Attachment::default() }];
    let message = photo.id;
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(photo))]);
    let caption =
        ConversationEvent::MessageEdited { message, content: Box::new(content(MessageKind::Image, "después")) };
    story.wait(MINUTE).tell(id, Actor::Customer, [caption]);
    let entries = Folded::of(&story).thread(id);
    assert_eq!((messages(&entries)[0].text.as_str(), messages(&entries)[0].attachments.len()), ("después", 1));
}

#[test]
fn a_message_id_that_comes_twice_names_the_first_message() {
    let (mut story, id) = a_talk();
    let first = story.message(Author::Customer, "original");
    let mut second = first.clone();
    second.content.personal.text = Some("falsificado".to_owned());
    let message = first.id;
    for received in [first, second] {
        story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(received))]);
    }
    story.tell(id, Actor::Customer, [edit(message, "original, corregido")]);
    let entries = Folded::of(&story).thread(id);
    let texts: Vec<_> = messages(&entries).iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["original, corregido", "falsificado"]);
}

#[test]
fn pages_put_together_are_the_thread_and_never_larger_than_promised() {
    let (mut story, id) = a_talk();
    for number in 0..9 {
        // Eight of these are more than a page holds.
        let text = format!("{number}{}", "x".repeat(THREAD_PAGE_BYTES_MAX / 8));
        story.customer(id, &text);
    }
    let huge = "y".repeat(THREAD_PAGE_BYTES_MAX + 1);
    story.customer(id, &huge);
    let folded = Folded::of(&story);
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = thread(&folded.snapshot, &demo(), id, &supervisor("demo"), after, usize::MAX).unwrap().unwrap();
        assert!(!page.entries.is_empty(), "a page has one entry at least, however large");
        let bytes: usize = messages(&page.entries).iter().map(|message| message.text.len()).sum();
        assert!(bytes <= THREAD_PAGE_BYTES_MAX || page.entries.len() == 1, "{bytes}");
        found.extend(page.entries);
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found.len(), pages), (11, 3));
    assert!(found.is_sorted_by_key(|entry| entry.place));
}
