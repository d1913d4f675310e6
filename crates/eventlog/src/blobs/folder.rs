//! Files in a folder: `<tenant>/<aa>/<bb>/<sha256>`, where `aa` and `bb` are the hash's first four characters.
//!
//! A file is written beside its place, synced, and moved there in one step, so that what stands there is whole.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, DirEntry, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use relevo_domain::TenantId;

use super::{BLOB_BYTES_MAX, Head, Space, blocking};
use crate::log::LogError;

/// What customers sent is nobody else's on this machine, whatever the umask says.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Where files are while they are written. No tenant can be called so.
const UNFINISHED: &str = ".unfinished";

#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) async fn put(&self, tenant: &TenantId, sha256: &str, bytes: Bytes) -> Result<(), LogError> {
        let (place, unfinished) = (self.place(tenant, sha256), self.root.join(UNFINISHED));
        blocking(move || {
            // One that was cut short by a failing disk is written again.
            let there = fs::metadata(&place).is_ok_and(|found| found.len() == bytes.len() as u64);
            if there { Ok(()) } else { write(&place, &unfinished, &bytes).map_err(failed) }
        })
        .await
    }

    pub(super) async fn get(&self, tenant: &TenantId, sha256: &str) -> Result<Option<Bytes>, LogError> {
        let place = self.place(tenant, sha256);
        // One byte more than may be: what is longer does not match its hash.
        blocking(move || read(&place, BLOB_BYTES_MAX + 1).map(|head| head.map(|head| head.bytes))).await
    }

    pub(super) async fn size(&self, tenant: &TenantId, sha256: &str) -> Result<Option<u64>, LogError> {
        let place = self.place(tenant, sha256);
        blocking(move || match fs::metadata(place) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        })
        .await
    }

    pub(super) async fn head(&self, tenant: &TenantId, sha256: &str, limit: usize) -> Result<Option<Head>, LogError> {
        let place = self.place(tenant, sha256);
        blocking(move || read(&place, limit)).await
    }

    pub(super) async fn part(
        &self,
        tenant: &TenantId,
        sha256: &str,
        start: u64,
        length: usize,
    ) -> Result<Option<Bytes>, LogError> {
        let place = self.place(tenant, sha256);
        blocking(move || {
            let part = File::open(place).and_then(|mut file| {
                file.seek(SeekFrom::Start(start))?;
                let mut bytes = Vec::with_capacity(length);
                file.take(length as u64).read_to_end(&mut bytes)?;
                Ok(bytes)
            });
            match part {
                Ok(bytes) => Ok(Some(Bytes::from(bytes)).filter(|bytes| bytes.len() == length)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed(error)),
            }
        })
        .await
    }

    /// The whole disk's: who else fills it is not known here.
    pub(super) async fn space(&self) -> Result<Space, LogError> {
        let root = self.root.clone();
        blocking(move || {
            private_folder(&root).map_err(failed)?;
            let disk = nix::sys::statvfs::statvfs(&root).map_err(|errno| failed(errno.into()))?;
            let bytes = |blocks: u64| blocks.saturating_mul(disk.fragment_size());
            Ok(Space { budget_bytes: bytes(disk.blocks()), free_bytes: bytes(disk.blocks_available()) })
        })
        .await
    }

    pub(super) async fn usage(&self) -> Result<BTreeMap<TenantId, u64>, LogError> {
        let root = self.root.clone();
        blocking(move || {
            let mut usage = BTreeMap::new();
            for entry in entries(&root)? {
                if let Some(tenant) = entry.file_name().to_str().and_then(|name| TenantId::new(name).ok()) {
                    usage.insert(tenant, size(&entry.path())?);
                }
            }
            Ok(usage)
        })
        .await
    }

    /// `sha256` was checked to be one.
    fn place(&self, tenant: &TenantId, sha256: &str) -> PathBuf {
        self.root.join(tenant.as_str()).join(&sha256[..2]).join(&sha256[2..4]).join(sha256)
    }
}

/// What a folder holds; nothing if it is not there.
fn entries(folder: &Path) -> Result<Vec<DirEntry>, LogError> {
    match fs::read_dir(folder).and_then(Iterator::collect) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries.map_err(failed),
    }
}

/// The bytes of all files of a tenant's folder.
fn size(tenant: &Path) -> Result<u64, LogError> {
    let mut bytes = 0;
    for first in entries(tenant)? {
        for second in entries(&first.path())? {
            for file in entries(&second.path())? {
                bytes += file.metadata().map_or(0, |found| found.len());
            }
        }
    }
    Ok(bytes)
}

fn write(place: &Path, unfinished: &Path, bytes: &[u8]) -> io::Result<()> {
    private_folder(unfinished)?;
    let beside = unfinished.join(format!("{:032x}", rand::random::<u128>()));
    let written = write_and_move(place, &beside, bytes);
    if written.is_err() {
        // It may not have come to be; what is left of it is nobody's.
        fs::remove_file(&beside).ok();
    }
    written
}

/// Makes the folder and those above it that are missing, for ourselves alone.
fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}

fn write_and_move(place: &Path, beside: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let folder = place.parent().ok_or(ErrorKind::InvalidInput)?;
    private_folder(folder)?;
    fs::rename(beside, place)?;
    // The folder's own entry too, and those of the folders that may be new.
    for folder in place.ancestors().skip(1).take(4) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn read(place: &Path, limit: usize) -> Result<Option<Head>, LogError> {
    let file = match File::open(place) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let size_bytes = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::with_capacity(limit.min(usize::try_from(size_bytes).unwrap_or(0)));
    file.take(u64::try_from(limit).unwrap_or(u64::MAX)).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(Head { size_bytes, bytes: Bytes::from(bytes) }))
}

fn failed(error: io::Error) -> LogError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => LogError::Full,
        _ => LogError::Unavailable(format!("files folder: {error}")),
    }
}
