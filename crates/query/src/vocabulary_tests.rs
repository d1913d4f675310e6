//! Every word of the domain has a text in both languages, and every error code has its page. Stands here because this crate
//! knows both the domain and the catalogue.

use relevo_catalogue::{Language, find};
use relevo_domain::conversation::{DeliveryStatus, Medium, MessageKind, PauseReason, Priority};
use relevo_domain::{ErrorCode, Role};
use relevo_proto::status::{grpc_code, http_status};

fn assert_text(key: &str) {
    for language in Language::ALL {
        assert!(find(language, key, &[]).is_some(), "`{key}` is missing in {}.ftl", language.tag());
    }
}

#[test]
fn every_error_code_says_what_happened_what_is_safe_and_what_to_do() {
    for code in ErrorCode::ALL {
        for part in ["what", "safe", "do"] {
            assert_text(&format!("error-{code}-{part}"));
        }
    }
}

#[test]
fn every_word_of_the_domain_has_a_text() {
    for reason in PauseReason::ALL {
        assert_text(&format!("reason-{}", reason.as_str()));
    }
    for kind in MessageKind::KNOWN {
        assert_text(&format!("kind-{}", kind.as_str()));
    }
    for status in DeliveryStatus::KNOWN {
        assert_text(&format!("delivery-{}", status.as_str()));
    }
    for role in Role::ALL {
        assert_text(&format!("role-{}", role.as_str()));
    }
    for priority in Priority::ALL {
        assert_text(&format!("priority-{}", priority.as_str()));
    }
    for medium in [Medium::WhatsApp, Medium::Sms, Medium::Email] {
        assert_text(&format!("medium-{}", medium.as_str()));
    }
    for actor in ["customer", "staff", "bot", "phone_app", "provider", "system"] {
        assert_text(&format!("actor-{actor}"));
    }
}

#[test]
fn every_error_code_has_a_page_that_agrees_with_the_table() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    for code in ErrorCode::ALL {
        let page = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap_or_default();
        assert!(page.starts_with(&format!("# {code}\n")), "docs/errors/{code}.md is missing");
        let grpc = format!("{:?}", grpc_code(code)).to_uppercase();
        let row = page.lines().find(|line| line.starts_with("| `")).unwrap_or_default();
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        assert_eq!(cells[1].replace('_', ""), grpc, "{code}");
        assert_eq!(cells[2], http_status(code).to_string(), "{code}");
        assert_eq!(cells[3] == "yes", code.retryable(), "{code}");
        assert_eq!(cells[4], relevo_proto::problem::outcome_word(code.outcome()), "{code}");
        assert!(page.contains("## English") && page.contains("## Español"), "{code}");
    }
    let pages = std::fs::read_dir(&folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file());
    let pages = pages.filter(|entry| !entry.as_ref().unwrap().file_name().eq("README.md")).count();
    assert_eq!(pages, ErrorCode::ALL.len(), "a page without a code");
}
