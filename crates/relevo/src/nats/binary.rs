//! Which nats-server binary is used: the configured one, else a suitable one on PATH, else the one that set-up installed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::NatsError;

/// Atomic batches and per-subject expectations of JetStream exist since this version.
pub(crate) const MINIMUM: Version = Version { major: 2, minor: 12, patch: 0 };

const NAME: &str = "nats-server";
/// Where `make setup` puts the binary, under the home folder.
const INSTALLED: &str = ".cache/relevo/tools/bin/nats-server";

/// A version of nats-server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// A binary that may be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    pub(crate) version: Version,
}

/// Where to look. Filled from the configuration and the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// `nats.binary`, or `NATS_SERVER_BIN`: used or refused, nothing else is tried.
    pub(crate) named: Option<PathBuf>,
    /// The folders of PATH.
    pub(crate) path: Vec<PathBuf>,
    pub(crate) home: Option<PathBuf>,
}

impl Places {
    /// The places of this process.
    pub(crate) fn from_env(configured: Option<PathBuf>) -> Self {
        let path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
        Self {
            named: configured
                .or_else(|| std::env::var_os("NATS_SERVER_BIN").filter(|path| !path.is_empty()).map(Into::into)),
            path,
            home: std::env::var_os("HOME").map(Into::into),
        }
    }
}

/// Finds the binary to start.
pub(crate) fn find(places: &Places) -> Result<Binary, NatsError> {
    if let Some(named) = &places.named {
        return suitable(named);
    }
    let on_path = places.path.iter().map(|folder| folder.join(NAME));
    let installed = places.home.iter().map(|home| home.join(INSTALLED));
    let mut refused = None;
    for candidate in on_path.chain(installed).filter(|path| path.is_file()) {
        match suitable(&candidate) {
            Ok(binary) => return Ok(binary),
            Err(error) => {
                tracing::info!(path = %candidate.display(), %error, "nats-server is not suitable");
                refused.get_or_insert(error);
            }
        }
    }
    Err(refused.unwrap_or(NatsError::NoBinary))
}

fn suitable(path: &Path) -> Result<Binary, NatsError> {
    let not_runnable = |reason: String| NatsError::NotRunnable { path: path.to_owned(), reason };
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| not_runnable(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = Version::find(&text).ok_or_else(|| not_runnable("it does not tell its version".to_owned()))?;
    if version < MINIMUM {
        return Err(NatsError::TooOld {
            path: path.to_owned(),
            found: version.to_string(),
            wanted: MINIMUM.to_string(),
        });
    }
    Ok(Binary { path: path.to_owned(), version })
}

impl Version {
    /// Reads `nats-server: v2.15.1` and its kin: the first word that is a version.
    fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| {
            // A pre-release counts as its release: `2.12.0-RC.1`.
            let word = word.trim_start_matches('v').split(['-', '+']).next()?;
            let mut numbers = word.splitn(3, '.').map(str::parse);
            Some(Self { major: numbers.next()?.ok()?, minor: numbers.next()?.ok()?, patch: numbers.next()?.ok()? })
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A program that says that it is nats-server of a version.
    fn program(folder: &Path, version: &str) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(NAME);
        std::fs::write(&path, format!("#!/bin/sh\necho 'nats-server: v{version}'\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        let version = |text| Version::find(text).unwrap();
        assert_eq!(version("nats-server: v2.15.1"), Version { major: 2, minor: 15, patch: 1 });
        assert!(version("nats-server: v2.9.25") < MINIMUM);
        assert!(version("nats-server: v2.12.0-RC.1") >= MINIMUM);
        assert!(version("v10.0.0") > MINIMUM);
        assert_eq!(Version::find("nats-server: unknown"), None);
    }

    #[test]
    fn a_suitable_one_on_path_wins_over_the_installed_one() {
        let temp = tempfile::tempdir().unwrap();
        let on_path = program(&temp.path().join("bin"), "2.12.3");
        program(&temp.path().join(".cache/relevo/tools/bin"), "2.15.1");
        let places = Places { named: None, path: vec![temp.path().join("bin")], home: Some(temp.path().to_owned()) };
        assert_eq!(find(&places).unwrap().path, on_path);
    }

    #[test]
    fn a_too_old_one_on_path_is_passed_over_and_named_if_there_is_no_other() {
        let temp = tempfile::tempdir().unwrap();
        let old = program(&temp.path().join("bin"), "2.10.4");
        let mut places =
            Places { named: None, path: vec![temp.path().join("bin")], home: Some(temp.path().to_owned()) };
        match find(&places) {
            Err(NatsError::TooOld { path, found, .. }) => assert_eq!((path, found.as_str()), (old, "2.10.4")),
            other => panic!("{other:?}"),
        }
        let installed = program(&temp.path().join(".cache/relevo/tools/bin"), "2.15.1");
        assert_eq!(find(&places).unwrap().path, installed);
        places.named = Some(temp.path().join("bin").join(NAME));
        assert!(matches!(find(&places), Err(NatsError::TooOld { .. })));
    }

    #[test]
    fn nothing_found_is_said() {
        assert!(matches!(find(&Places::default()), Err(NatsError::NoBinary)));
    }
}
