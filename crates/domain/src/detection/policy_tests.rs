//! What a tenant can change, and the limits of it.

use super::*;

const ID: MessageId = MessageId::new([1; 16]);

fn found(policy: &Policy, text: &str) -> Option<Rule> {
    detect(policy, &Memory::default(), ID, text).map(|finding| finding.rule)
}

#[test]
fn complaint_and_frustration_pause_and_the_others_suggest() {
    let policy = Policy::default();
    for rule in Rule::ALL {
        let pauses = matches!(rule.reason().as_str(), "complaint" | "frustrated_customer");
        assert_eq!(policy.act(rule), if pauses { Act::Pause } else { Act::Suggest }, "{rule:?}");
    }
}

#[test]
fn names_read_back() {
    assert!(Rule::ALL.into_iter().all(|rule| Rule::parse(rule.as_str()) == Some(rule)));
    assert!(Act::ALL.into_iter().all(|act| Act::parse(act.as_str()) == Some(act)));
    assert!(List::ALL.into_iter().all(|list| List::parse(list.as_str()) == Some(list)));
    assert!(Language::ALL.into_iter().all(|language| Language::parse(language.as_str()) == Some(language)));
    assert_eq!((Rule::parse("x"), Act::parse(""), Language::parse("de"), List::parse("y")), (None, None, None, None));
}

#[test]
fn a_tenant_adds_words_and_takes_them_back() {
    let mut policy = Policy::default();
    let (rule, language, list) = (Rule::Complaint, Language::Spanish, List::Phrases);
    assert_eq!(found(&policy, "el anillo se puso NEGRO"), None);
    assert_eq!(policy.add(rule, language, list, "se puso/pusieron .. negr*"), Ok(true));
    assert_eq!(policy.add(rule, language, list, " Se  Pusó/pusieron .. negr* "), Ok(false), "in another spelling");
    assert_eq!(found(&policy, "el anillo se puso NEGRO"), Some(rule));
    assert_eq!(found(&policy, "los aros se pusieron todos negros!"), Some(rule));
    assert_eq!(policy.added().collect::<Vec<_>>(), [(rule, language, list, "se puso/pusieron .. negr*")]);
    assert!(policy.entries(rule, language, list).any(|entry| entry == "se puso/pusieron .. negr*"));
    assert_eq!(policy.remove(rule, language, list, "se puso/pusieron .. negr*"), Ok(true));
    assert_eq!(found(&policy, "el anillo se puso negro"), None);
    assert_eq!(policy, Policy::default());
}

#[test]
fn a_tenant_takes_our_words_out_and_puts_them_back() {
    let mut policy = Policy::default();
    let (rule, language, list) = (Rule::Frustration, Language::Spanish, List::Phrases);
    assert_eq!(policy.remove(rule, language, list, "ERROR/Errores"), Ok(true));
    assert_eq!(policy.remove(rule, language, list, "error/errores"), Ok(false));
    assert_eq!(policy.remove(rule, language, list, "no such entry"), Ok(false));
    policy.remove(rule, Language::English, list, "error/errors").unwrap();
    assert_eq!(found(&policy, "me da error"), None);
    assert_eq!(policy.removed().count(), 2);
    assert!(!policy.entries(rule, language, list).any(|entry| entry == "error/errores"));
    assert_eq!(policy.add(rule, language, list, "error/errores"), Ok(true));
    assert_eq!(found(&policy, "me da error"), Some(rule));
    assert_eq!(policy.removed().count(), 1);
    assert_eq!(policy.added().count(), 0, "it is ours again");
}

#[test]
fn an_exception_of_the_tenant_takes_the_meaning_away() {
    let mut policy = Policy::default();
    assert_eq!(found(&policy, "busco el disco Basura"), None);
    assert_eq!(found(&policy, "tienen la serie La Estafa?"), Some(Rule::Complaint));
    policy.add(Rule::Complaint, Language::Spanish, List::Exceptions, "serie .. estafa").unwrap();
    assert_eq!(found(&policy, "tienen la serie La Estafa?"), None);
    assert_eq!(found(&policy, "tienen la serie La Estafa? lo de ustedes es una estafa"), Some(Rule::Complaint));
}

#[test]
fn rules_and_languages_can_be_off() {
    let mut policy = Policy::default();
    policy.set_languages(&[Language::English, Language::English]);
    assert_eq!(policy.languages(), [Language::English]);
    assert_eq!((found(&policy, "no funciona"), found(&policy, "it doesn't work")), (None, Some(Rule::Frustration)));
    policy.set_act(Rule::Frustration, Act::Off);
    assert_eq!(found(&policy, "it doesn't work"), None);
    policy.set_act(Rule::Frustration, Policy::default_act(Rule::Frustration));
    policy.set_languages(&Language::ALL);
    assert_eq!(policy, Policy::default());
}

#[test]
fn what_cannot_be_an_entry_is_refused() {
    let mut policy = Policy::default();
    let mut add = |text: &str| policy.add(Rule::Complaint, Language::Spanish, List::Phrases, text);
    let shape = Err(PolicyError::Phrase(PhraseError::Shape));
    for text in ["", "  ", "^ $", "..", "no ..", ".. no", "a .. b .. c .. d", "!!", "a//b", "/", "uno, dos,tres", "👍"]
    {
        assert_eq!(add(text), shape, "{text}");
    }
    assert_eq!(add("q*"), Err(PolicyError::Phrase(PhraseError::Prefix)));
    assert_eq!(add("*"), shape);
    let long = Err(PolicyError::Phrase(PhraseError::TooLong));
    assert_eq!(add(&"x".repeat(ENTRY_CHARS_MAX + 1)), long);
    assert_eq!(add("a b c d e f g h i j k"), long);
    assert_eq!(add(&vec!["y"; 30].join("/")), long);
    assert_eq!(add("^ sin/con un.punto $"), shape);
    assert_eq!(add("^ harta $"), Ok(true));
    assert_eq!(policy.add(Rule::Unresolved, Language::Spanish, List::Phrases, "hola"), Err(PolicyError::NoLists));
    assert_eq!(found(&policy, "estaba harta ayer"), None);
}

#[test]
fn numbers_have_ranges_and_lists_a_limit() {
    let mut policy = Policy::default();
    assert_eq!((policy.repeats(), policy.unresolved(), policy.quiet()), (3, 10, Duration::from_hours(24)));
    for repeats in [0, 1, 7, u32::MAX] {
        assert_eq!(policy.set_repeats(repeats), Err(PolicyError::Range));
    }
    assert_eq!((policy.set_repeats(2), policy.set_unresolved(3)), (Ok(()), Err(PolicyError::Range)));
    assert_eq!(policy.set_quiet(Duration::ZERO), Err(PolicyError::Range));
    assert_eq!((policy.set_unresolved(20), policy.set_quiet(Duration::from_hours(1))), (Ok(()), Ok(())));
    for number in 0..PHRASES_MAX {
        let entry = format!("palabra{number}");
        assert_eq!(policy.add(Rule::Complaint, Language::English, List::Phrases, &entry), Ok(true), "{entry}");
    }
    let more = policy.add(Rule::Complaint, Language::English, List::Phrases, "more");
    assert_eq!(more, Err(PolicyError::TooMany));
}

#[test]
fn two_are_enough_if_the_tenant_says_so() {
    let (mut policy, mut memory) = (Policy::default(), Memory::default());
    memory.customer_said(ID, "tienen estacionamiento?");
    let second = MessageId::new([2; 16]);
    assert_eq!(detect(&policy, &memory, second, "¿Estacionamiento tienen?"), None);
    policy.set_repeats(2).unwrap();
    let finding = detect(&policy, &memory, second, "¿Estacionamiento tienen?").unwrap();
    assert_eq!(finding.evidence, Evidence { messages: vec![ID, second], count: 2, phrase: None });
}
