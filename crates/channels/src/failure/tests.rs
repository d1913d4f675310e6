//! The tables: every code is explained in both languages, and what is not in them is handled with care.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::*;
use FailureClass as Class;

/// The messages of one language. The files are read as they are, because adapters know nothing of the catalogue; its own tests
/// check their form.
fn messages(language: &str) -> BTreeMap<String, String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../catalogue/src/{language}.ftl"));
    let lines = std::fs::read_to_string(&file).unwrap();
    let messages = lines.lines().filter_map(|line| line.split_once(" = "));
    messages.map(|(key, text)| (key.to_owned(), text.to_owned())).collect()
}

/// The text of a key, also where it is that of another one.
fn explanation<'m>(messages: &'m BTreeMap<String, String>, key: &str) -> &'m str {
    let text = messages.get(key).unwrap_or_else(|| panic!("{key} has no text"));
    match text.strip_prefix("{ ").and_then(|rest| rest.strip_suffix(" }")) {
        Some(other) => explanation(messages, other),
        None => text,
    }
}

#[test]
fn every_code_and_every_class_is_explained_in_both_languages() {
    for messages in [messages("es"), messages("en")] {
        let codes = Provider::ALL
            .into_iter()
            .flat_map(|provider| codes(provider).map(move |code| format!("send-failure-{}-{code}", provider.as_str())));
        let classes = FailureClass::ALL.map(|class| format!("send-failure-{}", class.as_str()));
        for key in codes.chain(classes) {
            let text = explanation(&messages, &key);
            assert!(
                text.len() > 40 && text.ends_with('.') && text.matches(". ").count() + text.matches("; ").count() > 0,
                "{key} does not say what to do: {text}"
            );
        }
    }
}

#[test]
fn what_could_wait_is_explained_as_final_too() {
    for messages in [messages("es"), messages("en")] {
        let codes = [(Provider::Meta, meta::ROWS), (Provider::Twilio, twilio::ROWS), (Provider::Smtp, smtp::ROWS)];
        let codes = codes.into_iter().flat_map(|(provider, rows)| rows.iter().map(move |row| (provider, row)));
        let codes = codes.filter(|(_, (_, class))| class.waits());
        let codes = codes.map(|(provider, (code, _))| format!("{}-{}", provider.as_str(), key_part(code)));
        let classes =
            FailureClass::ALL.into_iter().filter(|class| class.waits()).map(|class| class.as_str().to_owned());
        let all: Vec<String> = codes.chain(classes).collect();
        assert!(all.len() > 40, "{all:?}");
        for what in all {
            let [waits, ended] = ["send-failure", "send-failure-final"].map(|kind| format!("{kind}-{what}"));
            assert_ne!(explanation(&messages, &waits), explanation(&messages, &ended), "{what}");
        }
        let finals = messages.keys().filter(|key| key.starts_with("send-failure-final-"));
        for key in finals {
            let text = explanation(&messages, key);
            assert!(
                !text.contains("by itself") && !text.contains("espera") && !text.contains("saldrá"),
                "{key}: {text}"
            );
        }
    }
}

#[test]
fn no_code_has_two_rows() {
    for rows in [meta::ROWS, twilio::ROWS, smtp::ROWS] {
        let codes: BTreeSet<_> = rows.iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), rows.len());
    }
}

#[test]
fn codes_that_must_never_be_retried_are_final() {
    for code in [131_047, 131_049, 131_050, 368, 130_497, 131_031, 131_026, 132_001] {
        assert!(!meta(Some(code), 400).class.waits(), "{code}");
    }
    for code in [63_016, 63_024, 63_032, 63_049, 21_610] {
        assert!(!twilio(Some(code), 400).class.waits(), "{code}");
    }
}

#[test]
fn a_message_waits_for_what_passes() {
    assert_eq!(meta(Some(190), 401).class, Class::Auth);
    assert_eq!(meta(Some(200), 403).class, Class::Auth);
    assert_eq!(meta(Some(299), 403).class, Class::Auth);
    assert_eq!(meta(Some(130_429), 429).class, Class::Throttled);
    assert_eq!(meta(Some(131_056), 400).class, Class::PairLimit);
    assert_eq!(twilio(Some(20_429), 429).class, Class::Throttled);
    assert_eq!(smtp(432, Some("4.3.2")).class, Class::Throttled);
    assert_eq!(smtp(550, Some("5.4.5")), verdict(Class::Throttled, Some(DAILY_QUOTA), None));
}

#[test]
fn metas_own_trouble_is_tried_seldom_and_after_the_reports() {
    for code in [1, 2, 131_000, 131_016, 133_004] {
        assert_eq!(meta(Some(code), 500), verdict(Class::Transient, Some(REPORTS_FIRST), Some(FEW_ATTEMPTS)), "{code}");
        assert_eq!(attempts_max(Provider::Meta, &code.to_string()), Some(3), "{code}");
    }
    assert_eq!(meta(Some(131_057), 400), verdict(Class::Transient, Some(MAINTENANCE), Some(FEW_ATTEMPTS)));
    // Nothing that another class says for itself.
    assert_eq!(meta(Some(130_429), 429), verdict(Class::Throttled, None, None));
    assert_eq!(attempts_max(Provider::Meta, "131056"), None);
    assert_eq!(attempts_max(Provider::Meta, "http-503"), None);
    assert_eq!(attempts_max(Provider::Smtp, "1"), None);
    assert!(meta_knows(131_000) && meta_knows(299) && !meta_knows(999_999));
}

#[test]
fn an_unknown_code_is_judged_by_its_status() {
    for (status, class) in [(400, Class::Unknown), (401, Class::Auth), (429, Class::Throttled), (503, Class::Transient)]
    {
        assert_eq!(meta(Some(999_999), status).class, class);
        assert_eq!(twilio(Some(99_999), status).class, class);
        assert_eq!(meta(None, status).class, class);
    }
    assert_eq!(meta(Some(300), 400).class, Class::Unknown);
}

#[test]
fn a_mail_servers_answer_without_a_row_goes_by_its_numbers() {
    for (reply, enhanced, class) in [
        (550, Some("5.1.1"), Class::Recipient),
        (550, Some("5.1.99"), Class::Recipient),
        (451, Some("4.9.9"), Class::Transient),
        (552, Some("5.3.4"), Class::File),
        (550, None, Class::Recipient),
        (421, None, Class::Transient),
        (535, None, Class::Auth),
        (530, Some("5.7.0"), Class::Auth),
        (552, Some("5.7.0"), Class::Integrity),
        (554, None, Class::Integrity),
        (550, Some("4.2.2"), Class::Recipient),
        (450, Some("5.1.1"), Class::Transient),
        (0, Some("5.2.2"), Class::Recipient),
        (0, Some("hola"), Class::Unknown),
        (0, Some("5.1"), Class::Unknown),
        (0, None, Class::Unknown),
    ] {
        assert_eq!(smtp(reply, enhanced).class, class, "{reply} {enhanced:?}");
    }
}

#[test]
fn a_report_is_explained_by_its_code_else_by_its_class() {
    assert_eq!(reported(Provider::Meta, "131047"), Class::Window);
    assert_eq!(reported(Provider::Twilio, "63016"), Class::Window);
    assert_eq!(reported(Provider::Smtp, "5.1.1"), Class::Recipient);
    assert_eq!(reported(Provider::Meta, "hola"), Class::Unknown);
    let keys = explanation_keys(Provider::Smtp, Some("5.1.1"), Class::Recipient);
    assert_eq!(keys, ["send-failure-smtp-5-1-1", "send-failure-recipient"]);
    assert_eq!(explanation_keys(Provider::Meta, Some("77"), Class::Unknown), ["send-failure-unknown"]);
    assert_eq!(explanation_keys(Provider::Meta, None, Class::Transient), ["send-failure-transient"]);
}
