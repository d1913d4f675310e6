//! Which folder holds a view, and how another one takes its place without a moment in which there is none.
//!
//! ```text
//! <views>/inbox.live    names the folder that is served: replaced by rename, the only switch there is
//! <views>/inbox-v1      version 1, first generation
//! <views>/inbox-v1.2    version 1, rebuilt once
//! ```
//! Any folder is the exact fold of the part of the log that its checkpoint names, whenever its writer was killed. So a crash
//! before the switch leaves a folder that nobody serves, to be continued (another version) or deleted (a rebuild); a crash
//! after it leaves the old one, to be deleted. Folders are never renamed: readers may still have them open.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// One folder of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) version: u32,
    pub(crate) generation: u32,
}

/// The folders of one view.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    views: PathBuf,
    name: &'static str,
    version: u32,
}

/// What is found at start and what to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// The served folder is of the projector's version: go on with it.
    Continue(Slot),
    /// An older version is served while the projector's own is built, or goes on being built.
    Upgrade { serving: Slot, building: Slot },
    /// Nothing can be served yet: the view is built from what there is of it, and is served meanwhile.
    Begin(Slot),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderError {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

impl Layout {
    pub(crate) fn new(views: impl Into<PathBuf>, name: &'static str, version: u32) -> Self {
        Self { views: views.into(), name, version }
    }

    pub(crate) fn path(&self, slot: Slot) -> PathBuf {
        self.views.join(self.folder_name(slot))
    }

    /// Where a verification builds; deleted afterwards, and at the next start if that was prevented.
    pub(crate) fn verify_path(&self) -> PathBuf {
        self.views.join(format!("{}-v{}.verify", self.name, self.version))
    }

    /// Reads the folders and decides. Changes nothing.
    pub(crate) fn plan(&self) -> Result<Plan, FolderError> {
        let found = self.slots()?;
        let own = found.iter().copied().filter(|slot| slot.version == self.version).max();
        let own = own.unwrap_or(Slot { version: self.version, generation: 1 });
        Ok(match self.served()?.filter(|slot| found.contains(slot)) {
            Some(served) if served.version == self.version => Plan::Continue(served),
            Some(served) if served.version < self.version => Plan::Upgrade { serving: served, building: own },
            // Rows of a newer version mean nothing to this one.
            Some(_) | None => Plan::Begin(own),
        })
    }

    /// Deletes what no start and no switch can need any more.
    pub(crate) fn clean(&self, plan: Plan) -> Result<(), FolderError> {
        let needed = match plan {
            Plan::Continue(slot) | Plan::Begin(slot) => vec![slot],
            Plan::Upgrade { serving, building } => vec![serving, building],
        };
        for slot in self.slots()?.into_iter().filter(|slot| !needed.contains(slot)) {
            remove(&self.path(slot))?;
        }
        for version in self.versions_of_verify()? {
            remove(&self.views.join(format!("{}-v{version}.verify", self.name)))?;
        }
        Ok(())
    }

    /// A folder of the projector's version that does not exist yet.
    pub(crate) fn next(&self) -> Result<Slot, FolderError> {
        let own = self.slots()?.into_iter().filter(|slot| slot.version == self.version);
        let last = own.map(|slot| slot.generation).max().unwrap_or(0);
        Ok(Slot { version: self.version, generation: last + 1 })
    }

    /// From here on, through any crash, this folder is the view.
    pub(crate) fn switch_to(&self, slot: Slot) -> Result<(), FolderError> {
        let pointer = self.pointer();
        let fresh = pointer.with_extension("live.new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&fresh)?;
            writeln!(file, "{}", self.folder_name(slot))?;
            file.sync_all()?;
            fs::rename(&fresh, &pointer)?;
            File::open(&self.views)?.sync_all()
        };
        write().map_err(|error| failed(&pointer, &error))
    }

    fn pointer(&self) -> PathBuf {
        self.views.join(format!("{}.live", self.name))
    }

    /// The folder that the pointer names; `None` if there is no pointer or it is not one of ours.
    fn served(&self) -> Result<Option<Slot>, FolderError> {
        let pointer = self.pointer();
        match fs::read_to_string(&pointer) {
            Ok(name) => Ok(self.parse(name.trim_end())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // Not text: damaged, and what it named is still found by its name.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            Err(error) => Err(failed(&pointer, &error)),
        }
    }

    fn slots(&self) -> Result<Vec<Slot>, FolderError> {
        Ok(self.folder_names()?.iter().filter_map(|name| self.parse(name)).collect())
    }

    fn versions_of_verify(&self) -> Result<Vec<u32>, FolderError> {
        let version = |name: &String| self.rest(name)?.strip_suffix(".verify").and_then(number);
        Ok(self.folder_names()?.iter().filter_map(version).collect())
    }

    fn folder_names(&self) -> Result<Vec<String>, FolderError> {
        let read = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.views)? {
                names.extend(entry?.file_name().into_string());
            }
            Ok(names)
        };
        read().map_err(|error| failed(&self.views, &error))
    }

    fn folder_name(&self, slot: Slot) -> String {
        match slot.generation {
            1 => format!("{}-v{}", self.name, slot.version),
            generation => format!("{}-v{}.{generation}", self.name, slot.version),
        }
    }

    fn parse(&self, folder: &str) -> Option<Slot> {
        let rest = self.rest(folder)?;
        let slot = match rest.split_once('.') {
            None => Slot { version: number(rest)?, generation: 1 },
            Some((version, generation)) => Slot { version: number(version)?, generation: number(generation)? },
        };
        // Only the one way in which we write it.
        (self.folder_name(slot) == folder).then_some(slot)
    }

    fn rest<'f>(&self, folder: &'f str) -> Option<&'f str> {
        folder.strip_prefix(self.name)?.strip_prefix("-v")
    }
}

/// Deletes a folder; fine if it is gone already.
pub(crate) fn remove(path: &Path) -> Result<(), FolderError> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(path, &error)),
    }
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn failed(path: &Path, error: &io::Error) -> FolderError {
    FolderError { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn slot(version: u32, generation: u32) -> Slot {
        Slot { version, generation }
    }

    fn views(folders: &[&str]) -> tempfile::TempDir {
        let views = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir(views.path().join(folder)).unwrap();
        }
        views
    }

    fn left(views: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(views.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_first_start_begins_and_the_switch_is_found_again() {
        let views = views(&[]);
        let layout = Layout::new(views.path(), "inbox", 1);
        assert_eq!(layout.plan(), Ok(Plan::Begin(slot(1, 1))));
        fs::create_dir(layout.path(slot(1, 1))).unwrap();
        layout.switch_to(slot(1, 1)).unwrap();
        assert_eq!(layout.plan(), Ok(Plan::Continue(slot(1, 1))));
        assert_eq!(left(&views), ["inbox-v1", "inbox.live"]);
    }

    #[test]
    fn a_rebuild_that_was_not_switched_is_deleted_and_a_replaced_folder_too() {
        let views = views(&["inbox-v1", "inbox-v1.2", "inbox-v1.verify", "inbox-tally-v1", "inbox-v1x", "other-v1"]);
        let layout = Layout::new(views.path(), "inbox", 1);
        layout.switch_to(slot(1, 1)).unwrap();
        assert_eq!(layout.next(), Ok(slot(1, 3)));
        layout.clean(layout.plan().unwrap()).unwrap();
        assert_eq!(left(&views), ["inbox-tally-v1", "inbox-v1", "inbox-v1x", "inbox.live", "other-v1"]);
    }

    #[test]
    fn a_new_version_is_built_beside_and_goes_on_after_a_crash() {
        let views = views(&["inbox-v1.4", "inbox-v2"]);
        let layout = Layout::new(views.path(), "inbox", 2);
        layout.switch_to(slot(1, 4)).unwrap();
        let plan = layout.plan().unwrap();
        assert_eq!(plan, Plan::Upgrade { serving: slot(1, 4), building: slot(2, 1) });
        layout.clean(plan).unwrap();
        layout.switch_to(slot(2, 1)).unwrap();
        let plan = layout.plan().unwrap();
        assert_eq!(plan, Plan::Continue(slot(2, 1)));
        layout.clean(plan).unwrap();
        assert_eq!(left(&views), ["inbox-v2", "inbox.live"]);
    }

    #[test]
    fn an_older_program_does_not_serve_newer_rows() {
        let views = views(&["inbox-v3"]);
        let newer = Layout::new(views.path(), "inbox", 3);
        newer.switch_to(slot(3, 1)).unwrap();
        assert_eq!(Layout::new(views.path(), "inbox", 2).plan(), Ok(Plan::Begin(slot(2, 1))));
    }

    #[test]
    fn a_pointer_to_nothing_or_to_rubbish_is_as_good_as_none() {
        let views = views(&["inbox-v1.2"]);
        let layout = Layout::new(views.path(), "inbox", 1);
        for rubbish in ["", "inbox-v1", "../x", "inbox-v1.1", "inbox-v01.2"] {
            fs::write(views.path().join("inbox.live"), rubbish).unwrap();
            assert_eq!(layout.plan(), Ok(Plan::Begin(slot(1, 2))), "{rubbish}");
        }
        fs::write(views.path().join("inbox.live"), [0xFF, 0xFE]).unwrap();
        assert_eq!(layout.plan(), Ok(Plan::Begin(slot(1, 2))));
    }
}
