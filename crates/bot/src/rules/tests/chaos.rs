//! Whatever a customer writes and whatever stands in a file: no panic, an end of the turn, and nothing beyond a limit.

use proptest::prelude::*;
use relevo_channels::outgoing::limits::{
    BUTTON_TITLE_CHARS_MAX, BUTTONS_MAX, BUTTONS_TEXT_CHARS_MAX, FRAME_CHARS_MAX, META_TEXT_CHARS_MAX,
    ROW_TITLE_CHARS_MAX, ROWS_MAX,
};
use relevo_proto::command::v1::OutgoingFrame;

use super::super::MESSAGES_MAX;
use super::*;

fn any_who() -> impl Strategy<Value = pb::Who> {
    prop_oneof![
        4 => Just(pb::Who::Customer),
        2 => Just(pb::Who::Bot),
        1 => Just(pb::Who::Staff),
        1 => Just(pb::Who::System),
        1 => Just(pb::Who::Unspecified),
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,60}",
        any::<String>(),
        Just("precio".to_owned()),
        Just("2".to_owned()),
        Just("No le entendí.".to_owned()),
        Just("¿En qué puedo ayudarle?".to_owned()),
        Just("Perdón, no le entendí.".to_owned()),
        Just("ﷺ".repeat(3_000)),
    ]
}

fn any_said() -> impl Strategy<Value = pb::Said> {
    let kinds = prop_oneof![Just("text"), Just("audio"), Just("reaction"), Just("")];
    let choices = prop_oneof![4 => Just(""), 1 => Just("horarios"), 1 => Just("gone")];
    (any_who(), any_text(), kinds, choices, proptest::option::of(any::<i64>())).prop_map(
        |(who, text, kind, choice, at)| {
            let mut said = said(who, &text);
            kind.clone_into(&mut said.kind);
            choice.clone_into(&mut said.choice_id);
            said.at = at.map(|seconds| Timestamp { seconds, nanos: 0 });
            said
        },
    )
}

fn any_turn() -> impl Strategy<Value = pb::Turn> {
    let saids = || proptest::collection::vec(any_said(), 0..6);
    (saids(), saids(), any_text(), any::<bool>(), any::<bool>()).prop_map(|(history, messages, name, mail, expects)| {
        let mut turn = turn(history, messages);
        turn.contact_name = name;
        turn.expects_answer = expects;
        if mail {
            "email".clone_into(&mut turn.medium);
        }
        turn
    })
}

fn within(frame: Option<&OutgoingFrame>) -> bool {
    frame.is_some_and(|frame| {
        frame.text.chars().count() <= BUTTONS_TEXT_CHARS_MAX
            && !frame.text.trim().is_empty()
            && frame.header.chars().count() <= FRAME_CHARS_MAX
            && frame.footer.chars().count() <= FRAME_CHARS_MAX
    })
}

fn body_within(body: &Body) -> bool {
    match body {
        Body::Text(text) => !text.text.trim().is_empty() && text.text.chars().count() <= META_TEXT_CHARS_MAX,
        Body::QuickReply(name) => !name.is_empty(),
        Body::Buttons(buttons) => {
            within(buttons.frame.as_ref())
                && (1..=BUTTONS_MAX).contains(&buttons.buttons.len())
                && buttons.buttons.iter().all(|one| one.title.chars().count() <= BUTTON_TITLE_CHARS_MAX)
        }
        Body::List(list) => {
            let rows: Vec<_> = list.sections.iter().flat_map(|section| &section.rows).collect();
            within(list.frame.as_ref())
                && (1..=ROWS_MAX).contains(&rows.len())
                && rows.iter().all(|row| row.title.chars().count() <= ROW_TITLE_CHARS_MAX)
        }
        _ => false,
    }
}

/// The turn ends with the last action and with none before; every message is one that the channel takes.
fn is_an_answer(turn: &pb::Turn, requests: &[pb::ActRequest]) -> Result<(), TestCaseError> {
    prop_assert!((1..=MESSAGES_MAX + 1).contains(&requests.len()));
    for (place, request) in requests.iter().enumerate() {
        let ends = match request.action.as_ref() {
            Some(Action::Reply(reply)) => {
                let body = reply.message.as_ref().and_then(|message| message.body.as_ref());
                prop_assert!(body.is_some_and(body_within), "{:?}", body);
                prop_assert!(turn.expects_answer);
                !reply.more
            }
            Some(Action::Handoff(_) | Action::Done(_)) => true,
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert_eq!(ends, place + 1 == requests.len());
        prop_assert!((1..=64).contains(&request.command_id.len()));
    }
    Ok(())
}

/// Pieces of files, many of them wrong.
fn any_file() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("rules:\n  - { name: a, keywords: [precio], text: Cien }\n".to_owned()),
        Just("fallback: { goto: no, times: 2, then: fin }\n".to_owned()),
        Just("greeting: { goto: fin }\n".to_owned()),
        Just(
            "steps:\n  no: { text: No le entendí., goto: fin }\n  fin: { text: '{contact.name} {contact.name|x}' }\n"
                .to_owned()
        ),
        Just("steps: { a: { goto: a } }\n".to_owned()),
        Just("menus: text\n".to_owned()),
        Just(
            "rules: [{ name: b, regex: '(a|b)+', menu: { text: M, choices: [{ title: T, goto: fin }] } }]\n".to_owned()
        ),
        "[ -~]{0,40}\n",
        "[\\[\\]{}:,&*!|>'\"a \n-]{0,30}\n",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_demo_answers_everything(turn in any_turn()) {
        let rules = demo();
        is_an_answer(&turn, &answer(&rules, &turn))?;
    }

    #[test]
    fn a_file_is_refused_with_a_reason_or_answers(file in any_file(), turn in any_turn()) {
        match Rules::parse(&file) {
            Ok(rules) => is_an_answer(&turn, &answer(&rules, &turn))?,
            Err(refused) => prop_assert!(!refused.problems.is_empty()),
        }
    }

    #[test]
    fn no_text_is_too_much_for_the_reader(file in any::<String>()) {
        if let Err(refused) = Rules::parse(&file) {
            prop_assert!(!refused.problems.is_empty());
        }
    }
}
