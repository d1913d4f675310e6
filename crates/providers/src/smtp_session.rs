//! Opens a connection to a mail server: TLS as configured, then the login. And reads what a server's refusal says.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use relevo_channels::failure as table;
use relevo_domain::conversation::{FailureClass, SendFailure};
use tokio::net::TcpStream;

use crate::account::{Credential, MailAccount, Security, SmtpServer};
use crate::connect::is_public;
use crate::counted::{Counted, Written};
use crate::http::CONNECT_MAX;
use crate::refusal::{Refusal, failure, misconfigured, shortened};
use crate::tokens::Tokens;

/// Certificates in a bundle of one's own that are read.
const CERTIFICATES_MAX: usize = 256;

/// A connection to a mail server.
pub(crate) struct Session {
    pub(crate) connection: AsyncSmtpConnection,
    /// What was written, encryption included; not counted where TLS begins with the first byte.
    pub(crate) written: Option<Written>,
}

/// A connection that is logged in.
pub(crate) async fn open(mail: &MailAccount, tokens: &Tokens) -> Result<Session, Refusal> {
    let server = mail.smtp.as_ref().ok_or_else(|| (misconfigured("the mailbox has no server to submit to"), None))?;
    match login(mail, server, tokens).await {
        // A token can be revoked before it expires: once more with a new one.
        Err((refused, wait)) if refused.class == FailureClass::Auth => match &mail.credential.credential {
            Credential::OAuth(grant) => {
                tokens.forget(grant).await;
                login(mail, server, tokens).await
            }
            Credential::Password(_) => Err((refused, wait)),
        },
        opened => opened,
    }
}

async fn login(mail: &MailAccount, server: &SmtpServer, tokens: &Tokens) -> Result<Session, Refusal> {
    let user = mail.credential.user.clone();
    let (credentials, mechanisms) = match &mail.credential.credential {
        // A relay on this machine or in this network that knows its clients by their address.
        Credential::Password(password) if user.is_empty() && password.expose().is_empty() => {
            return connect(mail, server).await;
        }
        Credential::Password(password) => {
            (Credentials::new(user, password.expose().to_owned()), [Mechanism::Plain, Mechanism::Login].as_slice())
        }
        Credential::OAuth(grant) => {
            let token = tokens.access_token(grant).await.map_err(|refused| (refused, None))?;
            (Credentials::new(user, token.expose().to_owned()), [Mechanism::Xoauth2].as_slice())
        }
    };
    let mut session = connect(mail, server).await?;
    session.connection.auth(mechanisms, &credentials).await.map_err(|error| {
        refused(&error).unwrap_or_else(|| {
            // A login that is not offered, or a challenge after a refused token.
            let (class, code, why) = if error.is_client() {
                (FailureClass::Auth, "login", "the server takes no login with this credential")
            } else {
                (FailureClass::Transient, "connection", "the connection broke off at the login")
            };
            (failure(class, code, why), None)
        })
    })?;
    Ok(session)
}

async fn connect(mail: &MailAccount, server: &SmtpServer) -> Result<Session, Refusal> {
    let hello = ClientId::Domain(hello_name(&mail.address));
    let addresses = resolve(server, mail.public_only).await?;
    let tls = || tls(mail, server).map_err(|failure| (failure, None));
    match server.security {
        Security::Tls => {
            let opening =
                AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(CONNECT_MAX), &hello, Some(tls()?), None);
            Ok(Session { connection: opening.await.map_err(|error| unreached(&error))?, written: None })
        }
        Security::StartTls => {
            let mut session = in_the_clear(&addresses, &hello).await?;
            if !session.connection.can_starttls() {
                return Err((misconfigured("the mail server does not offer STARTTLS"), None));
            }
            session.connection.starttls(tls()?, &hello).await.map_err(|error| unreached(&error))?;
            Ok(session)
        }
        Security::Plain => {
            if !addresses.iter().all(|address| address.ip().is_loopback()) {
                return Err((misconfigured("without TLS mail is submitted on this machine alone"), None));
            }
            in_the_clear(&addresses, &hello).await
        }
    }
}

/// Where the server is; the connection goes to one of these and nowhere else.
async fn resolve(server: &SmtpServer, public_only: bool) -> Result<Vec<SocketAddr>, Refusal> {
    let looking = tokio::net::lookup_host((server.host.as_str(), server.port));
    let unknown = || (failure(FailureClass::Transient, "connection", "the mail server has no address"), None);
    let Ok(Ok(found)) = tokio::time::timeout(CONNECT_MAX, looking).await else { return Err(unknown()) };
    let mut addresses: Vec<SocketAddr> = found.collect();
    if addresses.is_empty() {
        return Err(unknown());
    }
    addresses.retain(|address| !public_only || is_public(address.ip()));
    if addresses.is_empty() {
        return Err((misconfigured("the mail server's name has no public address"), None));
    }
    Ok(addresses)
}

async fn in_the_clear(addresses: &[SocketAddr], hello: &ClientId) -> Result<Session, Refusal> {
    let away =
        |why: String| (failure(FailureClass::Transient, "connection", format!("cannot be reached: {why}")), None);
    let connecting = tokio::time::timeout(CONNECT_MAX, TcpStream::connect(addresses)).await;
    let stream = connecting.map_err(|_| away("no connection in time".to_owned()))?;
    let (stream, written) = Counted::new(stream.map_err(|error| away(error.to_string()))?);
    let connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), hello).await;
    Ok(Session { connection: connection.map_err(|error| unreached(&error))?, written: Some(written) })
}

fn unreached(error: &lettre::transport::smtp::Error) -> Refusal {
    refused(error).unwrap_or_else(|| {
        let (code, what) = if error.is_tls() { ("tls", "TLS failed") } else { ("connection", "cannot be reached") };
        (failure(FailureClass::Transient, code, format!("{what}: {}", cause(error))), None)
    })
}

fn tls(mail: &MailAccount, server: &SmtpServer) -> Result<TlsParameters, SendFailure> {
    let bad = |_| misconfigured("the certificates that are trusted beside the system's cannot be read");
    let mut parameters = TlsParameters::builder(server.host.clone());
    for certificate in mail.extra_ca.iter().flat_map(|pem| certificates(pem)).take(CERTIFICATES_MAX) {
        parameters = parameters.add_root_certificate(Certificate::from_pem(certificate.as_bytes()).map_err(bad)?);
    }
    parameters.build().map_err(bad)
}

/// The certificates of a bundle, one by one.
fn certificates(pem: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let parts = pem.split_inclusive(END).filter(|part| part.contains("-----BEGIN CERTIFICATE-----"));
    parts.map(str::to_owned).collect()
}

/// The domain of the address: what a server wants to be greeted with.
fn hello_name(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !domain.is_empty() && domain.chars().all(plain) { domain.to_owned() } else { "localhost".to_owned() }
}

/// What the server said, if it said no; `None` if it said nothing.
pub(crate) fn refused(error: &lettre::transport::smtp::Error) -> Option<Refusal> {
    let reply = u16::from(error.status()?);
    let words = cause(error);
    let enhanced = enhanced(&words);
    let verdict = table::smtp(reply, enhanced);
    let code = enhanced.map_or_else(|| reply.to_string(), str::to_owned);
    let failure = SendFailure { class: verdict.class, code: Some(code), detail: shortened(&words) };
    Some((failure, verdict.retry_after))
}

fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// RFC 3463: `5.1.1` at the beginning of the text.
fn enhanced(words: &str) -> Option<&str> {
    let word = words.split_whitespace().next()?;
    let numbers: Vec<&str> = word.split('.').collect();
    let number = |text: &&str| (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (numbers.len() == 3 && matches!(numbers[0], "2" | "4" | "5") && numbers.iter().all(number)).then_some(word)
}

/// Ends a connection politely, within a moment.
pub(crate) async fn quit(mut session: Session) {
    const GOODBYE_MAX: Duration = Duration::from_secs(2);
    // What the server says to it does not matter any more.
    drop(tokio::time::timeout(GOODBYE_MAX, session.connection.quit()).await);
}

#[cfg(test)]
mod tests {
    use super::{certificates, enhanced, hello_name};

    #[test]
    fn an_enhanced_code_is_read_and_nothing_else_is_taken_for_one() {
        assert_eq!(enhanced("5.1.1 no such user"), Some("5.1.1"));
        assert_eq!(enhanced("4.7.28 slow down"), Some("4.7.28"));
        for words in ["", "no such user", "10.0.0.1 is listed", "5.1 x", "5.1.1.1 x", "3.1.1 x", "5.a.1 x", "5..1 x"] {
            assert_eq!(enhanced(words), None, "{words}");
        }
    }

    #[test]
    fn a_server_is_greeted_with_a_name_and_nothing_that_ends_a_line() {
        assert_eq!(hello_name("soporte@tienda.example"), "tienda.example");
        for address in ["soporte", "soporte@", "soporte@x\r\nQUIT", "soporte@ñandú.example"] {
            assert_eq!(hello_name(address), "localhost");
        }
    }

    #[test]
    fn a_bundle_is_taken_apart() {
        let one = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----";
        assert_eq!(certificates(&format!("# ours\n{one}\n# theirs\n{one}\n# the end\n")).len(), 2);
        assert_eq!(certificates("nothing"), Vec::<String>::new());
    }
}
