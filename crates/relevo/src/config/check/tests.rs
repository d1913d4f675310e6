//! What the check accepts and what it names.

use relevo_providers::{AccountKind, Credential, Security};

use super::super::load::{Layers, from_text, load};
use super::*;

pub(super) const GOOD: &str = r#"
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
pub(super) fn problems_after(from: &str, to: &str) -> Vec<(String, &'static str)> {
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
        ("channels = [\"wa\"]", "channels = [\"WA\"]", "api_keys[0].channels[0]", "config-name"),
    ];
    for (from, to, at, key) in slips {
        let problems = problems_after(from, to);
        assert!(problems.contains(&(at.to_owned(), key)), "{from} -> {to}: {problems:?}");
    }
}

#[test]
fn a_key_may_name_a_channel_that_is_added_while_relevo_runs() {
    let config =
        check(&from_text(&GOOD.replace("channels = [\"wa\"]", "channels = [\"wa\", \"wa-later\"]")).unwrap()).unwrap();
    let relevo_domain::Scope::Granted { channels, .. } = &config.api_keys[0].caller.scope else {
        panic!("an agent does not see the tenant")
    };
    assert_eq!(channels.iter().map(ToString::to_string).collect::<Vec<_>>(), ["wa", "wa-later"]);
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

/// The account of the one channel of a tenant, or what is wrong with it.
fn account_of(channel: &str) -> Result<Option<AccountKind>, Vec<(String, &'static str)>> {
    let text = format!(
        "[[meta_apps]]\nname = 'app'\napp_secrets = ['s']\nverify_token = 'v'\n\
         [[tenants]]\nname = 'acme'\ntime_zone = 'UTC'\nlanguage = 'es'\n[[tenants.channels]]\nid = 'one'\nlabel = 'One'\n{channel}"
    );
    let problems = |problems: Problems| problems.0.into_iter().map(|one| (one.at, one.key)).collect::<Vec<_>>();
    let config = check(&from_text(&text).unwrap()).map_err(problems)?;
    let accounts = crate::serve::routing::accounts(&config, "http://127.0.0.1:1", &|_| None);
    Ok(accounts.into_iter().next().map(|account| account.kind))
}

const META: &str = "kind = 'meta'\napp = 'app'\nphone_number_id = '1'\n";
const TWILIO: &str = "kind = 'twilio'\nauth_tokens = ['first', 'second']\n";
const EMAIL: &str = "kind = 'email'\naddress = 'Hola@Acme.example'\n";

#[test]
fn a_channel_without_credentials_receives_and_does_not_send() {
    for channel in [META, TWILIO, "kind = 'email'\nbearer_tokens = ['b']\naddresses = ['a@b.example']\n"] {
        assert_eq!(account_of(channel), Ok(None), "{channel}");
    }
}

#[test]
fn whatsapp_accounts_have_the_providers_addresses_and_credentials() {
    let Ok(Some(AccountKind::Meta(meta))) = account_of(&format!("{META}access_token = 't'")) else {
        panic!("no account")
    };
    assert_eq!((meta.base_url.as_str(), meta.messages_per_second), ("https://graph.facebook.com/v25.0", 80));
    let sid = "account_sid = 'AC1'\nfrom = '+5491155550200'\n";
    let Ok(Some(AccountKind::Twilio(twilio))) = account_of(&format!("{TWILIO}{sid}")) else { panic!("no account") };
    assert_eq!((twilio.user.as_str(), twilio.password.expose()), ("AC1", "first"));
    assert_eq!(twilio.from, "whatsapp:+5491155550200");
    assert_eq!(twilio.status_callback, "http://127.0.0.1:1/webhooks/twilio/one");
    assert_eq!(twilio.base_url, "https://api.twilio.com");
}

#[test]
fn mailboxes_of_known_providers_need_no_servers() {
    let mail = |more: &str| match account_of(&format!("{EMAIL}{more}")) {
        Ok(Some(AccountKind::Mail(mail))) => mail,
        other => panic!("{other:?}"),
    };
    let gmail = mail("provider = 'gmail'\npassword = 'p'\nimap = { import_days = 30 }");
    let (imap, smtp) = (gmail.imap.unwrap(), gmail.smtp.unwrap());
    assert_eq!(
        (imap.host.as_str(), imap.port, imap.security, imap.import_days),
        ("imap.gmail.com", 993, Security::Tls, 30)
    );
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.security), ("smtp.gmail.com", 465, Security::Tls));
    assert_eq!((gmail.address.as_str(), gmail.credential.user.as_str()), ("hola@acme.example", "hola@acme.example"));
    let office = mail("provider = 'office365'\noauth = { client_id = 'c', refresh_token = 'r' }");
    assert_eq!(
        office.smtp.map(|smtp| (smtp.port, smtp.security, smtp.messages_per_minute)),
        Some((587, Security::StartTls, 30))
    );
    let Credential::OAuth(grant) = office.credential.credential else { panic!("no grant") };
    assert!(grant.scope.contains("offline_access") && grant.token_url.contains("/common/"));
    let own = mail("password = 'p'\nimap = { host = 'h.example', security = 'starttls' }\nuser = 'u'");
    assert_eq!((own.imap.map(|imap| imap.port), own.smtp, own.credential.user.as_str()), (Some(143), None, "u"));
}

#[test]
fn each_slip_about_sending_is_named_at_its_place() {
    let gmail = "provider = 'gmail'\n";
    let slips = [
        (META, "graph_url = 'https://x.example'", "graph_url", "config-needs"),
        (META, "access_token = 't'\ngraph_url = 'http://x.example'", "graph_url", "config-secure-url"),
        (META, "access_token = 't'\nmessages_per_second = 0", "messages_per_second", "config-too-small"),
        (META, "verify_token = 'v'", "", "config-missing"),
        (META, "app_secrets = ['s']\nverify_token = 'v'", "app", "config-excludes"),
        (TWILIO, "account_sid = 'AC1'", "", "config-missing"),
        (TWILIO, "account_sid = 'AC1'\nfrom = '5491155'", "from", "config-sender"),
        (TWILIO, "from = '+5491155'", "from", "config-needs"),
        (TWILIO, "account_sid = 'AC1'\nfrom = 'MG1'\napi_user = 'SK1'", "api_user", "config-needs"),
        (EMAIL, "", "", "config-missing"),
        (EMAIL, gmail, "", "config-missing"),
        (EMAIL, "provider = 'gmial'", "provider", "config-one-of"),
        (EMAIL, "provider = 'gmail'\npassword = 'p'\noauth = { client_id = 'c' }", "password", "config-excludes"),
        (EMAIL, "provider = 'gmail'\noauth = { client_id = 'c', client_secret = 's' }", "oauth", "config-missing"),
        (EMAIL, "provider = 'office365'\noauth = { client_id = 'c', client_secret = 's' }", "oauth", "config-missing"),
        (EMAIL, "password = 'p'\nimap = { host = 'h.example', security = 'plain' }", "imap.security", "config-plain"),
        (EMAIL, "password = 'p'\nimap = { host = 'h.example', folders = [] }", "imap.folders", "config-empty-list"),
        (EMAIL, "password = 'p'\nsmtp = { host = 'a b' }\nbearer_tokens = ['b']", "smtp.host", "config-host"),
        (EMAIL, "password = 'p'\nbearer_tokens = ['b']", "password", "config-needs"),
        (
            EMAIL,
            "password = 'p'\nprovider = 'gmail'\ndisplay_name = \"a\\r\\nBcc: x\"",
            "display_name",
            "config-one-line",
        ),
    ];
    for (channel, more, at, key) in slips {
        let problems = account_of(&format!("{channel}{more}")).unwrap_err();
        let place = format!("tenants[0].channels[0]{}{at}", if at.is_empty() { "" } else { "." });
        let found = problems.iter().any(|(found, problem)| *found == place && (key.is_empty() || *problem == key));
        assert!(found, "{more}: {problems:?}");
    }
}

#[test]
fn an_account_and_a_shown_number_are_one_tenants() {
    let text = |first: &str, second: &str| {
        let tenant = |name: &str, channel: &str| {
            format!(
                "[[tenants]]\nname = '{name}'\ntime_zone = 'UTC'\nlanguage = 'es'\n\
                 [[tenants.channels]]\nid = '{name}-1'\nkind = 'meta'\nlabel = 'x'\napp = 'app'\nphone_number_id = '{name}1'\n{channel}\n\
                 [[tenants.channels]]\nid = '{name}-2'\nkind = 'meta'\nlabel = 'x'\napp = 'app'\nphone_number_id = '{name}2'\n{channel}\n"
            )
        };
        format!(
            "[[meta_apps]]\nname = 'app'\napp_secrets = ['s']\nverify_token = 'v'\n{}{}",
            tenant("a", first),
            tenant("b", second)
        )
    };
    let wrong = |first: &str, second: &str| match check(&from_text(&text(first, second)).unwrap()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.into_iter().map(|one| (one.at, one.key)).collect(),
    };
    assert_eq!(
        wrong("waba_id = '1'\ndisplay_phone_number = '+1 55'", "waba_id = '2'\ndisplay_phone_number = '156'"),
        []
    );
    let at = |key: &str| [1, 2].map(|number| (format!("tenants.b.channels.b-{number}.{key}"), "config-duplicate"));
    assert_eq!(wrong("waba_id = '1'", "waba_id = '1'"), at("waba_id"));
    let shown = wrong("display_phone_number = '+1 (55)'", "display_phone_number = '155'");
    assert_eq!(shown, at("display_phone_number"));
}

#[test]
fn files_are_kept_in_the_log_or_in_a_folder_that_is_the_same_from_everywhere() {
    let store = |store: &str| match check(&from_text(&format!("[files]\nstore = '{store}'\n{GOOD}")).unwrap()) {
        Ok(config) => Ok(config.files.store),
        Err(problems) => Err(problems.0.into_iter().map(|one| (one.at, one.key)).collect::<Vec<_>>()),
    };
    assert_eq!(store("log"), Ok(crate::config::FileStore::Log));
    assert_eq!(store("/srv/files"), Ok(crate::config::FileStore::Folder("/srv/files".into())));
    for slip in ["logs", "", "files", "./files"] {
        assert_eq!(store(slip), Err(vec![("files.store".to_owned(), "config-file-store")]), "{slip}");
    }
}

#[test]
fn staff_is_alerted_after_the_tenants_time_the_usual_one_or_never() {
    let of = |lines: &str| {
        let text = format!("[[tenants]]\nname = 'acme'\ntime_zone = 'UTC'\nlanguage = 'es'\n{lines}");
        let problems = |problems: Problems| problems.0.into_iter().map(|one| (one.at, one.key)).collect::<Vec<_>>();
        let config = check(&from_text(&text).unwrap()).map_err(problems)?;
        let tenant = &config.tenants[0];
        Ok((tenant.alert_unanswered, tenant.alert_paused))
    };
    let (minute, hour) = (std::time::Duration::from_mins(1), std::time::Duration::from_hours(1));
    assert_eq!(of(""), Ok((Some(10 * minute), Some(24 * hour))));
    assert_eq!(of("alert_unanswered = '90s'\nalert_paused = '2d'"), Ok((Some(90 * minute / 60), Some(48 * hour))));
    assert_eq!(of("alert_unanswered = 'off'\nalert_paused = '0'"), Ok((None, None)));
    for wrong in ["soon", "", "-1m", "366d", "99999999d"] {
        let problem = vec![("tenants[0].alert_paused".to_owned(), "config-span")];
        assert_eq!(of(&format!("alert_paused = '{wrong}'")), Err(problem), "{wrong}");
    }
}
