//! A secret: written out, or better, named by the file or the variable that holds it. Never shown again.

use std::env::VarError;
use std::fmt;
use std::path::PathBuf;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const REDACTED: &str = "(hidden)";

/// Where a secret's text is.
#[derive(Clone)]
pub(crate) enum Secret {
    Literal(String),
    File(PathBuf),
    Env(String),
}

impl Secret {
    /// The text. Of a file, without the line end that an editor left.
    pub(crate) fn read(&self) -> Result<String, String> {
        let text = match self {
            Self::Literal(text) => text.clone(),
            Self::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            Self::Env(name) => std::env::var(name).map_err(|error| match error {
                VarError::NotPresent => format!("{name}: not set"),
                // The error's own words repeat the value.
                VarError::NotUnicode(_) => format!("{name}: not UTF-8"),
            })?,
        };
        if text.is_empty() { Err("empty".to_owned()) } else { Ok(text) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str(REDACTED),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "env {name}"),
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Literal(_) => serializer.serialize_str(REDACTED),
            Self::File(path) => pair(serializer, "file", &path.display().to_string()),
            Self::Env(name) => pair(serializer, "env", name),
        }
    }
}

fn pair<S: Serializer>(serializer: S, key: &'static str, value: &str) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret: \"text\", { file = \"path\" } or { env = \"NAME\" }")
    }

    fn visit_str<E>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::Literal(text.to_owned()))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Secret, M::Error> {
        let wrong = || M::Error::custom("a secret names exactly one of `file` and `env`");
        let (key, value) = map.next_entry::<String, String>()?.ok_or_else(wrong)?;
        if map.next_key::<String>()?.is_some() {
            return Err(wrong());
        }
        match key.as_str() {
            "file" => Ok(Secret::File(value.into())),
            "env" => Ok(Secret::Env(value)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, Serialize)]
    struct Holder {
        secret: Secret,
    }

    #[test]
    fn a_secret_is_never_shown() {
        let holder: Holder = toml::from_str("secret = \"hush-hush\"").unwrap();
        assert_eq!(holder.secret.read().unwrap(), "hush-hush");
        let shown =
            format!("{holder:?} {} {}", toml::to_string(&holder).unwrap(), serde_json::to_string(&holder).unwrap());
        assert!(!shown.contains("hush-hush"), "{shown}");
    }

    #[test]
    fn a_file_gives_its_text_without_the_line_end() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("secret");
        std::fs::write(&path, "with space \n").unwrap();
        let holder: Holder = toml::from_str(&format!("secret = {{ file = {path:?} }}")).unwrap();
        assert_eq!(holder.secret.read().unwrap(), "with space ");
        std::fs::write(&path, "\n").unwrap();
        assert!(holder.secret.read().is_err());
        assert!(toml::from_str::<Holder>("secret = { file = 'a', env = 'b' }").is_err());
        assert!(toml::from_str::<Holder>("secret = { path = 'a' }").is_err());
    }
}
