//! Folders and files that only the owner may read, whatever the umask says and whoever made them before.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// What tells who may read, write and enter; the rest of a mode is other things.
const PERMISSIONS: u32 = 0o777;

/// Makes the folder, or takes an existing one from everybody else.
pub(crate) fn folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)?;
    if fs::metadata(path)?.permissions().mode() & PERMISSIONS == FOLDER_MODE {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
}

/// Writes the file whole or not at all: a reader never sees half of it, and it survives a power cut.
pub(crate) fn write(path: &Path, text: &[u8]) -> Result<()> {
    let beside = path.with_added_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&beside)?;
    // A file that a crash left behind keeps the mode that it had.
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & PERMISSIONS
    }

    #[test]
    fn what_was_open_to_others_is_closed_to_them() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        folder(&path).unwrap();
        assert_eq!(mode(&path), FOLDER_MODE);

        let (file, left) = (path.join("f.json"), path.join("f.json.new"));
        for open in [&file, &left] {
            fs::write(open, "old").unwrap();
            fs::set_permissions(open, Permissions::from_mode(0o644)).unwrap();
        }
        write(&file, b"new").unwrap();
        assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (FILE_MODE, "new"));
        assert!(!left.exists());
    }
}
