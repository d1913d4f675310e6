//! What the two mail servers of the tests share: a folder, a user without rights, a free port, a process that ends with its value.
//!
//! A test may run as root, and mail servers do not deliver as root: then they run as `nobody`, and the folder is nobody's.

use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

/// Starting takes some 100 ms; a loaded machine gets this long.
const START_DEADLINE: Duration = Duration::from_secs(20);
const POLL_EVERY: Duration = Duration::from_millis(5);
/// Somebody else may take a port between its choice and its use.
pub(crate) const PORT_ATTEMPTS: usize = 5;
/// No test takes longer, and `make delivery` on a busy machine takes less than half of it.
const LIFE_MAX_SECONDS: &str = "1800";
/// Lines of a server's log that a failure shows.
const LOG_LINES: usize = 40;
/// Debian's `nobody`, with its group.
const NOBODY: u32 = 65534;

/// The folder of a server and of its mails. Removed when dropped; stays if the test panics or `KEEP_TMP` is set.
pub(crate) struct Folder {
    dir: Option<TempDir>,
    uid: u32,
    gid: u32,
}

impl Folder {
    /// The name is short, because sockets stand in it and their paths have a limit of 108 bytes.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("relevo-mail-").tempdir().unwrap();
        let owner = std::fs::metadata(dir.path()).unwrap();
        let (uid, gid) = if owner.uid() == 0 { (NOBODY, NOBODY) } else { (owner.uid(), owner.gid()) };
        let folder = Self { dir: Some(dir), uid, gid };
        folder.own(folder.path());
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.as_ref().expect("the folder is there until drop").path()
    }

    /// Makes a folder in it, and answers with its path.
    pub(crate) fn make(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        self.own(&path);
        path
    }

    /// Writes a file in it, and answers with its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        // Under another name first: a server reads it whole or not at all.
        let new = path.with_extension("new");
        std::fs::write(&new, content).unwrap();
        self.own(&new);
        std::fs::rename(&new, &path).unwrap();
        path
    }

    pub(crate) fn own(&self, path: &Path) {
        chown(path, Some(self.uid), Some(self.gid)).unwrap();
    }

    /// Name and group of the user that the servers run as.
    pub(crate) fn user(&self) -> (String, String) {
        let name = |database: &str, id: u32| {
            let text = std::fs::read_to_string(database).unwrap();
            let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
            let line = lines.find(|fields| fields.get(2).is_some_and(|field| *field == id.to_string()));
            line.unwrap_or_else(|| panic!("{id} is not in {database}"))[0].to_owned()
        };
        (name("/etc/passwd", self.uid), name("/etc/group", self.gid))
    }

    pub(crate) const fn ids(&self) -> (u32, u32) {
        (self.uid, self.gid)
    }

    /// Starts a server as that user; what it prints goes to `<name>.out`.
    pub(crate) fn spawn(&self, binary: &Path, arguments: &[&str], name: &str) -> Child {
        let out = File::create(self.path().join(format!("{name}.out"))).unwrap();
        // The bound is for a test that is killed and cannot end its server; `timeout` leads a process group, which is what is ended.
        let mut command = Command::new("timeout");
        command
            .args(["--signal=KILL", LIFE_MAX_SECONDS])
            .arg(binary)
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null());
        command.stdout(out.try_clone().unwrap()).stderr(out).process_group(0);
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.uid(self.uid).gid(self.gid);
        }
        command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", binary.display()))
    }

    /// The ends of all that the servers wrote.
    pub(crate) fn log_tail(&self) -> String {
        let mut tail = String::new();
        for entry in std::fs::read_dir(self.path()).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "out" || extension == "log") {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
                let lines: Vec<&str> = text.lines().collect();
                let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
                tail = format!("{tail}{}:\n{last}\n", path.display());
            }
        }
        tail
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let keep = std::thread::panicking() || std::env::var_os("KEEP_TMP").is_some();
        if keep && let Some(dir) = self.dir.take() {
            eprintln!("a mail server's folder is kept: {}", dir.keep().display());
        }
    }
}

/// Where the binary of a Debian package is.
pub(crate) fn installed(path: &str) -> PathBuf {
    let binary = PathBuf::from(path);
    assert!(binary.is_file(), "tests need {path}; run `make setup`");
    binary
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until the process listens on all ports; false if it ended before.
pub(crate) async fn listens(child: &mut Child, ports: &[u16]) -> bool {
    let end = Instant::now() + START_DEADLINE;
    for port in ports {
        while tokio::net::TcpStream::connect(("127.0.0.1", *port)).await.is_err() {
            if child.try_wait().unwrap().is_some() || Instant::now() >= end {
                return false;
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }
    child.try_wait().unwrap().is_none()
}

/// Waits until nobody listens on these ports any more. Of a group that was killed only the first is waited for; another that has not
/// gone yet still holds the sockets, answers in place of the next server, and keeps it from listening.
pub(crate) async fn silent(ports: &[u16]) {
    let end = Instant::now() + START_DEADLINE;
    for port in ports {
        while tokio::net::TcpStream::connect(("127.0.0.1", *port)).await.is_ok() && Instant::now() < end {
            tokio::time::sleep(POLL_EVERY).await;
        }
    }
}

/// The mails of a Maildir, in the order in which they came, as they stand on disk.
pub(crate) fn maildir(folder: &Path) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for part in ["cur", "new"] {
        for entry in std::fs::read_dir(folder.join(part)).into_iter().flatten().flatten() {
            let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
            files.push((modified, entry.file_name(), entry.path()));
        }
    }
    files.sort();
    // One that is being moved just now is read under its other name, or the next time.
    files.into_iter().filter_map(|(_, _, path)| std::fs::read(path).ok()).collect()
}

/// Ends a server and those that it started, as a crash would: they are a process group.
pub(crate) fn kill9(mut child: Child) {
    let group = format!("-{}", child.id());
    // Those that are dead already are what is wanted.
    drop(Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status());
    drop(child.wait());
}
