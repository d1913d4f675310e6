//! Whatever is written: no panic, bounded memory and time, and no difference that case and accents make.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

fn id(number: u8) -> MessageId {
    MessageId::new([number; 16])
}

/// Sentences of the lists' own words among others, so that phrases are met.
fn sentence() -> impl Strategy<Value = String> {
    let words = [
        "no",
        "entiendo",
        "funciona",
        "queja",
        "tengo",
        "ninguna",
        "me",
        "cobraron",
        "de",
        "más",
        "hola",
        "cuánto",
        "cuesta",
        "el",
        "quedó",
        "mal",
        "hay",
        "alguien",
        "ahí",
        "hablar",
        "con",
        "dueño",
        "error",
        "fue",
        "mío",
        "mañana",
        "turno",
        "x",
        "q",
        "😡",
        "12",
        "suscripción",
        "cancelar",
        "¿",
        "?",
        "!",
        ",",
        ".",
        "not",
        "work",
        "NÃO",
        "siiii",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..30).prop_map(|words| words.join(" "))
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), sentence(), "\\PC{0,300}", "(\u{301}|[a-cÀ-ÿ'*/.^$ ]){0,200}"]
}

/// What is found of each text alone.
fn rule(text: &str) -> Option<(Rule, Option<String>)> {
    detect(&Policy::default(), &Memory::default(), id(1), text).map(|found| (found.rule, found.evidence.phrase))
}

proptest! {
    #[test]
    fn any_text_can_be_said_asked_and_added(texts in prop::collection::vec((0..5_u8, anything()), 0..40)) {
        let (mut policy, mut memory) = (Policy::default(), Memory::default());
        for (number, (what, text)) in (0..).zip(texts) {
            for finding in [
                detect(&policy, &memory, id(number), &text),
                detect_answer(&policy, &memory, id(number), &text),
                proactive(&policy, &memory, id(number), None),
            ].into_iter().flatten() {
                let Evidence { messages, count, phrase } = finding.evidence;
                prop_assert!(!messages.is_empty() && messages.len() <= EVIDENCE_MESSAGES_MAX);
                prop_assert!(count as usize >= messages.len());
                prop_assert!(phrase.is_none_or(|phrase| phrase.chars().count() <= PHRASE_CHARS_MAX));
                prop_assert!(finding.act != Act::Off);
            }
            match what {
                0 | 1 => memory.customer_said(id(number), &text),
                2 => memory.bot_said(id(number), &text),
                3 => memory.staff_said(),
                _ => drop(policy.add(Rule::Complaint, Language::Spanish, List::Phrases, &text)),
            }
        }
    }

    #[test]
    fn case_and_accents_make_no_difference_to_phrases(text in sentence()) {
        let plain = |text: &str| text.chars().map(|c| match c {
            'á' => 'a', 'é' => 'e', 'í' => 'i', 'ó' => 'o', 'ú' => 'u', 'ñ' => 'n', 'Ã' => 'A', other => other,
        }).collect::<String>();
        let lower = text.to_lowercase();
        prop_assert_eq!(rule(&lower), rule(&plain(&lower)));
        // Capitals may raise the voice, but hide nothing.
        let mut policy = Policy::default();
        policy.set_act(Rule::Shouting, Act::Off);
        let found = |text: &str| detect(&policy, &Memory::default(), id(1), text).map(|found| (found.rule, found.evidence));
        prop_assert_eq!(found(&lower), found(&text.to_uppercase()));
    }

    #[test]
    fn what_stands_after_the_cut_changes_nothing(tail in anything()) {
        // Fewer words than are looked at, so that it is the characters that end it.
        let head = "mañanas ".repeat(TEXT_CHARS_MAX / 8);
        prop_assert_eq!(head.chars().count(), TEXT_CHARS_MAX);
        let (mut with, mut without) = (Memory::default(), Memory::default());
        with.customer_said(id(1), &(head.clone() + &tail));
        without.customer_said(id(1), &head);
        prop_assert_eq!(with, without);
        prop_assert_eq!(rule(&(head.clone() + &tail)), rule(&head));
    }

    #[test]
    fn a_question_is_the_same_whatever_its_case_and_punctuation(end in "[ .!?¡¿,😊]{0,6}") {
        let mut memory = Memory::default();
        memory.customer_said(id(1), "¿Cuándo llega mi pedido?");
        memory.customer_said(id(2), &format!("CUANDO LLEGA MI PEDIDO{end}"));
        let found = detect(&Policy::default(), &memory, id(3), &format!("y mi pedido cuándo llega por favor{end}"));
        prop_assert_eq!(found.map(|found| (found.rule, found.evidence.count)), Some((Rule::RepeatedQuestion, 3)));
    }
}

#[test]
fn memory_is_bounded_and_holds_no_words() {
    let mut memory = Memory::default();
    for number in 0..200_u8 {
        memory.customer_said(id(number), &format!("secreto{number} ").repeat(1_000));
        memory.bot_said(id(number), &format!("privado{number} palabra ").repeat(1_000));
    }
    let text = format!("{memory:?}");
    assert!(!text.contains("secreto") && !text.contains("privado") && !text.contains("palabra"));
    assert!(text.len() < 20_000, "{}", text.len());
    assert_eq!(memory.messages(), 400);
    memory.episode_started();
    assert_eq!((memory.messages(), memory.waiting()), (0, 0));
}

/// The goal is well under a millisecond as shipped; a debug build on a busy machine gets more. What matters is that a megabyte
/// costs no more than its beginning, and that nothing explodes.
#[test]
fn a_megabyte_is_looked_at_quickly() {
    let policy = Policy::default();
    let worst = ["no me se que hay ", "hola 😀 qué tal ", "a", "ﷺ", "me me me no no no ya ya "];
    for text in worst {
        let text = text.repeat(1_000_000 / text.len());
        assert_eq!(rule(""), None, "the lists are read before the clock starts");
        let times = (0..20).map(|_| {
            let start = Instant::now();
            let found = detect(&policy, &Memory::default(), id(1), &text);
            assert!(found.is_none_or(|found| found.act != Act::Off));
            start.elapsed()
        });
        let best = times.min().unwrap();
        println!("{best:?} for a megabyte of {:?}", text.chars().take(12).collect::<String>());
        let limit = if cfg!(debug_assertions) { 100 } else { 1 };
        assert!(best < Duration::from_millis(limit), "{best:?}");
    }
}
