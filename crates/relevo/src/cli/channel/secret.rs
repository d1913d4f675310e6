//! Secrets on the command line: never as they are, because others can read a command line.

use std::io::BufRead;
use std::path::PathBuf;
use std::str::FromStr;

use super::super::Failure;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Env(String),
    File(PathBuf),
    /// A line of standard input; several are read in the order of their flags in the help.
    Input,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text.strip_prefix("env:"), text.strip_prefix('@')) {
            (Some(name), _) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            (_, Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            (None, None) if text == "-" => Ok(Self::Input),
            // The value is not repeated: it may be the secret itself.
            _ => Err("env:NAME, @FILE, -".to_owned()),
        }
    }
}

impl Source {
    /// The secret, without the end of its line.
    pub(super) fn read(&self, flag: &'static str) -> Result<String, Failure> {
        let (place, text) = match self {
            Self::Env(name) => (format!("env:{name}"), std::env::var(name).map_err(|error| error.to_string())),
            Self::File(path) => {
                (format!("@{}", path.display()), std::fs::read_to_string(path).map_err(|error| error.to_string()))
            }
            Self::Input => {
                let mut line = String::new();
                let read = std::io::stdin().lock().read_line(&mut line);
                ("-".to_owned(), read.map(|_bytes| line).map_err(|error| error.to_string()))
            }
        };
        let text = text.map_err(|reason| Failure::bad_value(flag, &place, reason))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(Failure::bad_value(flag, &place, "…"));
        }
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_and_never_written_out() {
        assert_eq!("env:TOKEN".parse(), Ok(Source::Env("TOKEN".to_owned())));
        assert_eq!("@/run/x".parse(), Ok(Source::File("/run/x".into())));
        assert_eq!("-".parse(), Ok(Source::Input));
        for text in ["EAAB-hush", "env:", "@", ""] {
            let error = text.parse::<Source>().unwrap_err();
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_file_gives_its_text_without_the_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "abc\r\n").unwrap();
        assert_eq!(Source::File(path.clone()).read("--x").unwrap(), "abc");
        std::fs::write(&path, "\n").unwrap();
        assert!(Source::File(path).read("--x").is_err());
    }
}
