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

/// Places and keys of what is wrong with a definition.
fn wrong(channels: &Channels, text: &str) -> Vec<(String, &'static str)> {
    match channels.add(&tenant("demo"), text, false) {
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
    let addition = channels.add(&demo, META, false).unwrap();
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
        let again = channels.add(&demo, META, false).unwrap();
        assert!(again.already_so && again.verify_token.as_deref() == Some(token.as_str()));
    }
    channels.remove(&demo, &wa).unwrap();
    assert!(matches!(channels.remove(&demo, &wa), Err(NotChanged::NotAdded)));
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
    channels.add(&demo, META, false).unwrap();
    channels.add(&demo, &second, false).unwrap();
    let changed = META.replace("first", "second");
    assert_eq!(wrong(&channels, &changed), [("id".to_owned(), "config-channel-added")]);
    channels.add(&demo, &changed, true).unwrap();
    let revision = |name| channels.accounts().find(&demo, &id(name)).unwrap().revision;
    assert_eq!((revision("wa-new"), revision("wa-two")), (2, 1));
}

#[test]
fn each_slip_of_a_definition_is_named_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let channels = open(folder.path());
    channels.add(&tenant("demo"), META, false).unwrap();
    let key = |text: &str| wrong(&channels, text);
    let other = META.replace("wa-new", "wa-x");
    for (text, at, problem) in [
        (META.replace("wa-new", "wa-main"), "id", "config-channel-in-file"),
        (other.clone(), "phone_number_id", "config-taken"),
        (META.replace("wa-new", "demo").replace("777", "1"), "id", "config-taken"),
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
    channels.add(&tenant("demo"), META, false).unwrap();
    std::fs::write(folder.path().join("demo.wa-bad.toml"), "id = 'wa-bad'\nkind = 'meta'\nlabel = 'x'").unwrap();
    std::fs::write(folder.path().join("demo.wa-torn.toml"), "id = 'wa-to").unwrap();
    std::fs::write(folder.path().join("demo.wa-torn.toml.new"), "id").unwrap();
    std::fs::write(folder.path().join("gone.wa-g.toml"), META.replace("wa-new", "wa-g")).unwrap();
    let again = open(folder.path());
    assert!(again.was_added(&tenant("demo"), &id("wa-new")));
    assert!(!again.was_added(&tenant("demo"), &id("wa-bad")));
}
