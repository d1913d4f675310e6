//! Where added channels are kept: one file each, which only Relevo may read, because it holds secrets.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Result};
use std::path::PathBuf;

use relevo_catalogue::Language;
use relevo_domain::{ChannelId, TenantId};
use relevo_providers::AccountKey;

use super::Definition;
use crate::nats::private;

const EXTENSION: &str = "toml";

/// The folder.
pub(super) struct Store(PathBuf);

impl Store {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Every channel that can be read. A file that cannot is said, and left where it is.
    pub(super) fn load(&self) -> Result<Vec<(AccountKey, Definition)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            // What a crash left half written ends otherwise.
            if path.extension() != Some(OsStr::new(EXTENSION)) {
                continue;
            }
            let named = path.file_stem().and_then(OsStr::to_str).and_then(|name| name.split_once('.'));
            let key =
                named.and_then(|(tenant, channel)| Some((TenantId::new(tenant).ok()?, ChannelId::new(channel).ok()?)));
            let definition = fs::read_to_string(&path)
                .map_err(|error| error.to_string())
                .and_then(|text| Definition::parse(&text).map_err(|problems| problems.lines(Language::En).join("; ")));
            match (key, definition) {
                (Some(key), Ok(definition)) if definition.channel.id == key.1.as_str() => found.push((key, definition)),
                (Some(_) | None, Ok(_)) => tracing::error!(file = %path.display(), "added channel has another name"),
                (_, Err(why)) => tracing::error!(file = %path.display(), why, "added channel cannot be read"),
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    pub(super) fn write(&self, key: &AccountKey, definition: &Definition) -> Result<()> {
        private::write(&self.path(key), definition.text().as_bytes())?;
        self.settle()
    }

    pub(super) fn remove(&self, key: &AccountKey) -> Result<()> {
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => self.settle(),
        }
    }

    /// A name survives a power cut only when its folder is on disk.
    fn settle(&self) -> Result<()> {
        File::open(&self.0)?.sync_all()
    }

    fn path(&self, (tenant, channel): &AccountKey) -> PathBuf {
        self.0.join(format!("{tenant}.{channel}.{EXTENSION}"))
    }
}
