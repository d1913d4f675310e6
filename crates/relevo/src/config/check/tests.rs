//! What the check accepts and what it names.

use super::super::load::{Layers, from_text, load};
use super::*;

const GOOD: &str = r#"
[[meta_apps]]
name = "app"
app_secrets = ["s1", "s2"]
verify_token = "v"
account_channel = "acme/wa"

[[tenants]]
name = "acme"
time_zone = "Europe/Madrid"
language = "es"
channels = [
    { id = "wa", kind = "meta", label = "WhatsApp", app = "app", phone_number_id = "1" },
    { id = "tw", kind = "twilio", label = "Twilio", auth_tokens = ["t"] },
    { id = "mail", kind = "email", label = "Mail", bearer_tokens = ["b"], addresses = ["a@b.example"] },
]
agents = [{ id = "laura", name = "Laura", role = "agent" }]
teams = [{ id = "sales", name = "Sales", members = ["laura"] }]

[[api_keys]]
tenant = "acme"
name = "laura"
role = "agent"
key_hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
channels = ["wa"]
"#;

/// The problems of the good file after some text in it was replaced.
fn problems_after(from: &str, to: &str) -> Vec<(String, &'static str)> {
    assert!(GOOD.contains(from), "{from}");
    let file = from_text(&GOOD.replace(from, to)).unwrap();
    match check(&file) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.into_iter().map(|problem| (problem.at, problem.key)).collect(),
    }
}

#[test]
fn a_good_file_is_good() {
    let config = check(&from_text(GOOD).unwrap()).unwrap();
    assert_eq!(config.meta_apps[0].app_secrets, ["s1", "s2"]);
    assert_eq!(config.tenants[0].channels.len(), 3);
    match &config.api_keys[0].caller.scope {
        relevo_domain::Scope::Granted { channels, teams } => {
            assert_eq!(channels.iter().map(ToString::to_string).collect::<Vec<_>>(), ["wa"]);
            // By membership.
            assert_eq!(teams.iter().map(ToString::to_string).collect::<Vec<_>>(), ["sales"]);
        }
        relevo_domain::Scope::Tenant => panic!("an agent does not see the tenant"),
    }
}

#[test]
fn each_slip_is_named_at_its_place() {
    let slips = [
        ("name = \"acme\"", "name = \"Acme\"", "tenants[0].name", "config-name"),
        ("Europe/Madrid", "Europe/Madriz", "tenants[0].time_zone", "config-time-zone"),
        ("language = \"es\"", "language = \"fr\"", "tenants[0].language", "config-one-of"),
        (
            "kind = \"meta\"",
            "kind = \"meta\", auth_tokens = [\"x\"]",
            "tenants[0].channels[0].auth_tokens",
            "config-misplaced",
        ),
        (", phone_number_id = \"1\"", "", "tenants[0].channels[0]", "config-missing"),
        ("app = \"app\"", "app = \"other\"", "tenants.acme.channels.wa.app", "config-unknown"),
        ("id = \"tw\"", "id = \"app\"", "tenants.acme.channels.app", "config-duplicate"),
        ("acme/wa\"", "acme/tw\"", "meta_apps.app.account_channel", "config-unknown"),
        ("[\"s1\", \"s2\"]", "[]", "meta_apps[0].app_secrets", "config-empty-list"),
        ("\"v\"", "{ env = \"RELEVO_TEST_UNSET\" }", "meta_apps[0].verify_token", "config-secret"),
        ("members = [\"laura\"]", "members = [\"lara\"]", "tenants[0].teams[0].members[0]", "config-unknown"),
        ("name = \"laura\"", "name = \"pedro\"", "api_keys[0].name", "config-unknown-agent"),
        ("sha256:00", "sha256:0", "api_keys[0].key_hash", "config-key-hash"),
        ("channels = [\"wa\"]", "channels = [\"wb\"]", "api_keys[0].channels[0]", "config-unknown"),
    ];
    for (from, to, at, key) in slips {
        let problems = problems_after(from, to);
        assert!(problems.contains(&(at.to_owned(), key)), "{from} -> {to}: {problems:?}");
    }
}

#[test]
fn all_problems_are_found_at_once() {
    let text =
        GOOD.replace("Europe/Madrid", "x").replace("\"sha256:", "\"").replace("role = \"agent\"", "role = \"boss\"");
    let problems = check(&from_text(&text).unwrap()).unwrap_err();
    assert!(problems.0.len() >= 3, "{problems:?}");
}

#[test]
fn a_number_belongs_to_one_channel_whatever_the_tenant() {
    let second = "[[tenants]]\nname = 'b'\ntime_zone = 'UTC'\nlanguage = 'en'\n\
                  channels = [{ id = 'wa', kind = 'meta', label = 'x', app = 'app', phone_number_id = '1' }]\n";
    let problems = check(&from_text(&format!("{GOOD}\n{second}")).unwrap()).unwrap_err();
    assert_eq!(problems.0.len(), 1, "{problems:?}");
    assert_eq!(problems.0[0].key, "config-duplicate");
}

#[test]
fn the_demo_is_good_and_stays_on_loopback() {
    let demo =
        |flags: Vec<(&'static str, String)>| check(&load(&Layers { demo: true, files: Vec::new(), flags }).unwrap());
    let config = demo(Vec::new()).unwrap();
    assert_eq!(config.api_keys.len(), 9);
    assert_eq!(config.tenants.iter().map(|tenant| tenant.name.as_str()).collect::<Vec<_>>(), ["demo", "demo-b"]);
    for (key, value) in
        [("server.http_addr", "0.0.0.0:80"), ("server.grpc_addr", "[::]:80"), ("server.grpc_addr", "10.0.0.1:80")]
    {
        let problems = demo(vec![(key, value.to_owned())]).unwrap_err();
        assert!(
            problems.0.iter().any(|problem| problem.at == key && problem.key == "config-loopback-only"),
            "{problems:?}"
        );
    }
    assert!(demo(vec![("server.http_addr", "[::1]:0".to_owned())]).is_ok());
}

#[test]
fn a_known_secret_is_recognised_without_the_word_demo() {
    let known_key = format!("sha256:{}", hex::encode(crate::key::hash("relevo-demo-admin")));
    let own_key = format!("sha256:{}", "0".repeat(64));
    for (from, to) in [
        ("\"s2\"", "\"relevo-demo-app-secret\""),
        ("[\"b\"]", "[\"relevo-demo-mail-token\"]"),
        (own_key.as_str(), known_key.as_str()),
    ] {
        let text = format!(
            "{}\n[server]\nhttp_addr = \"0.0.0.0:80\"\npublic_url = \"https://x.example\"",
            GOOD.replace(from, to)
        );
        let problems = check(&from_text(&text).unwrap()).unwrap_err();
        assert_eq!(
            problems.0.iter().map(|problem| problem.key).collect::<Vec<_>>(),
            ["config-loopback-only"],
            "{from}"
        );
    }
    let text = format!("{GOOD}\n[server]\nhttp_addr = \"0.0.0.0:80\"\npublic_url = \"https://x.example\"");
    assert!(check(&from_text(&text).unwrap()).is_ok());
}

#[test]
fn each_slip_about_signing_in_is_named_at_its_place() {
    let issuer = "[[auth.issuers]]\nissuer = 'https://id.example'\naudiences = ['relevo']\n\
                  jwks_url = 'https://id.example/keys'\ntenants = ['acme']\n";
    let problems = |text: &str| match check(&from_text(&format!("{GOOD}\n{text}")).unwrap()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.into_iter().map(|problem| (problem.at, problem.key)).collect::<Vec<_>>(),
    };
    assert_eq!(problems(issuer), []);
    let slips = [
        ("https://id.example/keys", "http://id.example/keys", "jwks_url", "config-jwks-url"),
        ("https://id.example/keys", "https://user:secret@id.example/keys", "jwks_url", "config-jwks-url"),
        ("https://id.example/keys", "file:///keys", "jwks_url", "config-jwks-url"),
        ("'https://id.example'", "'relevo'", "issuer", "config-issuer-own"),
        ("['relevo']", "[]", "audiences", "config-empty-list"),
        ("['acme']", "[]", "tenants", "config-empty-list"),
        ("['acme']", "['zeta']", "tenants[0]", "config-unknown"),
        ("['acme']", "['acme']\nroles = ['ops']", "roles[0]", "config-one-of"),
        ("['acme']", "['acme']\nalgorithms = ['HS256']", "algorithms[0]", "config-one-of"),
        ("['acme']", "['acme']\njwks_file = '/nowhere'", "jwks_file", "config-excludes"),
        ("jwks_url = 'https://id.example/keys'", "jwks_file = '/nowhere'", "jwks_file", "config-no-file-at"),
    ];
    for (from, to, at, key) in slips {
        assert!(issuer.contains(from), "{from}");
        let found = problems(&issuer.replacen(from, to, 1));
        assert_eq!(found, [(format!("auth.issuers[0].{at}"), key)], "{from} -> {to}");
    }
    let loopback = issuer.replace("https://id.example/keys", "http://127.0.0.1:9/keys");
    assert_eq!(problems(&loopback), []);

    for (text, at, key) in [
        ("[auth]\ntoken_seconds = 901", "auth.token_seconds", "config-too-large"),
        ("[auth]\ntoken_seconds = 5", "auth.token_seconds", "config-too-small"),
        ("[auth]\nsession_hours = 25", "auth.session_hours", "config-too-large"),
        ("[auth]\ntoken_keys = ['short']", "auth.token_keys[0]", "config-token-key"),
        ("[server]\ncors_origins = ['*']", "server.cors_origins[0]", "config-origin"),
        ("[server]\ncors_origins = ['https://desk.example/']", "server.cors_origins[0]", "config-origin"),
        ("[server]\ncors_origins = ['https://Desk.example']", "server.cors_origins[0]", "config-origin"),
    ] {
        assert_eq!(problems(text), [(at.to_owned(), key)], "{text}");
    }
    assert_eq!(
        problems_after("role = \"agent\"\nkey_hash", "role = \"agent\"\nroles = [\"agent\"]\nkey_hash"),
        [("api_keys[0].roles".to_owned(), "config-needs")]
    );
    let service = "role = \"service\"\nroles = [\"agent\", \"bot\"]\nkey_hash";
    assert_eq!(
        problems_after("role = \"agent\"\nkey_hash", service),
        [("api_keys[0].roles[1]".to_owned(), "config-one-of")]
    );
}

#[test]
fn the_keys_of_one_service_grant_the_same() {
    let key = |hash: char, more: &str| {
        let hash = hash.to_string().repeat(64);
        format!("[[api_keys]]\ntenant = 'acme'\nname = 'web'\nrole = 'service'\nkey_hash = 'sha256:{hash}'\n{more}\n")
    };
    let problems = |one: &str, other: &str| {
        let text = format!("{GOOD}\n{}{}", key('1', one), key('2', other));
        match check(&from_text(&text).unwrap()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.0.into_iter().map(|problem| (problem.at, problem.key)).collect::<Vec<_>>(),
        }
    };
    let differ = |list: &str| [(format!("api_keys[2].{list}"), "config-service-keys-differ")];
    assert_eq!(problems("", "roles = ['agent']"), []);
    assert_eq!(problems("roles = ['agent', 'admin']", "roles = ['admin', 'agent']"), []);
    assert_eq!(problems("roles = ['agent']", "roles = ['agent', 'admin']"), differ("roles"));
    assert_eq!(problems("channels = ['wa']", "channels = ['wa', 'tw']"), differ("channels"));
    assert_eq!(problems("channels = ['wa']", "channels = ['wa']"), []);
    assert_eq!(problems("teams = ['sales']", ""), differ("teams"));
}
