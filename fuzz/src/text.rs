//! Short texts from outside: what customers write (detection, search), names, ids, positions, types and file names.

use relevo_channels::file_name;
use relevo_domain::detection::{self, Language, List, Memory, Policy, Rule};
use relevo_domain::quick_reply::QuickReply;
use relevo_domain::{AgentId, Colour, CommandId, EntityId, MessageId, Position, TagId, TagName, TenantId};

use crate::borrowed::fold::Words;
use crate::borrowed::{content_type, spellings};

/// Words of a search that count, and characters of each.
const WORDS_MAX: usize = 8;
const TERM_CHARS_MAX: usize = 64;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    ids(&text);
    names(&text);
    search(&text);
    detected(&text);
}

/// Whatever is taken as an id is written in the same way again.
fn ids(text: &str) {
    if let Ok(id) = text.parse::<EntityId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<MessageId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<TagId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(position) = text.parse::<Position>() {
        assert_eq!(position.to_string().parse(), Ok(position));
    }
    if let Ok(colour) = text.parse::<Colour>() {
        assert_eq!(colour.to_string().parse(), Ok(colour));
    }
    if let Ok(id) = CommandId::new(text) {
        assert!(
            id.as_str() == text && (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        );
    }
    for name in [TenantId::new(text).map(|name| name.to_string()), AgentId::new(text).map(|name| name.to_string())] {
        let subject_safe = |name: &str| !name.is_empty() && !name.contains(['.', '*', '>', ' ', '\n', '\0']);
        assert!(name.is_err() || name.is_ok_and(|name| name == text && subject_safe(&name)));
    }
}

fn names(text: &str) {
    if let Some(name) = file_name::safe(text) {
        assert!(!name.is_empty() && name.chars().count() <= file_name::MAX_CHARS, "{name:?}");
        assert!(!name.contains(['/', '\\', '\0', '\n', '\r']) && name != "." && name != "..", "{name:?}");
        assert_eq!(file_name::safe(&name), Some(name.clone()), "a safe name is safe");
    }
    let reduced = content_type(text);
    assert!(reduced.len() <= 256 && reduced.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{reduced:?}");
    assert_eq!(content_type(&reduced), reduced);
    if let Ok(name) = TagName::new(text) {
        assert_eq!(TagName::new(name.as_str()).as_ref(), Ok(&name));
        assert!(name.same_as(&name) && !name.as_str().contains(['\n', '\0']));
    }
    let reply = QuickReply { title: "x".to_owned(), text: text.to_owned() };
    let named = reply.fill(|_| Some("Ana".to_owned()));
    if reply.check().is_ok() {
        assert!(named.is_ok_and(|filled| filled.len() <= 4 * text.len() + 16));
    }
}

fn search(text: &str) {
    let words = Words::of(text);
    assert_eq!(words, Words::of(text));
    assert!(words.as_slice().len() <= WORDS_MAX);
    for word in words.as_slice() {
        let length = word.chars().count();
        assert!((1..=TERM_CHARS_MAX).contains(&length) && !word.contains(char::is_whitespace), "{word:?}");
    }
    for number in spellings(text) {
        assert!(!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()), "{number:?}");
    }
}

/// A line is a message of the customer's; the last one is looked at.
fn detected(text: &str) {
    let mut policy = Policy::default();
    let mut memory = Memory::default();
    let mut last = "";
    for (number, line) in (0_u8..12).zip(text.lines()) {
        if number % 2 == 0 {
            memory.customer_said(MessageId::new([number; 16]), line);
        } else {
            memory.bot_said(MessageId::new([number; 16]), line);
        }
        last = line;
    }
    let stored = memory.remembered();
    assert_eq!(Memory::of(stored.clone()).remembered(), stored, "a memory is kept whole");
    let found = detection::detect(&policy, &memory, MessageId::new([99; 16]), last);
    assert_eq!(found, detection::detect(&policy, &memory, MessageId::new([99; 16]), last));
    if let Some(phrase) = found.and_then(|found| found.evidence.phrase) {
        assert!(!phrase.trim().is_empty() && phrase.len() <= 4 * last.len() + 16, "{phrase:?}");
    }
    detection::detect_answer(&policy, &memory, MessageId::new([98; 16]), last);
    // A phrase of a tenant's own: what is taken can be told and taken away again.
    if policy.add(Rule::Complaint, Language::Spanish, List::Phrases, last) == Ok(true) {
        assert!(policy.added().next().is_some());
        assert_eq!(policy.remove(Rule::Complaint, Language::Spanish, List::Phrases, last), Ok(true));
        assert_eq!(policy, Policy::default());
    }
}
