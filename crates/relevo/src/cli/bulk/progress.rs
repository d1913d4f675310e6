//! How far a bulk is, in one line: `Pausando 6.120/10.000 · 5.980 pausadas · 131 ya estaban · 9 sin permiso · 0 errores · quedan 4 s`.

use relevo_proto::query::v1::{Bulk, BulkAction, BulkOutcome};

use super::super::Words;

/// The line; of a finished one it says so, and of a start without results it does not say how long it takes.
pub(super) fn line(words: Words, bulk: &Bulk) -> String {
    let progress = bulk.progress.unwrap_or_default();
    let number = |number: u32| words.grouped(u64::from(number));
    let pauses = bulk.action == i32::from(BulkAction::Pause);
    let verb = match (bulk.finished_at.is_some(), pauses) {
        (false, true) => "bulk-pausing",
        (false, false) => "bulk-resuming",
        (true, true) => "bulk-paused",
        (true, false) => "bulk-resumed",
    };
    let mut parts = vec![words.with(verb, &[("done", &number(progress.done)), ("total", &number(progress.total))])];
    let mut count = |key: &str, n: u32| {
        let arguments: [(&str, &str); 2] = [("shown", &number(n)), ("n", if n == 1 { "one" } else { "other" })];
        parts.push(words.with(key, &arguments));
    };
    if pauses {
        count("bulk-count-paused", progress.paused);
    } else {
        count("bulk-count-resumed", progress.resumed);
    }
    count("bulk-count-already", progress.already);
    count("bulk-count-forbidden", progress.forbidden);
    count("bulk-count-errors", progress.errors);
    if bulk.action == i32::from(BulkAction::Undo) {
        count("bulk-count-changed", progress.changed_since);
    }
    if bulk.finished_at.is_none()
        && let Some(seconds) = progress.seconds_left
    {
        parts.push(words.with("bulk-left", &[("seconds", &words.grouped(seconds))]));
    }
    parts.join(" · ")
}

pub(super) fn action(words: Words, action: i32) -> String {
    match BulkAction::try_from(action) {
        Ok(BulkAction::Pause) => words.t("bulk-action-pause"),
        Ok(BulkAction::Resume) => words.t("bulk-action-resume"),
        Ok(BulkAction::Undo) => words.t("bulk-action-undo"),
        Ok(BulkAction::Unspecified) | Err(_) => action.to_string(),
    }
}

pub(super) fn outcome(words: Words, outcome: i32) -> String {
    match BulkOutcome::try_from(outcome) {
        Ok(BulkOutcome::Paused) => words.t("bulk-outcome-paused"),
        Ok(BulkOutcome::Resumed) => words.t("bulk-outcome-resumed"),
        Ok(BulkOutcome::Already) => words.t("bulk-outcome-already"),
        Ok(BulkOutcome::Forbidden) => words.t("bulk-outcome-forbidden"),
        Ok(BulkOutcome::Error) => words.t("bulk-outcome-error"),
        Ok(BulkOutcome::ChangedSince) => words.t("bulk-outcome-changed-since"),
        Ok(BulkOutcome::Unspecified) | Err(_) => outcome.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use relevo_catalogue::Language;
    use relevo_proto::query::v1::BulkProgress;

    use super::*;

    fn half_way() -> Bulk {
        let progress = BulkProgress {
            total: 10_000,
            done: 6_120,
            paused: 5_980,
            already: 131,
            forbidden: 9,
            seconds_left: Some(4),
            ..BulkProgress::default()
        };
        Bulk { action: BulkAction::Pause.into(), progress: Some(progress), ..Bulk::default() }
    }

    #[test]
    fn the_line_is_the_one_that_was_promised() {
        let (es, en) = (Words::new(Language::Es), Words::new(Language::En));
        assert_eq!(
            line(es, &half_way()),
            "Pausando 6.120/10.000 · 5.980 pausadas · 131 ya estaban · 9 sin permiso · 0 errores · quedan 4 s"
        );
        assert_eq!(
            line(en, &half_way()),
            "Pausing 6,120/10,000 · 5,980 paused · 131 already were · 9 not allowed · 0 errors · 4 s left"
        );
    }

    #[test]
    fn one_is_one_and_who_is_done_says_so() {
        let progress =
            BulkProgress { total: 3, done: 3, resumed: 1, errors: 1, changed_since: 1, ..Default::default() };
        let at = prost_types::Timestamp { seconds: 1, nanos: 0 };
        let action = BulkAction::Undo.into();
        let bulk = Bulk { action, progress: Some(progress), finished_at: Some(at), ..Bulk::default() };
        assert_eq!(
            line(Words::new(Language::Es), &bulk),
            "Reactivadas 3/3 · 1 reactivada · 0 ya estaban · 0 sin permiso · 1 error · 1 cambió desde entonces"
        );
        assert_eq!(
            line(Words::new(Language::En), &bulk),
            "Resumed 3/3 · 1 resumed · 0 already were · 0 not allowed · 1 error · 1 changed since"
        );
    }
}
