//! Source files of crates that need RocksDB, and the least that they ask of those crates. Nothing is copied: the files are compiled
//! where they are.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "only a part of each file is used here, and its own crate lints it"
)]

#[path = "../../crates/bot/src/webhook/answer.rs"]
mod answer;
#[path = "../../crates/eventlog/src/intake/content_type.rs"]
mod content_type;
#[path = "../../crates/relevo/src/files/token.rs"]
pub(crate) mod file_token;
#[path = "../../crates/projector-inbox/src/search/fold.rs"]
pub(crate) mod fold;
#[path = "../../crates/query/src/mail_html.rs"]
pub(crate) mod mail_html;
#[path = "../../crates/projector-inbox/src/search/number.rs"]
mod number;
#[path = "../../crates/query/src/page_token.rs"]
pub(crate) mod page_token;
#[path = "../../crates/relevo/src/rest/read.rs"]
mod read;
#[path = "../../crates/bot/src/rules/mod.rs"]
pub(crate) mod rules;
#[path = "../../crates/relevo/src/rest/scalar.rs"]
mod scalar;
#[path = "../../crates/bot/src/taker.rs"]
pub(crate) mod taker;

use prost_reflect::DynamicMessage;
use relevo_proto::bot::v1 as pb;
use serde_json::{Map, Value as Json};

/// What a page token is refused with.
pub(crate) mod error {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum QueryError {
        CursorInvalid,
        CursorExpired,
    }
}

/// A constant of the view's reader.
pub(crate) mod reader {
    /// As `relevo_projector_inbox` has it; CI compares them.
    pub(crate) const SEARCH_CHARS_MAX: usize = 200;
}

/// What is wrong with a request of the REST surface, without the sentences.
pub(crate) mod wrong {
    #[derive(Debug, Default)]
    pub(crate) struct Wrongs(pub(crate) Vec<(String, &'static str)>);

    impl Wrongs {
        pub(crate) fn add(&mut self, field: &str, why: &'static str) {
            self.beside(field, why, "");
        }

        pub(crate) fn beside(&mut self, field: &str, why: &'static str, _other: &str) {
            self.0.push((field.to_owned(), why));
        }
    }
}

pub(crate) fn actions(turn: &pb::Turn, body: &[u8]) -> Result<Vec<pb::ActRequest>, taker::TakeErrorKind> {
    answer::actions(turn, body)
}

pub(crate) fn content_type(declared: &str) -> String {
    content_type::reduced(declared)
}

pub(crate) fn read_object(message: &mut DynamicMessage, object: &Map<String, Json>) -> wrong::Wrongs {
    let mut wrongs = wrong::Wrongs::default();
    read::object(message, object, "", &mut wrongs);
    wrongs
}

pub(crate) fn read_query(message: &mut DynamicMessage, parameters: &[(String, String)]) -> wrong::Wrongs {
    let mut wrongs = wrong::Wrongs::default();
    read::query(message, parameters, &mut wrongs);
    wrongs
}

pub(crate) fn spellings(number: &str) -> Vec<String> {
    number::spellings(number)
}
