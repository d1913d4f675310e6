//! What the check accepts of bots, and what it names.

use super::super::load::from_text;
use super::tests::{GOOD, problems_after};
use super::*;

/// The problems of the good file with these lines below its tenant.
fn problems_with_bots(bots: &str) -> Vec<(String, &'static str)> {
    problems_after("teams = [{", &format!("{bots}\nteams = [{{"))
}

#[test]
fn bots_are_rules_or_webhooks() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let rules = write("good.yaml", super::super::DEMO_BOT);
    let hook = r#"webhook = { url = "https://bot.acme.example/turn", secrets = ["0123456789abcdef"], timeout = "5s" }"#;
    let good = format!(
        "bots = [{{ id = \"helper\", rules = {rules:?} }}, {{ id = \"orders\", channels = [\"wa\"], {hook} }}]"
    );
    assert_eq!(problems_with_bots(&good), []);
    let file = from_text(&GOOD.replace("teams = [{", &format!("{good}\non_resume = \"answer\"\nteams = [{{"))).unwrap();
    let tenant = check(&file).unwrap().tenants.remove(0);
    assert_eq!(tenant.on_resume, relevo_domain::conversation::CatchUp::Answer);
    let [helper, orders] = tenant.bots.as_slice() else { panic!() };
    assert!(matches!(helper.kind, super::super::BotKind::Rules(_)) && helper.channels.is_empty());
    let super::super::BotKind::Webhook(settings) = &orders.kind else { panic!() };
    assert_eq!(settings.timeout, std::time::Duration::from_secs(5));
}

#[test]
fn each_slip_about_a_bot_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let rules = write("good.yaml", super::super::DEMO_BOT);
    let hook = r#"webhook = { url = "https://bot.acme.example/turn", secrets = ["0123456789abcdef"], timeout = "5s" }"#;
    let broken = write("broken.yaml", "rules:\n  - keywords: [x]\n    goto: nowhere\n");
    let slips = [
        ("on_resume = \"forget\"".to_owned(), "tenants[0].on_resume", "config-one-of"),
        ("bots = [{ id = \"helper\" }]".to_owned(), "tenants[0].bots[0]", "config-missing"),
        (format!("bots = [{{ id = \"Helper\", rules = {rules:?} }}]"), "tenants[0].bots[0].id", "config-name"),
        (
            format!("bots = [{{ id = \"h\", rules = {rules:?}, {hook} }}]"),
            "tenants[0].bots[0].rules",
            "config-excludes",
        ),
        (
            "bots = [{ id = \"h\", rules = \"/nowhere.yaml\" }]".to_owned(),
            "tenants[0].bots[0].rules",
            "config-unreadable",
        ),
        (
            format!("bots = [{{ id = \"h\", rules = {rules:?} }}, {{ id = \"h\", {hook} }}]"),
            "tenants[0].bots[1].id",
            "config-duplicate",
        ),
        (
            r#"bots = [{ id = "h", webhook = { url = "http://bot.acme.example", secrets = ["0123456789abcdef"] } }]"#
                .to_owned(),
            "tenants[0].bots[0].webhook.url",
            "config-hook-url",
        ),
        (
            r#"bots = [{ id = "h", webhook = { url = "https://10.0.0.7/x", secrets = ["0123456789abcdef"] } }]"#
                .to_owned(),
            "tenants[0].bots[0].webhook.url",
            "config-hook-url",
        ),
        (hook_with("secrets = []"), "tenants[0].bots[0].webhook.secrets", "config-empty-list"),
        (hook_with(r#"secrets = ["short"]"#), "tenants[0].bots[0].webhook.secrets[0]", "config-token-key"),
        (
            hook_with(r#"secrets = ["0123456789abcdef"], timeout = "2m""#),
            "tenants[0].bots[0].webhook.timeout",
            "config-span-most",
        ),
        (
            hook_with(r#"secrets = ["0123456789abcdef"], calls = 0"#),
            "tenants[0].bots[0].webhook.calls",
            "config-too-large",
        ),
        (
            hook_with(r#"secrets = ["0123456789abcdef"], history = 51"#),
            "tenants[0].bots[0].webhook.history",
            "config-too-large",
        ),
    ];
    for (lines, at, key) in slips {
        let problems = problems_with_bots(&lines);
        assert!(problems.contains(&(at.to_owned(), key)), "{lines}: {problems:?}");
    }
    let problems = problems_with_bots(&format!("bots = [{{ id = \"h\", rules = {broken:?} }}]"));
    let named = |(at, key): &(String, &str)| at.contains("broken.yaml:3") && *key == "rules-no-step";
    assert!(problems.iter().any(named), "{problems:?}");
}

fn hook_with(rest: &str) -> String {
    format!(r#"bots = [{{ id = "h", webhook = {{ url = "https://bot.acme.example", {rest} }} }}]"#)
}

#[test]
fn how_long_a_bot_has_a_turn_has_its_limits() {
    for (lines, at) in [
        ("[bots]\nturn = \"16m\"", "bots.turn"),
        ("[bots]\nturn = \"0\"", "bots.turn"),
        ("[bots]\noldest = \"8d\"", "bots.oldest"),
        ("[bots]\noldest = \"soon\"", "bots.oldest"),
    ] {
        let problems = problems_after("[[meta_apps]]", &format!("{lines}\n[[meta_apps]]"));
        assert_eq!(problems, [(at.to_owned(), "config-span-most")], "{lines}");
    }
}
