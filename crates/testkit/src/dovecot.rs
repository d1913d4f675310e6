//! A real IMAP server (Dovecot) of a test's own: TLS, STARTTLS and plain ports on loopback, passwords and XOAUTH2, Maildirs.
//!
//! Mails get into it as they do elsewhere: through [`SmtpServer`] ([`Dovecot::smtp`]), by IMAP `APPEND`, or as a file that a
//! delivery agent drops ([`Dovecot::drop_mail`]).

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::ca::TestCa;
use crate::mail::{Folder, PORT_ATTEMPTS, free_port, installed, kill9, listens, silent};
use crate::smtp::SmtpServer;

const BINARY: &str = "/usr/sbin/dovecot";
/// A question about a token is a request line and a few headers.
const QUESTION_BYTES_MAX: usize = 16 * 1024;

/// A running IMAP server. Ended when dropped.
pub struct Dovecot {
    /// `127.0.0.1`.
    pub host: String,
    /// TLS from the first byte.
    pub tls_port: u16,
    /// In the clear, with STARTTLS on offer.
    pub plain_port: u16,
    /// What a client has to trust.
    pub ca_pem: String,
    ca: TestCa,
    store: PathBuf,
    users: Mutex<BTreeMap<String, String>>,
    tokens: Arc<Mutex<BTreeMap<String, String>>>,
    introspection: JoinHandle<()>,
    introspection_port: u16,
    idle: bool,
    folder: Folder,
    child: Option<Child>,
}

impl Dovecot {
    /// Starts a server without users.
    pub async fn start() -> Self {
        Self::launch(true).await
    }

    /// Starts a server that cannot IDLE, as some cannot.
    pub async fn without_idle() -> Self {
        Self::launch(false).await
    }

    async fn launch(idle: bool) -> Self {
        let folder = Folder::new();
        let store = folder.make("store");
        folder.make("run");
        folder.make("users");
        let ca = TestCa::new();
        let certificate = ca.server();
        folder.write("server.pem", certificate.certificate_pem);
        folder.write("server.key", certificate.key_pem);
        let tokens = Arc::new(Mutex::new(BTreeMap::new()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let introspection_port = listener.local_addr().unwrap().port();
        let introspection = tokio::spawn(introspect(listener, Arc::clone(&tokens)));
        let mut server = Self {
            host: "127.0.0.1".to_owned(),
            tls_port: 0,
            plain_port: 0,
            ca_pem: ca.pem().to_owned(),
            ca,
            store,
            users: Mutex::new(BTreeMap::new()),
            tokens,
            introspection,
            introspection_port,
            idle,
            folder,
            child: None,
        };
        for _ in 0..PORT_ATTEMPTS {
            (server.tls_port, server.plain_port) = (free_port(), free_port());
            if server.run().await {
                return server;
            }
        }
        panic!("Dovecot did not start:\n{}", server.folder.log_tail());
    }

    async fn run(&mut self) -> bool {
        self.folder.write("oauth2.conf", self.oauth2_config());
        let config = self.folder.write("dovecot.conf", self.config());
        let config = config.to_string_lossy().into_owned();
        let mut child = self.folder.spawn(&installed(BINARY), &["-F", "-c", &config], "dovecot");
        let listening = listens(&mut child, &[self.tls_port, self.plain_port]).await;
        if listening {
            self.child = Some(child);
        } else {
            kill9(child);
        }
        listening
    }

    /// An SMTP server that delivers into this server's mailboxes.
    pub async fn smtp(&self) -> SmtpServer {
        let smtp = SmtpServer::delivering_to(&self.store, &self.ca).await;
        for (user, password) in self.users.lock().unwrap().iter() {
            smtp.add_user(user, password);
        }
        smtp
    }

    /// Gives somebody a mailbox, which is there at once, or another password, which is in force within a second. Call it before
    /// [`Dovecot::smtp`].
    pub fn add_user(&self, user: &str, password: &str) {
        self.users.lock().unwrap().insert(user.to_owned(), password.to_owned());
        let mailbox = self.store.join(user);
        std::fs::create_dir_all(&mailbox).unwrap();
        self.folder.own(&mailbox);
        // A file each: Dovecot looks at one that it knows once a second, and would deny who was added within it.
        self.folder.write(&format!("users/{user}"), format!("{user}:{{PLAIN}}{password}\n"));
    }

    /// Lets nobody log in with a password, until they are added again.
    pub fn deny(&self, user: &str) {
        self.users.lock().unwrap().remove(user);
        std::fs::remove_file(self.folder.path().join("users").join(user)).unwrap();
    }

    /// Lets somebody with a mailbox log in with XOAUTH2 and this access token alone; it replaces their last one.
    pub fn set_token(&self, user: &str, token: &str) {
        let mut tokens = self.tokens.lock().unwrap();
        tokens.retain(|_, owner| owner != user);
        tokens.insert(token.to_owned(), user.to_owned());
    }

    /// Puts a mail into a folder (`INBOX`, `Ventas`) as a delivery agent does: a file, complete in one step.
    pub fn drop_mail(&self, user: &str, folder: &str, name: &str, mail: &[u8]) {
        let maildir = self.maildir(user, folder);
        for part in ["tmp", "new", "cur"] {
            std::fs::create_dir_all(maildir.join(part)).unwrap();
            self.folder.own(&maildir.join(part));
        }
        self.folder.own(&maildir);
        let unfinished = maildir.join("tmp").join(name);
        std::fs::write(&unfinished, mail).unwrap();
        self.folder.own(&unfinished);
        std::fs::rename(unfinished, maildir.join("new").join(name)).unwrap();
    }

    /// Makes a mail that was dropped unreadable, as a broken disk does.
    pub fn spoil(&self, user: &str, folder: &str, name: &str) {
        let maildir = self.maildir(user, folder);
        for part in ["new", "cur"] {
            for entry in std::fs::read_dir(maildir.join(part)).unwrap().flatten() {
                if entry.file_name().to_string_lossy().split(':').next() == Some(name) {
                    std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
                }
            }
        }
    }

    /// Makes the server forget how it numbered a folder, so that it gets another UIDVALIDITY and new numbers, as after a move
    /// to another machine. Nobody may be logged in: call it while the server is down.
    pub fn forget_numbers(&self, user: &str, folder: &str) {
        assert!(self.child.is_none(), "the server must be down");
        let maildir = self.maildir(user, folder);
        for entry in std::fs::read_dir(&maildir).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("dovecot") {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        // The number is a second of the clock; another one is written down, so that no test has to wait for the next.
        let numbers = maildir.join("dovecot-uidlist");
        std::fs::write(&numbers, "3 V1000000007 N1\n").unwrap();
        self.folder.own(&numbers);
    }

    /// The server's log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("dovecot.log")).unwrap_or_default()
    }

    /// Ends the server as a crash would.
    pub fn kill9(&mut self) {
        if let Some(child) = self.child.take() {
            kill9(child);
        }
    }

    /// Ends the server and starts it again on the same mails and ports.
    pub async fn restart(&mut self) {
        self.kill9();
        silent(&[self.tls_port, self.plain_port]).await;
        drop(std::fs::remove_file(self.folder.path().join("run/master.pid")));
        assert!(self.run().await, "Dovecot did not start again:\n{}", self.folder.log_tail());
    }

    fn maildir(&self, user: &str, folder: &str) -> PathBuf {
        let mailbox = self.store.join(user);
        if folder == "INBOX" { mailbox } else { mailbox.join(format!(".{folder}")) }
    }

    fn config(&self) -> String {
        let dir = self.folder.path().display();
        let store = self.store.display();
        let (user, group) = self.folder.user();
        let (uid, gid) = self.folder.ids();
        let (tls_port, plain_port) = (self.tls_port, self.plain_port);
        let capability = if self.idle { "" } else { "imap_capability = IMAP4rev1 UIDPLUS\n" };
        format!(
            "base_dir = {dir}/run\nstate_dir = {dir}/run\nlog_path = {dir}/dovecot.log\nprotocols = imap\nlisten = 127.0.0.1\n\
             default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n\
             ssl = yes\nssl_cert = <{dir}/server.pem\nssl_key = <{dir}/server.key\ndisable_plaintext_auth = no\n\
             auth_mechanisms = plain login xoauth2 oauthbearer\nauth_failure_delay = 0\nauth_cache_size = 0\n\
             mail_location = maildir:{store}/%Lu\nmaildir_stat_dirs = no\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
             mail_max_userip_connections = 100\n{capability}\
             namespace inbox {{\n  inbox = yes\n  separator = .\n}}\n\
             passdb {{\n  driver = passwd-file\n  mechanisms = plain login\n  args = username_format=%u {dir}/users/%u\n}}\n\
             passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {dir}/oauth2.conf\n}}\n\
             userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={store}/%Lu\n}}\n\
             service anvil {{\n  chroot =\n  unix_listener anvil-auth-penalty {{\n    mode = 0\n  }}\n}}\nservice stats {{\n  chroot =\n}}\n\
             service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {plain_port}\n  }}\n  \
               inet_listener imaps {{\n    port = {tls_port}\n    ssl = yes\n  }}\n}}\n"
        )
    }

    fn oauth2_config(&self) -> String {
        format!(
            "introspection_mode = get\nintrospection_url = http://127.0.0.1:{}/introspect?token=\n\
             username_attribute = username\nactive_attribute = active\nactive_value = true\n",
            self.introspection_port
        )
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.introspection.abort();
        if let Some(child) = self.child.take() {
            kill9(child);
        }
    }
}

/// Answers Dovecot's question whose a token is, as an OAuth2 server does (RFC 7662).
async fn introspect(listener: TcpListener, tokens: Arc<Mutex<BTreeMap<String, String>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let tokens = Arc::clone(&tokens);
        tokio::spawn(async move {
            let mut question = Vec::new();
            while !question.windows(4).any(|window| window == b"\r\n\r\n") && question.len() < QUESTION_BYTES_MAX {
                match stream.read_buf(&mut question).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
            let question = String::from_utf8_lossy(&question).into_owned();
            let token =
                question.split("token=").nth(1).and_then(|rest| rest.split([' ', '&']).next()).unwrap_or_default();
            let user = tokens.lock().unwrap().get(token).cloned();
            let (status, body) = match user {
                Some(user) => ("200 OK", format!("{{\"active\":\"true\",\"username\":\"{user}\"}}")),
                None => ("401 Unauthorized", "{\"active\":\"false\"}".to_owned()),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            drop(stream.write_all(answer.as_bytes()).await);
        });
    }
}
