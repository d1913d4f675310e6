//! Adding and removing, without a broker.

use relevo_channels::Target;
use relevo_domain::EndpointId;
use relevo_providers::AccountKind;

use super::*;
use crate::config::{Layers, load};

fn open(folder: &std::path::Path) -> Channels {
    let mut file = load(&Layers { demo: true, ..Layers::default() }).unwrap();
    file.channels.any_server = false;
    let config = check::check(&file).unwrap();
    Channels::open(file, config, folder.to_owned(), "http://127.0.0.1:1").unwrap()
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn id(name: &str) -> ChannelId {
    ChannelId::new(name).unwrap()
}

/// No channel was taken back before.
const NONE: BTreeSet<ChannelId> = BTreeSet::new();

/// Places and keys of what is wrong with a definition.
fn wrong(channels: &Channels, text: &str) -> Vec<(String, &'static str)> {
    match channels.add(&tenant("demo"), text, false, &NONE) {
        Err(NotChanged::Definition(problems)) => problems.0.into_iter().map(|one| (one.at, one.key)).collect(),
        other => panic!("{other:?}"),
    }
}

const META: &str = "id = 'wa-new'\nkind = 'meta'\nlabel = 'New'\napp_secrets = ['hush']\nphone_number_id = '777'\n\
                    access_token = 'first'\nwaba_id = '9'\n";

#[test]
fn an_added_channel_is_in_force_at_once_and_after_a_restart_and_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let channels = open(folder.path());
    let (demo, wa) = (tenant("demo"), id("wa-new"));
    let addition = channels.add(&demo, META, false, &NONE).unwrap();
    let token = addition.verify_token.clone().unwrap();
    assert!(!addition.already_so && token.len() >= 32);
    for channels in [channels.clone(), open(folder.path())] {
        let app = EndpointId::new("wa-new").unwrap();
        let number = Target::Number { phone_number_id: "777".to_owned() };
        assert_eq!(channels.routes().now().find(&app, &number).map(|at| at.channel.clone()), Some(wa.clone()));
        let account = channels.accounts().find(&demo, &wa).unwrap();
        assert!(matches!(&account.kind, AccountKind::Meta(meta) if meta.access_token.expose() == "first"));
        assert_eq!(channels.labels(&demo).get(&wa).as_deref(), Some("New"));
        assert!(channels.was_added(&demo, &wa));
        let again = channels.add(&demo, META, false, &NONE).unwrap();
        assert!(again.already_so && again.verify_token.as_deref() == Some(token.as_str()));
    }
    assert!(channels.remove(&demo, &wa).unwrap());
    assert!(!channels.remove(&demo, &wa).unwrap(), "so already");
    assert!(matches!(channels.remove(&demo, &id("wa-main")), Err(NotChanged::InFile)));
    for channels in [channels, open(folder.path())] {
        assert!(channels.accounts().find(&demo, &wa).is_none() && !channels.was_added(&demo, &wa));
        assert_eq!(channels.routes().now().channels().len(), 14);
    }
}

#[test]
fn a_replacement_has_another_revision_and_leaves_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let channels = open(folder.path());
    let demo = tenant("demo");
    let second = META.replace("wa-new", "wa-two").replace("777", "778");
    channels.add(&demo, META, false, &NONE).unwrap();
    channels.add(&demo, &second, false, &NONE).unwrap();
    let changed = META.replace("first", "second");
    assert_eq!(wrong(&channels, &changed), [("id".to_owned(), "config-channel-added")]);
    let revision = |name| channels.accounts().find(&demo, &id(name)).unwrap().revision;
    let (first, two) = (revision("wa-new"), revision("wa-two"));
    channels.add(&demo, &changed, true, &NONE).unwrap();
    let second = revision("wa-new");
    assert_eq!((second > first, revision("wa-two")), (true, two));
    // Neither does one that comes back look like what it was.
    channels.remove(&demo, &id("wa-new")).unwrap();
    channels.add(&demo, META, false, &NONE).unwrap();
    assert!(revision("wa-new") > second);
}

#[test]
fn an_added_mailbox_is_at_public_addresses_unless_the_operator_lets_it_be_anywhere() {
    const MAIL: &str = "id = 'm'\nkind = 'email'\nlabel = 'M'\naddress = 'a@b.example'\npassword = 'x'\n\
                        imap = { host = 'imap.b.example' }\nsmtp = { host = 'smtp.b.example' }\n";
    let public_only =
        |channels: &Channels, name| match &channels.accounts().find(&tenant("demo"), &id(name)).unwrap().kind {
            AccountKind::Mail(mail) => mail.public_only,
            other => panic!("{other:?}"),
        };
    for any_server in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut file = load(&Layers { demo: true, ..Layers::default() }).unwrap();
        file.channels.any_server = any_server;
        let mut own = Definition::parse(&MAIL.replace("'m'", "'own'").replace("a@b", "c@b")).unwrap().channel;
        own.id = "own".to_owned();
        file.tenants.iter_mut().find(|one| one.name == "demo").unwrap().channels.push(own);
        let config = check::check(&file).unwrap();
        let open =
            || Channels::open(file.clone(), config.clone(), folder.path().to_owned(), "http://127.0.0.1:1").unwrap();
        open().add(&tenant("demo"), MAIL, false, &NONE).unwrap();
        let channels = open();
        assert_eq!((public_only(&channels, "m"), public_only(&channels, "own")), (!any_server, false));
    }
}

/// Whoever is woken by new accounts asks for their endpoints at once.
#[tokio::test]
async fn the_configuration_is_in_force_before_the_accounts_are() {
    let folder = tempfile::tempdir().unwrap();
    let channels = open(folder.path());
    let (demo, watched) = (tenant("demo"), channels.clone());
    let mut accounts = channels.accounts().watch();
    let seen = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(accounts.changed()).unwrap();
        watched.config().tenants.iter().any(|tenant| tenant.channels.iter().any(|channel| channel.id == id("wa-new")))
    });
    channels.add(&demo, META, false, &NONE).unwrap();
    assert!(seen.join().unwrap());
}

#[test]
fn each_slip_of_a_definition_is_named_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let channels = open(folder.path());
    channels.add(&tenant("demo"), META, false, &NONE).unwrap();
    let key = |text: &str| wrong(&channels, text);
    let other = META.replace("wa-new", "wa-x");
    for (text, at, problem) in [
        (META.replace("wa-new", "wa-main"), "id", "config-channel-in-file"),
        (other.clone(), "phone_number_id", "config-taken"),
        (META.replace("wa-new", "demo").replace("777", "1"), "id", "config-taken"),
        (other.replace("777", "1").replace("'9'", "'220000000000000'"), "waba_id", "config-taken"),
        (
            other.replace("777", "1") + "display_phone_number = '+34 (911) 555-500'",
            "display_phone_number",
            "config-taken",
        ),
        (other.replace("app_secrets = ['hush']", "app = 'demo'").replace("777", "1"), "app", "config-any-server"),
        (other.replace("wa-x", "WA"), "id", "config-name"),
        (other.replace("'meta'", "'fax'"), "kind", "config-one-of"),
        (other.replace("'777'", "'1'\npassword = 'x'"), "password", "config-misplaced"),
        (other.replace("'first'", "{ file = '/etc/passwd' }"), "access_token", "config-secret-elsewhere"),
        (other.replace("['hush']", "[{ env = 'HOME' }]"), "app_secrets[0]", "config-secret-elsewhere"),
        (format!("{other}graph_url = 'https://10.0.0.1'"), "graph_url", "config-any-server"),
        (format!("{other}colour = 1"), "", "config-unknown-key"),
        (
            "id = 'm'\nkind = 'email'\nlabel = 'M'\naddress = 'a@b.example'\npassword = 'x'\n\
          imap = { host = '10.0.0.1' }"
                .to_owned(),
            "imap.host",
            "config-any-server",
        ),
        (
            "id = 'm'\nkind = 'email'\nlabel = 'M'\naddress = 'a@b.example'\npassword = 'x'\n\
          imap = { host = 'imap.example.com', security = 'ssl' }"
                .to_owned(),
            "imap.security",
            "config-one-of",
        ),
        (
            "id = 'm'\nkind = 'email'\nlabel = 'M'\naddress = 'a@b.example'\nprovider = 'gmail'".to_owned(),
            "",
            "config-missing",
        ),
    ] {
        let found = key(&text);
        assert!(found.iter().any(|(place, key)| place.ends_with(at) && *key == problem), "{text}: {found:?}");
    }
    assert_eq!(channels.routes().now().channels().len(), 15, "nothing was added");
}

#[test]
fn a_kept_channel_that_is_not_good_any_more_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let channels = open(folder.path());
    channels.add(&tenant("demo"), META, false, &NONE).unwrap();
    std::fs::write(folder.path().join("demo.wa-bad.toml"), "id = 'wa-bad'\nkind = 'meta'\nlabel = 'x'").unwrap();
    std::fs::write(folder.path().join("demo.wa-torn.toml"), "id = 'wa-to").unwrap();
    std::fs::write(folder.path().join("demo.wa-torn.toml.new"), "id").unwrap();
    std::fs::write(folder.path().join("gone.wa-g.toml"), META.replace("wa-new", "wa-g")).unwrap();
    let again = open(folder.path());
    assert!(again.was_added(&tenant("demo"), &id("wa-new")));
    assert!(!again.was_added(&tenant("demo"), &id("wa-bad")));
}

#[test]
fn a_tenant_receives_through_an_app_of_the_file_only_if_it_is_its_own() {
    let mut file = load(&Layers { demo: true, ..Layers::default() }).unwrap();
    file.channels.any_server = false;
    let demo = tenant("demo");
    let text = META.replace("app_secrets = ['hush']", "app = 'demo'");
    let folder = tempfile::tempdir().unwrap();
    let add = |file: &File, tenant: &TenantId| {
        let config = check::check(file).unwrap();
        let channels = Channels::open(file.clone(), config, folder.path().to_owned(), "http://127.0.0.1:1").unwrap();
        channels.add(tenant, &text, false, &NONE).map(|_| ())
    };
    assert!(matches!(add(&file, &demo), Err(NotChanged::Definition(_))), "another tenant's numbers are under it too");
    for other in file.tenants.iter_mut().filter(|one| one.name != "demo") {
        other.channels.retain(|channel| channel.app.is_none());
    }
    assert!(matches!(add(&file, &tenant("demo-b")), Err(NotChanged::Definition(_))), "none of its own is under it");
    add(&file, &demo).unwrap();
    file.meta_apps[0].account_channel = Some("demo-b/wa-b".to_owned());
    assert!(!guard::owns_app(&file, &demo, "demo"), "what names no number is another's");
    assert!(!guard::owns_app(&file, &demo, "none"));
}

#[test]
fn every_node_makes_the_same_verify_token() {
    let nodes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let token = |folder: &tempfile::TempDir, text: &str| {
        open(folder.path()).add(&tenant("demo"), text, true, &NONE).unwrap().verify_token.unwrap()
    };
    let [one, other] = nodes.each_ref().map(|node| token(node, META));
    assert_eq!(one, other);
    let rotated = META.replace("['hush']", "['new', 'hush']");
    assert_eq!(token(&nodes[0], &rotated), one, "the provider knows it already");
    let apart = META.replace("hush", "hush2").replace("wa-new", "wa-other").replace("777", "778");
    assert_ne!(token(&nodes[0], &apart), one);
}

#[test]
fn a_tenant_has_its_share_of_what_all_tenants_have() {
    let folder = tempfile::tempdir().unwrap();
    let channels = open(folder.path());
    let long = |bytes: usize| META.replace("'New'", &format!("'{}'", "x".repeat(bytes)));
    assert!(wrong(&channels, &long(16 << 10)).iter().any(|(_, key)| *key == "config-too-large"));
    // Secrets may be many; names may not be long.
    let numbered = |n: usize| {
        let secrets = vec![format!("'{}'", "s".repeat(1_000)); 14].join(", ");
        let text = META.replace("wa-new", &format!("wa-{n}")).replace("777", &format!("{}", 10_000 + n));
        text.replace("['hush']", &format!("[{secrets}]")).replace("waba_id = '9'\n", "")
    };
    let added = |tenant: &TenantId, n| channels.add(tenant, &numbered(n), false, &NONE);
    let fits = (0..ADDED_MAX).take_while(|n| added(&tenant("demo"), *n).is_ok()).count();
    assert!((8..ADDED_MAX).contains(&fits), "{fits}");
    let full = wrong(&channels, &numbered(fits));
    assert_eq!(full, [(String::new(), "config-too-large")]);
    // The others have theirs; and who gives some back has room again.
    added(&tenant("demo-b"), 100).unwrap();
    channels.remove(&tenant("demo"), &id("wa-0")).unwrap();
    added(&tenant("demo"), fits).unwrap();
}

#[test]
fn names_that_were_given_back_are_not_used_up_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let channels = open(folder.path());
    let many: BTreeSet<ChannelId> = (0..5_000).map(|n| id(&format!("wa-{n}"))).collect();
    let demo = tenant("demo");
    let Err(NotChanged::Definition(problems)) = channels.add(&demo, META, false, &many) else { panic!("too many") };
    assert_eq!(
        problems.0.iter().map(|one| (one.at.as_str(), one.key)).collect::<Vec<_>>(),
        [("id", "config-too-large")]
    );
    // One that was used before takes nothing new.
    channels.add(&demo, &META.replace("wa-new", "wa-7"), false, &many).unwrap();
    channels.add(&demo, &META.replace("wa-new", "wa-7").replace("first", "second"), true, &many).unwrap();
}
