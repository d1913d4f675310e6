//! Rules as a business writes them, turns as the broker gives them.

mod answers;
mod chaos;
mod refused;

use prost_types::Timestamp;
use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;
use relevo_proto::command::v1::outgoing_message::Body;

use super::{Rules, answer};

/// The rules of the demo: what everybody sees first has to be without a fault.
const DEMO: &str = include_str!("../../../../../deploy/demo-bot.yaml");

fn demo() -> Rules {
    Rules::parse(DEMO).unwrap_or_else(|error| panic!("{error}"))
}

fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn said(who: pb::Who, text: &str) -> pb::Said {
    pb::Said { who: who.into(), kind: "text".to_owned(), text: text.to_owned(), ..pb::Said::default() }
}

fn customer(text: &str) -> pb::Said {
    said(pb::Who::Customer, text)
}

fn bot(text: &str) -> pb::Said {
    said(pb::Who::Bot, text)
}

fn at(mut said: pb::Said, seconds: i64) -> pb::Said {
    said.at = Some(Timestamp { seconds, nanos: 0 });
    said
}

fn turn(history: Vec<pb::Said>, messages: Vec<pb::Said>) -> pb::Turn {
    pb::Turn {
        conversation_id: "cnv_1".to_owned(),
        turn: 7,
        attempt: 1,
        expects_answer: true,
        medium: "whatsapp".to_owned(),
        contact_name: "Ana".to_owned(),
        messages,
        history,
        ..pb::Turn::default()
    }
}

/// What is done, in a line each: `say …`, `menu …: a | b`, `quick …`, `handoff …`, `done`; `+` where the turn goes on.
fn done(rules: &Rules, turn: &pb::Turn) -> Vec<String> {
    answer(rules, turn).iter().map(line).collect()
}

fn line(request: &pb::ActRequest) -> String {
    match request.action.as_ref().expect("an action") {
        Action::Reply(reply) => {
            let message = reply.message.as_ref().expect("a message").body.as_ref().expect("a body");
            format!("{}{}", body(message), if reply.more { " +" } else { "" })
        }
        Action::Handoff(handoff) => format!("handoff {}", handoff.note).trim_end().to_owned(),
        Action::Done(_) => "done".to_owned(),
        other @ (Action::Typing(_) | Action::MarkRead(_) | Action::Failed(_)) => panic!("{other:?}"),
    }
}

fn body(body: &Body) -> String {
    match body {
        Body::Text(text) => format!("say {}", text.text),
        Body::QuickReply(name) => format!("quick {name}"),
        Body::Buttons(buttons) => {
            let titles: Vec<&str> = buttons.buttons.iter().map(|button| button.title.as_str()).collect();
            format!("buttons {}: {}", buttons.frame.as_ref().unwrap().text, titles.join(" | "))
        }
        Body::List(list) => {
            let rows: Vec<&str> = list.sections.iter().flat_map(|s| &s.rows).map(|row| row.title.as_str()).collect();
            format!("list {} [{}]: {}", list.frame.as_ref().unwrap().text, list.button, rows.join(" | "))
        }
        other => panic!("{other:?}"),
    }
}
