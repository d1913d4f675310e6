//! A real SMTP server (Exim) of a test's own: submission with AUTH over STARTTLS, delivery into Maildirs, refusals on demand.
//!
//! Everything that it accepts is delivered on the spot and can be read: mail for known addresses into their Maildir (where
//! [`crate::Dovecot`] shows it), mail for anybody else into one for everybody else. Nothing leaves the machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Mutex;

use crate::ca::TestCa;
use crate::mail::{Folder, PORT_ATTEMPTS, free_port, installed, kill9, listens, maildir, silent};

const BINARY: &str = "/usr/sbin/exim4";
const USER: &str = "soporte@example.test";
const PASSWORD: &str = "correct horse";
/// Where mail for addresses without a Maildir of their own goes.
const ELSEWHERE: &str = "_elsewhere";
/// Written by Exim before such a mail, and taken away again by [`SmtpServer::received`].
const ENVELOPE_TO: &[u8] = b"Envelope-to: ";

/// When the server refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// At `MAIL FROM`; the address is the sender's.
    Mail,
    /// At `RCPT TO`; the address is the recipient's.
    Rcpt,
    /// After the final dot; the address is the sender's.
    Data,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Mail, Self::Rcpt, Self::Data];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
        }
    }
}

/// A running SMTP server. Ended when dropped.
pub struct SmtpServer {
    /// `127.0.0.1`.
    pub host: String,
    /// Submission: STARTTLS, then AUTH.
    pub port: u16,
    /// The same with TLS from the first byte.
    pub tls_port: u16,
    /// One that may log in, with a Maildir of its own.
    pub user: String,
    pub password: String,
    /// What a client has to trust.
    pub ca_pem: String,
    store: PathBuf,
    folder: Folder,
    refusals: Mutex<BTreeMap<(Stage, String), String>>,
    child: Option<Child>,
}

impl SmtpServer {
    /// Starts a server with one user and a mail store of its own.
    pub async fn start() -> Self {
        let folder = Folder::new();
        let store = folder.make("store");
        let server = Self::launch(folder, store, &TestCa::new()).await;
        server.add_user(USER, PASSWORD);
        server
    }

    /// Starts a server that delivers into another server's mail store, with a certificate of `ca`.
    pub(crate) async fn delivering_to(store: &Path, ca: &TestCa) -> Self {
        Self::launch(Folder::new(), store.to_owned(), ca).await
    }

    async fn launch(folder: Folder, store: PathBuf, ca: &TestCa) -> Self {
        let certificate = ca.server();
        folder.write("server.pem", certificate.certificate_pem);
        folder.write("server.key", certificate.key_pem);
        for file in ["passwords", "tokens", "refuse-mail", "refuse-rcpt", "refuse-data"] {
            folder.write(file, "");
        }
        for made in ["spool", "log"] {
            folder.make(made);
        }
        let elsewhere = store.join(ELSEWHERE);
        std::fs::create_dir_all(&elsewhere).unwrap();
        folder.own(&elsewhere);
        let mut server = Self {
            host: "127.0.0.1".to_owned(),
            port: 0,
            tls_port: 0,
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
            ca_pem: ca.pem().to_owned(),
            store,
            folder,
            refusals: Mutex::new(BTreeMap::new()),
            child: None,
        };
        for _ in 0..PORT_ATTEMPTS {
            (server.port, server.tls_port) = (free_port(), free_port());
            if server.run().await {
                return server;
            }
        }
        panic!("Exim did not start:\n{}", server.folder.log_tail());
    }

    async fn run(&mut self) -> bool {
        let config = self.folder.write("exim.conf", self.config());
        let config = config.to_string_lossy().into_owned();
        let mut child = self.folder.spawn(&installed(BINARY), &["-bdf", "-q1m", "-C", &config], "exim");
        let listening = listens(&mut child, &[self.port, self.tls_port]).await;
        if listening {
            self.child = Some(child);
        } else {
            kill9(child);
        }
        listening
    }

    /// Lets somebody log in, with the address as name; they get a Maildir.
    pub fn add_user(&self, address: &str, password: &str) {
        self.append("passwords", address, password);
        let mailbox = self.store.join(address);
        std::fs::create_dir_all(&mailbox).unwrap();
        self.folder.own(&mailbox);
    }

    /// Lets somebody log in with XOAUTH2 and this access token.
    pub fn add_token(&self, address: &str, token: &str) {
        self.append("tokens", address, token);
    }

    /// Answers with `reply` (`550 5.1.1 no such user`, `451 4.7.1 later`) at a stage, for an address; `*` means all.
    pub fn refuse(&self, stage: Stage, address: &str, reply: &str) {
        self.refusals.lock().unwrap().insert((stage, address.to_owned()), reply.to_owned());
        self.write_refusals();
    }

    /// Refuses nothing any more.
    pub fn accept_all(&self) {
        self.refusals.lock().unwrap().clear();
        self.write_refusals();
    }

    /// What was delivered for an address, oldest first, as it was sent but for lines' ends (`\n`) and the server's `Received:`.
    /// A mail in which the address is one of several recipients counts for each of them.
    pub fn received(&self, address: &str) -> Vec<Vec<u8>> {
        let own = self.store.join(address);
        if address != ELSEWHERE && own.is_dir() {
            return maildir(&own);
        }
        let mails = maildir(&self.store.join(ELSEWHERE)).into_iter();
        mails.filter_map(|mail| without_envelope(&mail, address)).collect()
    }

    /// The server's log.
    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join("log").join(name)).unwrap_or_default();
        format!("{}{}{}", read("main.log"), read("reject.log"), read("panic.log"))
    }

    /// How many mails are on the queue.
    pub fn queued(&self) -> usize {
        let files = std::fs::read_dir(self.folder.path().join("spool/input")).into_iter().flatten().flatten();
        files.filter(|file| file.file_name().to_string_lossy().ends_with("-H")).count()
    }

    /// Ends the server as a crash would.
    pub fn kill9(&mut self) {
        if let Some(child) = self.child.take() {
            kill9(child);
        }
    }

    /// Ends the server and starts it again on the same ports.
    pub async fn restart(&mut self) {
        self.kill9();
        silent(&[self.port, self.tls_port]).await;
        assert!(self.run().await, "Exim did not start again:\n{}", self.folder.log_tail());
    }

    fn append(&self, file: &str, address: &str, secret: &str) {
        let path = self.folder.path().join(file);
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        self.folder.write(file, format!("{known}{address}: {secret}\n"));
    }

    fn write_refusals(&self) {
        let refusals = self.refusals.lock().unwrap();
        for stage in Stage::ALL {
            let mut text = String::new();
            for ((_, address), reply) in refusals.iter().filter(|((at, _), _)| *at == stage) {
                writeln!(text, "{address}: {reply}").unwrap();
            }
            self.folder.write(&format!("refuse-{}", stage.as_str()), text);
        }
    }

    fn config(&self) -> String {
        let dir = self.folder.path().display();
        let store = self.store.display();
        let (port, tls_port) = (self.port, self.tls_port);
        let (user, group) = self.folder.user();
        let main = format!(
            "exim_user = {user}\nexim_group = {group}\nprimary_hostname = mail.example.test\nspool_directory = {dir}/spool\nlog_file_path = {dir}/log/%s.log\n\
             pid_file_path = {dir}/exim.pid\nlocal_interfaces = 127.0.0.1\ndaemon_smtp_ports = {port} : {tls_port}\n\
             tls_on_connect_ports = {tls_port}\ndaemon_startup_retries = 0\nkeep_environment =\nadd_environment =\n\
             trusted_users = {user}\ndeliver_drop_privilege\nhost_lookup =\nrfc1413_hosts =\n\
             notifier_socket =\n\
             message_size_limit = 100M\nsmtp_accept_max = 100\nsmtp_accept_max_per_connection = 1000\n\
             queue_only_load = 1000\nsmtp_accept_queue_per_connection = 0\ntimezone = UTC\n\
             tls_advertise_hosts = *\ntls_certificate = {dir}/server.pem\ntls_privatekey = {dir}/server.key\n\
             auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}\n\
             acl_smtp_mail = at_mail\nacl_smtp_rcpt = at_rcpt\nacl_smtp_data = at_data\n\nbegin acl\n"
        );
        let mut acl = String::new();
        for stage in Stage::ALL {
            let (name, address) = match stage {
                Stage::Mail | Stage::Data => (stage.as_str(), "$sender_address"),
                Stage::Rcpt => (stage.as_str(), "$local_part@$domain"),
            };
            let reply = format!("${{lookup{{{address}}}lsearch*{{{dir}/refuse-{name}}}}}");
            write!(
                acl,
                "at_{name}:\n  deny condition = ${{if match{{{reply}}}{{^5}}}}\n    message = {reply}\n  \
                 defer condition = ${{if match{{{reply}}}{{^4}}}}\n    message = {reply}\n"
            )
            .unwrap();
            match stage {
                // Mail for a mailbox of this server is taken from anybody, as a server of the internet does.
                Stage::Rcpt => write!(
                    acl,
                    "  accept authenticated = *\n  accept domains = example.test\n  deny message = 550 5.7.1 relaying denied\n"
                ),
                Stage::Mail | Stage::Data => writeln!(acl, "  accept"),
            }
            .unwrap();
        }
        format!("{main}{acl}{}{}", delivery(&store.to_string()), authenticators(&dir.to_string()))
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            kill9(child);
        }
    }
}

/// A path is made of what a lookup found, never of what a client said: Exim insists.
fn delivery(store: &str) -> String {
    format!(
        "\nbegin routers\n\
         known:\n  driver = accept\n  condition = ${{lookup{{${{lc:$local_part@$domain}}}}dsearch,filter=dir{{{store}}}{{yes}}{{no}}}}\n  \
           address_data = ${{lookup{{${{lc:$local_part@$domain}}}}dsearch,filter=dir{{{store}}}}}\n  transport = known\n\
         elsewhere:\n  driver = accept\n  transport = elsewhere\n\
         \nbegin transports\n\
         known:\n  driver = appendfile\n  directory = {store}/$address_data\n  maildir_format\n  create_directory\n\
         elsewhere:\n  driver = appendfile\n  directory = {store}/{ELSEWHERE}\n  maildir_format\n  envelope_to_add\n  batch_max = 1\n\
         \nbegin retry\n*  *  F,1h,5s\n"
    )
}

fn authenticators(dir: &str) -> String {
    let known = |name: &str, secret: &str| {
        format!(
            "${{if and{{{{!eq{{{secret}}}{{}}}}{{eq{{{secret}}}{{${{lookup{{{name}}}lsearch{{{dir}/passwords}}}}}}}}}}}}"
        )
    };
    let bearer = "^user=([^\\\\x01]+)\\\\x01auth=Bearer ([^\\\\x01]+)\\\\x01\\\\x01\\$";
    format!(
        "\nbegin authenticators\n\
         plain:\n  driver = plaintext\n  public_name = PLAIN\n  server_prompts = :\n  server_condition = {}\n  server_set_id = $auth2\n\
         login:\n  driver = plaintext\n  public_name = LOGIN\n  server_prompts = <| Username: | Password:\n  server_condition = {}\n  server_set_id = $auth1\n\
         xoauth2:\n  driver = plaintext\n  public_name = XOAUTH2\n  server_prompts = :\n  server_condition = ${{if match{{$auth1}}{{{bearer}}}{{${{if eq{{$2}}{{${{lookup{{$1}}lsearch{{{dir}/tokens}}}}}}}}}}}}\n",
        known("$auth2", "$auth3"),
        known("$auth1", "$auth2"),
    )
}

/// The mail without the line that Exim put before it, if that names the address.
fn without_envelope(mail: &[u8], address: &str) -> Option<Vec<u8>> {
    let rest = mail.strip_prefix(ENVELOPE_TO)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (names, mail) = rest.split_at(end + 1);
    let names = String::from_utf8_lossy(names).to_lowercase();
    names.split(',').any(|name| name.trim() == address.to_lowercase()).then(|| mail.to_vec())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpStream;

    use super::*;
    use crate::{Dovecot, eventually};

    /// Says lines to a server, and answers with the first line of its reply to each.
    async fn talk(port: u16, lines: &[&str]) -> Vec<String> {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
        let mut replies = Vec::new();
        for line in std::iter::once(&"").chain(lines) {
            if !line.is_empty() {
                stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
            }
            let mut first = None;
            loop {
                let mut reply = String::new();
                assert_ne!(stream.read_line(&mut reply).await.unwrap(), 0, "closed after {line:?}");
                let last = reply.as_bytes().get(3) == Some(&b' ');
                first.get_or_insert(reply.trim().to_owned());
                if last {
                    break;
                }
            }
            replies.extend(first);
        }
        replies
    }

    #[tokio::test]
    async fn mail_reaches_the_mailbox_that_dovecot_shows_and_refusals_are_said() {
        let dovecot = Dovecot::start().await;
        dovecot.add_user("soporte@example.test", "secret");
        let smtp = dovecot.smtp().await;
        let mail = [
            "EHLO me",
            "MAIL FROM:<ana@cliente.test>",
            "RCPT TO:<soporte@example.test>",
            "DATA",
            "Subject: hola\r\n\r\nhola\r\n.",
        ];
        let replies = talk(smtp.port, &mail).await;
        assert!(replies[5].starts_with("250"), "{replies:?}\n{}", smtp.log());
        let mails = eventually("the mail is delivered", async || {
            let mails = smtp.received("soporte@example.test");
            (!mails.is_empty()).then_some(mails)
        })
        .await;
        assert!(String::from_utf8_lossy(&mails[0]).ends_with("Subject: hola\n\nhola\n"), "{mails:?}");
        smtp.refuse(Stage::Rcpt, "soporte@example.test", "550 5.1.1 no such user");
        assert_eq!(talk(smtp.port, &mail[..3]).await[3], "550 5.1.1 no such user");
        smtp.accept_all();
        smtp.refuse(Stage::Data, "*", "451 4.7.1 later");
        assert_eq!(talk(smtp.port, &mail).await[5], "451 4.7.1 later");
        smtp.accept_all();
        assert!(
            talk(smtp.port, &["EHLO me", "MAIL FROM:<a@b.test>", "RCPT TO:<x@elsewhere.test>"]).await[3]
                .starts_with("550")
        );
        let shown = talk_imap(dovecot.plain_port, &["login soporte@example.test secret", "select inbox"]).await;
        assert!(shown.contains("* 1 EXISTS"), "{shown}\n{}", dovecot.log());
    }

    async fn talk_imap(port: u16, commands: &[&str]) -> String {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
        let mut said = String::new();
        stream.read_line(&mut said).await.unwrap();
        for command in commands {
            stream.write_all(format!("a {command}\r\n").as_bytes()).await.unwrap();
            let mut line = String::new();
            while !line.starts_with("a ") {
                line.clear();
                assert_ne!(stream.read_line(&mut line).await.unwrap(), 0, "{said}");
                said.push_str(&line);
            }
        }
        said
    }
}
