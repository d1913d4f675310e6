//! What every request has: a caller, a language, and fields that are checked all together.

use std::future::Future;
use std::time::Duration;

use relevo_catalogue::Language;
use relevo_domain::{Caller, EntityId, EntityKind, Position, Timestamp, ValidUntil};
use tonic::{Request, Response, Status};

use crate::error::{QueryError, Rule, Violation};

/// Rows of a list if the request does not say: a screen.
pub const PAGE_SIZE_DEFAULT: usize = 25;
/// Entries of a thread if the request does not say: two screens.
pub const THREAD_PAGE_SIZE_DEFAULT: usize = 50;
/// Rows of a page at most: what fits well below tonic's 4 MiB with the longest rows.
pub const PAGE_SIZE_MAX: usize = 200;
/// How long a reader waits for `min_position` if it does not say: far above a healthy view's delay.
pub(crate) const WAIT_DEFAULT: Duration = Duration::from_secs(2);
/// How long a reader may wait for `min_position`: below the time-outs of common proxies.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Who asks, in which language, and until when.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) caller: Caller,
    pub(crate) language: Language,
    /// A stream that outlives the credential ends with it.
    pub(crate) valid_until: Option<Timestamp>,
}

/// Runs one RPC: the caller from the credential, the answer, and a refusal in the caller's language.
pub(crate) async fn answer<Q, A, F>(
    request: Request<Q>,
    handle: impl FnOnce(Caller, Q) -> F,
) -> Result<Response<A>, Status>
where
    F: Future<Output = Result<A, QueryError>>,
{
    answer_session(request, |session, request| handle(session.caller, request)).await
}

/// The same for an RPC that goes on for longer than its request.
pub(crate) async fn answer_session<Q, A, F>(
    request: Request<Q>,
    handle: impl FnOnce(Session, Q) -> F,
) -> Result<Response<A>, Status>
where
    F: Future<Output = Result<A, QueryError>>,
{
    let accepted = request.metadata().get("accept-language").and_then(|value| value.to_str().ok());
    let language = Language::accepted(accepted.unwrap_or_default());
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return Err(QueryError::Unauthenticated.into_status(language));
    };
    let valid_until = request.extensions().get::<ValidUntil>().map(|until| until.0);
    let session = Session { caller, language, valid_until };
    handle(session, request.into_inner()).await.map(Response::new).map_err(|error| error.into_status(language))
}

/// How fresh an answer has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// Everything up to here must be in the answer.
    pub(crate) position: Option<Position>,
    /// How long to wait for it.
    pub(crate) wait: Duration,
}

/// Collects everything that is wrong with a request's fields.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    violations: Vec<Violation>,
    position_invalid: bool,
}

impl Fields {
    pub(crate) fn refuse(&mut self, field: &'static str, rule: Rule) {
        self.violations.push(Violation { field, rule });
    }

    /// The exact id of a conversation. The placeholder for a bad one is never used: `finish` refuses.
    pub(crate) fn conversation(&mut self, text: &str) -> EntityId {
        EntityId::parse(EntityKind::Conversation, text).unwrap_or_else(|_bad| {
            self.refuse("conversation_id", if text.is_empty() { Rule::Required } else { Rule::Id });
            EntityId::WORKSPACE
        })
    }

    /// The exact id of a bulk.
    pub(crate) fn bulk(&mut self, text: &str) -> EntityId {
        EntityId::parse(EntityKind::Bulk, text).unwrap_or_else(|_bad| {
            self.refuse("bulk_id", if text.is_empty() { Rule::Required } else { Rule::Id });
            EntityId::WORKSPACE
        })
    }

    /// The exact id of a contact.
    pub(crate) fn contact(&mut self, text: &str) -> EntityId {
        EntityId::parse(EntityKind::Contact, text).unwrap_or_else(|_bad| {
            self.refuse("contact_id", if text.is_empty() { Rule::Required } else { Rule::Id });
            EntityId::WORKSPACE
        })
    }

    /// A name, if one is given.
    pub(crate) fn name<T: std::str::FromStr>(&mut self, field: &'static str, text: &str) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        let name = text.parse().ok();
        if name.is_none() {
            self.refuse(field, Rule::Name);
        }
        name
    }

    /// A word of one of our enums, if one is given.
    pub(crate) fn word<W, T>(&mut self, field: &'static str, number: i32, known: impl Fn(W) -> Option<T>) -> Option<T>
    where
        W: TryFrom<i32>,
    {
        if number == 0 {
            return None;
        }
        let word = W::try_from(number).ok().and_then(known);
        if word.is_none() {
            self.refuse(field, Rule::UnknownWord);
        }
        word
    }

    /// Several words of one of our enums; at most as many as are told apart.
    pub(crate) fn words<W, T>(&mut self, field: &'static str, numbers: &[i32], known: impl Fn(W) -> Option<T>) -> Vec<T>
    where
        W: TryFrom<i32>,
        T: PartialEq,
    {
        let mut words = Vec::new();
        for number in numbers {
            if let Some(word) = self.word(field, *number, &known)
                && !words.contains(&word)
            {
                words.push(word);
            }
        }
        words
    }

    /// Refuses a list that is too long.
    pub(crate) fn at_most(&mut self, field: &'static str, found: usize, max: usize) {
        if found > max {
            self.refuse(field, Rule::TooMany(max as u64));
        }
    }

    pub(crate) fn page_size(&mut self, asked: i32, default: usize) -> usize {
        self.size("page_size", asked, default)
    }

    pub(crate) fn size(&mut self, field: &'static str, asked: i32, default: usize) -> usize {
        match usize::try_from(asked) {
            Ok(0) => default,
            Ok(asked) => asked.min(PAGE_SIZE_MAX),
            Err(_negative) => {
                self.refuse(field, Rule::Negative);
                default
            }
        }
    }

    /// A position, if one is given.
    pub(crate) fn position(&mut self, text: &str) -> Option<Position> {
        let asked = Some(text).filter(|text| !text.is_empty()).map(str::parse::<Position>);
        self.position_invalid |= matches!(asked, Some(Err(_)));
        asked.and_then(Result::ok)
    }

    pub(crate) fn freshness(&mut self, min_position: &str, deadline_ms: u32) -> Freshness {
        let position = self.position(min_position);
        let wait =
            if deadline_ms == 0 { WAIT_DEFAULT } else { Duration::from_millis(deadline_ms.into()).min(WAIT_MAX) };
        Freshness { position, wait }
    }

    /// Refuses the request if anything was wrong.
    pub(crate) fn finish(self) -> Result<(), QueryError> {
        if !self.violations.is_empty() {
            return Err(QueryError::Invalid(self.violations));
        }
        if self.position_invalid { Err(QueryError::PositionInvalid) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sizes_are_refused_below_zero_and_cut_above_the_maximum() {
        let mut fields = Fields::default();
        assert_eq!(fields.page_size(0, PAGE_SIZE_DEFAULT), 25);
        assert_eq!(fields.page_size(7, PAGE_SIZE_DEFAULT), 7);
        assert_eq!(fields.page_size(1_000_000_000, PAGE_SIZE_DEFAULT), 200);
        assert_eq!(fields.page_size(i32::MIN, PAGE_SIZE_DEFAULT), 25);
        let expected = vec![Violation { field: "page_size", rule: Rule::Negative }];
        assert_eq!(fields.finish(), Err(QueryError::Invalid(expected)));
    }

    #[test]
    fn all_violations_are_named_at_once() {
        let mut fields = Fields::default();
        fields.conversation("cnv_short");
        fields.page_size(-1, PAGE_SIZE_DEFAULT);
        fields.freshness("seven", 0);
        let Err(QueryError::Invalid(violations)) = fields.finish() else { panic!("accepted") };
        assert_eq!(violations.iter().map(|v| v.field).collect::<Vec<_>>(), ["conversation_id", "page_size"]);
    }

    #[test]
    fn a_bad_position_alone_has_its_own_code_and_waits_are_cut() {
        let mut fields = Fields::default();
        assert_eq!(fields.freshness("", 0), Freshness { position: None, wait: Duration::from_secs(2) });
        let long = fields.freshness("p1-7", u32::MAX);
        assert_eq!(long, Freshness { position: Some(Position::new(7)), wait: Duration::from_secs(30) });
        fields.freshness("p9-7", 0);
        assert_eq!(fields.finish(), Err(QueryError::PositionInvalid));
    }
}
