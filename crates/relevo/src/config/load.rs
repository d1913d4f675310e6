//! Reading the layers: embedded defaults, the demo, files, environment, flags. Later layers win; lists are joined.

use std::path::PathBuf;

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};

use super::file::{Channel, File};
use super::nearest::nearest;
use super::{DEFAULT, DEMO, Problem, Problems};

/// Variables are `RELEVO__SECTION__KEY`; a single underscore stays part of a name (`RELEVO_API_KEY` is the client's).
const ENV_PREFIX: &str = "RELEVO__";

/// Which layers to read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    pub(crate) demo: bool,
    pub(crate) files: Vec<PathBuf>,
    /// Dotted key and value, from flags.
    pub(crate) flags: Vec<(&'static str, String)>,
}

/// Reads all layers into one file's shape. Unknown keys are refused here.
pub(crate) fn load(layers: &Layers) -> Result<File, Problems> {
    let mut figment = Figment::from(Toml::string(DEFAULT));
    if layers.demo {
        figment = figment.admerge(Toml::string(DEMO));
    }
    for file in &layers.files {
        if !file.is_file() {
            let problem = Problem::new(file.display().to_string(), "config-no-file");
            return Err(Problems(vec![problem]));
        }
        figment = figment.admerge(Toml::file_exact(file));
    }
    figment = figment.merge(Env::prefixed(ENV_PREFIX).split("__"));
    for (key, value) in &layers.flags {
        figment = figment.merge(Serialized::default(key, value));
    }
    extract(&figment)
}

fn extract(figment: &Figment) -> Result<File, Problems> {
    let file = figment
        .extract::<File>()
        .map_err(|errors| Problems(errors.into_iter().map(|error| problem(&error)).collect()))?;
    // Here and not with the other checks: `config dump` prints what was loaded.
    if file.nats.url.as_deref().is_some_and(holds_credentials) {
        return Err(Problems(vec![Problem::new("nats.url", "config-url-credentials")]));
    }
    Ok(file)
}

/// One channel's definition, without the layers around it.
pub(crate) fn definition(text: &str) -> Result<Channel, Problems> {
    let extracted = Figment::from(Toml::string(text)).extract::<Channel>();
    extracted.map_err(|errors| {
        let place = |error: &figment::Error| Problem { at: error.path.join("."), ..problem(error) };
        Problems(errors.into_iter().map(|error| place(&error)).collect())
    })
}

/// Whether one of the addresses, which commas separate, has a user or a token before its host.
fn holds_credentials(urls: &str) -> bool {
    urls.split(',').any(|url| {
        let address = url.split_once("://").map_or(url, |(_scheme, address)| address);
        address.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
    })
}

fn problem(error: &figment::Error) -> Problem {
    let source = error.metadata.as_ref().map(|metadata| match &metadata.source {
        Some(source) => source.to_string(),
        None => metadata.name.to_string(),
    });
    let path = error.path.join(".");
    let at = match (source, path.is_empty()) {
        (Some(source), true) => source,
        (Some(source), false) => format!("{source}: {path}"),
        (None, _) => path,
    };
    match &error.kind {
        Kind::UnknownField(name, known) => {
            let near = nearest(name, known.iter().copied());
            match near {
                Some(near) => Problem::new(at, "config-unknown-key-near").with("key", name).with("near", near),
                None => Problem::new(at, "config-unknown-key").with("key", name).with("known", known.join(", ")),
            }
        }
        Kind::MissingField(name) => Problem::new(at, "config-missing").with("key", name.as_ref()),
        Kind::DuplicateField(name) => Problem::new(at, "config-twice").with("key", *name),
        Kind::Message(message) => Problem::new(at, "config-unreadable").with("reason", without_source(message)),
        // Below, the value that was found may be a secret: only what was expected is said.
        Kind::InvalidType(_, wanted) | Kind::InvalidValue(_, wanted) => {
            Problem::new(at, "config-expected").with("wanted", wanted)
        }
        Kind::InvalidLength(found, wanted) => {
            Problem::new(at, "config-expected").with("wanted", format!("{wanted} ({found})"))
        }
        Kind::UnknownVariant(_, known) => Problem::new(at, "config-expected").with("wanted", known.join(" | ")),
        Kind::UnsupportedKey(_, wanted) => Problem::new(at, "config-expected").with("wanted", wanted.as_ref()),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) | Kind::Unsupported(_) => {
            Problem::new(at, "config-expected").with("wanted", "another kind of value")
        }
    }
}

/// A reader's message without the line of the file that it quotes: a slip beside a secret must not print the secret.
fn without_source(message: &str) -> String {
    // Quoted lines look like `12 | key = …`, the mark below them like `   |  ^^^`.
    let quoted =
        |line: &&str| line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|');
    message.lines().filter(|line| !quoted(line)).collect::<Vec<_>>().join("; ")
}

/// One text over the defaults.
#[cfg(test)]
pub(crate) fn from_text(text: &str) -> Result<File, Problems> {
    extract(&Figment::from(Toml::string(DEFAULT)).admerge(Toml::string(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_problem(text: &str) -> Problem {
        let mut problems = from_text(text).unwrap_err().0;
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems.remove(0)
    }

    #[test]
    fn the_defaults_and_the_demo_are_readable() {
        assert!(!load(&Layers::default()).unwrap().demo);
        assert!(load(&Layers { demo: true, ..Layers::default() }).unwrap().demo);
    }

    #[test]
    fn an_unknown_key_is_named_with_the_one_that_was_meant() {
        let problem = only_problem("[server]\nhtpp_addr = 'x'");
        assert_eq!(problem.key, "config-unknown-key-near");
        assert_eq!(problem.args, [("key", "htpp_addr".to_owned()), ("near", "http_addr".to_owned())]);
        let problem = only_problem("[[tenants]]\nname = 'a'\ntime_zone = 'UTC'\nlanguage = 'es'\ncolour = 1");
        assert_eq!(problem.key, "config-unknown-key");
        assert!(problem.at.contains("tenants"), "{problem:?}");
    }

    #[test]
    fn a_value_of_another_type_is_named_with_its_place() {
        let problem = only_problem("[webhook]\nrequests = 'many'");
        assert_eq!(problem.key, "config-expected");
        assert!(problem.at.ends_with("webhook.requests"), "{problem:?}");
        assert!(!format!("{problem:?}").contains("many"), "{problem:?}");
    }

    #[test]
    fn a_secret_in_a_wrong_place_is_not_printed() {
        for text in [
            "[[meta_apps]]\nname = 'a'\nverify_token = 'v'\napp_secrets = 'topsecret'",
            "[[meta_apps]]\nname = 'a'\napp_secrets = []\nverify_token = ['topsecret']",
            "[[meta_apps]]\nname = 'a'\napp_secrets = []\nverify_token = 1984198419841984",
            "[[meta_apps]]\nname = 'a'\napp_secrets = []\nverify_token = { file = ['topsecret'] }",
            "[[meta_apps]]\nname = 'a'\napp_secrets = []\nverify_token = { value = 'topsecret' }",
            "[nats]\npassword = 'topsecret",
            "[nats]\npassword = topsecret",
            "[webhook]\nrequests = 'topsecret'",
        ] {
            let problem = only_problem(text);
            for language in [relevo_catalogue::Language::Es, relevo_catalogue::Language::En] {
                let said = problem.text(language);
                assert!(!said.contains("topsecret") && !said.contains("1984"), "{text}: {said}");
            }
        }
        let said = only_problem("[[meta_apps]]\nname = 'a'\nverify_token = 'v'\napp_secrets = 's'");
        assert!(
            said.at.ends_with("app_secrets") && said.text(relevo_catalogue::Language::En).contains("sequence"),
            "{said:?}"
        );
    }

    #[test]
    fn an_address_with_credentials_is_refused_and_not_repeated() {
        for url in ["nats://user:topsecret@h:4222", "nats://a:1,nats://topsecret@b:1/", "user:topsecret@h"] {
            let problem = only_problem(&format!("[nats]\nurl = '{url}'"));
            assert_eq!((problem.at.as_str(), problem.key), ("nats.url", "config-url-credentials"), "{url}");
            assert!(!problem.text(relevo_catalogue::Language::En).contains("topsecret"), "{problem:?}");
        }
        assert!(from_text("[nats]\nurl = 'nats://h:4222,tls://h2:4222/x@y'").is_ok());
    }

    #[test]
    fn lists_of_several_layers_are_joined_and_flags_win() {
        let temp = tempfile::tempdir().unwrap();
        let tenant = |name: &str| format!("[[tenants]]\nname = '{name}'\ntime_zone = 'UTC'\nlanguage = 'en'\n");
        let files: Vec<PathBuf> = ["one", "two"].iter().map(|name| temp.path().join(name)).collect();
        std::fs::write(&files[0], tenant("a")).unwrap();
        std::fs::write(&files[1], tenant("b")).unwrap();
        let flags = vec![("server.http_addr", "127.0.0.1:9".to_owned())];
        let file = load(&Layers { demo: false, files, flags }).unwrap();
        assert_eq!(file.tenants.iter().map(|tenant| tenant.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(file.server.http_addr, "127.0.0.1:9");
        let missing = Layers { files: vec![temp.path().join("none")], ..Layers::default() };
        assert_eq!(load(&missing).unwrap_err().0[0].key, "config-no-file");
    }
}
