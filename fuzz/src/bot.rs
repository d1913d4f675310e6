//! What businesses write for their bots: the file of rules, and the answer of a bot behind a webhook.

use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;

use crate::borrowed::{actions, rules};

/// Actions of one answer, and the end that is put behind them.
const ACTIONS_MAX: usize = 10 + 1;

/// The first byte says what the rest is: a file of rules (what follows its first NUL is what the customer writes), or an answer.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((b'!', body)) => answer(body),
        Some(_) => rules_file(data),
        None => {}
    }
}

fn said(text: &str) -> pb::Said {
    pb::Said { who: pb::Who::Customer.into(), kind: "text".to_owned(), text: text.to_owned(), ..pb::Said::default() }
}

fn turn(text: &str) -> pb::Turn {
    pb::Turn {
        conversation_id: "cnv_00000000000000000000000001".to_owned(),
        turn: 7,
        attempt: 1,
        expects_answer: true,
        medium: "whatsapp".to_owned(),
        contact_name: "Ana".to_owned(),
        messages: vec![said(text)],
        ..pb::Turn::default()
    }
}

fn rules_file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (file, words) = text.split_once('\0').unwrap_or((&text, "hola 1"));
    match rules::Rules::parse(file) {
        Err(error) => {
            let problems = &error.problems;
            assert!((1..=rules::PROBLEMS_MAX).contains(&problems.len()), "{} problems", problems.len());
            assert!(!error.to_string().is_empty());
        }
        Ok(found) => {
            let turn = turn(words);
            let done = rules::answer(&found, &turn);
            assert_eq!(done, rules::answer(&found, &turn), "a bot without a memory says the same again");
            assert!(!done.is_empty(), "rules always end the turn");
            check(&turn, &done);
        }
    }
}

fn answer(body: &[u8]) {
    let turn = turn("hola");
    let done = actions(&turn, body);
    assert_eq!(done, actions(&turn, body));
    if let Ok(done) = done {
        check(&turn, &done);
    }
}

/// The actions are complete, few, and the last one alone ends the turn. None at all: the bot acts later.
fn check(turn: &pb::Turn, done: &[pb::ActRequest]) {
    assert!(done.len() <= ACTIONS_MAX, "{} actions", done.len());
    for (place, request) in done.iter().enumerate() {
        assert_eq!((&request.conversation_id, request.turn), (&turn.conversation_id, turn.turn));
        assert!((1..=64).contains(&request.command_id.len()), "{:?}", request.command_id);
        let ends = match request.action.as_ref().expect("something is done") {
            Action::Reply(reply) => !reply.more,
            Action::Typing(_) | Action::MarkRead(_) => false,
            Action::Handoff(_) | Action::Done(_) | Action::Failed(_) => true,
        };
        assert_eq!(ends, place + 1 == done.len(), "action {place} of {}", done.len());
    }
}
