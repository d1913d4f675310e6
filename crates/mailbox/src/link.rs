//! Reaching a mail server: resolve, connect, TLS, log in. Each step in limited time, each failure told apart.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::imap_proto::{Response, Status};
use async_imap::{Authenticator, Client, Session};
use relevo_domain::conversation::{FailureClass, SendFailure};
use relevo_providers::{Credential, ImapServer, MailAccount, Secret, Security, Tokens, is_public, xoauth2};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::guard::{Allowance, Guarded};
use crate::trouble::{Refusal, Trouble};

/// How long resolving, connecting and TLS may take, each.
const STEP_MAX: Duration = Duration::from_secs(10);
/// How long a server may be silent in the middle of an answer: some search a folder for a while.
pub(crate) const STALL_MAX: Duration = Duration::from_mins(1);
/// How long an answer without mails may be, in bytes.
pub(crate) const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// What a connection runs over: TLS or not.
pub(crate) trait Link: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Link for S {}

pub(crate) type Stream = Guarded<Box<dyn Link>>;

/// A session, and what limits its stream.
pub(crate) struct Connected {
    pub(crate) session: Session<Stream>,
    pub(crate) allowance: Arc<Allowance>,
}

/// Connects and logs in.
pub(crate) async fn connect(mail: &MailAccount, server: &ImapServer, tokens: &Tokens) -> Result<Connected, Trouble> {
    let allowance = Arc::new(Allowance::new(STALL_MAX, ANSWER_BYTES_MAX));
    let tcp = dial(server, mail.public_only).await?;
    let client = match server.security {
        Security::Tls => {
            let tls = secure(Box::new(tcp), server, mail).await?;
            greeted(tls, &allowance).await?
        }
        Security::Plain => greeted(Box::new(tcp), &allowance).await?,
        Security::StartTls => {
            let mut client = greeted(Box::new(tcp), &allowance).await?;
            client.run_command_and_check_ok("STARTTLS", None).await.map_err(|error| match error {
                ImapError::No(_) | ImapError::Bad(_) => {
                    Trouble::Account { code: "no-starttls", detail: "the server does not offer STARTTLS".to_owned() }
                }
                _ => Trouble::Connection("starttls"),
            })?;
            // Whatever was sent in the clear after the answer is thrown away with the client.
            let tls = secure(client.into_inner().into_inner(), server, mail).await?;
            Client::new(Guarded::new(tls, Arc::clone(&allowance)))
        }
    };
    let session = log_in(client, mail, tokens).await?;
    Ok(Connected { session, allowance })
}

async fn dial(server: &ImapServer, public_only: bool) -> Result<TcpStream, Trouble> {
    let addresses = timeout(STEP_MAX, lookup_host((server.host.as_str(), server.port))).await;
    let mut addresses: Vec<SocketAddr> = addresses
        .map_err(|_elapsed| Trouble::Connection("resolve"))?
        .map_err(|_| Trouble::Connection("resolve"))?
        .collect();
    if addresses.is_empty() {
        return Err(Trouble::Connection("resolve"));
    }
    // The connection goes to one of these: a name cannot lead somewhere else the second time.
    addresses.retain(|address| !public_only || is_public(address.ip()));
    if addresses.is_empty() {
        let detail = "the name has no public address".to_owned();
        return Err(Trouble::Account { code: "private-address", detail });
    }
    if matches!(server.security, Security::Plain) && !addresses.iter().all(|address| address.ip().is_loopback()) {
        let detail = "a connection in the clear is for this machine alone".to_owned();
        return Err(Trouble::Account { code: "plain-text", detail });
    }
    match timeout(STEP_MAX, TcpStream::connect(addresses.as_slice())).await {
        Ok(Ok(tcp)) => {
            // Commands are small and waited for.
            drop(tcp.set_nodelay(true));
            Ok(tcp)
        }
        Ok(Err(_)) | Err(_) => Err(Trouble::Connection("connect")),
    }
}

async fn secure(tcp: Box<dyn Link>, server: &ImapServer, mail: &MailAccount) -> Result<Box<dyn Link>, Trouble> {
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_| Trouble::Account { code: "bad-host", detail: "the host is no name".to_owned() })?;
    let connector = TlsConnector::from(Arc::new(tls_config(mail.extra_ca.as_deref())?));
    match timeout(STEP_MAX, connector.connect(name, tcp)).await {
        Ok(Ok(tls)) => Ok(Box::new(tls)),
        Ok(Err(error)) => {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match inner {
                Some(rustls::Error::InvalidCertificate(why)) => Err(Trouble::Account {
                    code: "certificate",
                    detail: format!("the certificate does not hold: {why:?}"),
                }),
                _ => Err(Trouble::Connection("tls")),
            }
        }
        Err(_elapsed) => Err(Trouble::Connection("tls")),
    }
}

/// The system's authorities are read once; they are many.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (_, unusable) = roots.add_parsable_certificates(found.certs);
        if roots.is_empty() || unusable > 0 {
            tracing::warn!(usable = roots.len(), unusable, "certificate authorities of the system");
        }
        roots
    })
}

fn tls_config(extra_ca: Option<&str>) -> Result<ClientConfig, Trouble> {
    let bad = |detail: &str| Trouble::Account { code: "bad-ca", detail: detail.to_owned() };
    let mut roots = system_roots().clone();
    if let Some(pem) = extra_ca {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| bad("the extra certificates are not PEM"))?;
            roots.add(certificate).map_err(|_| bad("an extra certificate cannot be read"))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| bad("no protocol version"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn greeted(link: Box<dyn Link>, allowance: &Arc<Allowance>) -> Result<Client<Stream>, Trouble> {
    let mut client = Client::new(Guarded::new(link, Arc::clone(allowance)));
    let Ok(Some(greeting)) = client.read_response().await else { return Err(Trouble::Connection("greeting")) };
    match greeting.parsed() {
        Response::Data { status: Status::Ok | Status::PreAuth, .. } => Ok(client),
        // A server that says goodbye at once has too much to do, or too much of us.
        Response::Data { .. } => Err(Trouble::Throttled),
        _ => Err(Trouble::Connection("greeting")),
    }
}

async fn log_in(client: Client<Stream>, mail: &MailAccount, tokens: &Tokens) -> Result<Session<Stream>, Trouble> {
    let user = &mail.credential.user;
    match &mail.credential.credential {
        Credential::Password(password) => {
            client.login(user, password.expose()).await.map_err(|(error, _)| denied(error))
        }
        Credential::OAuth(grant) => {
            let token = tokens.access_token(grant).await.map_err(Trouble::Token)?;
            match client.authenticate("XOAUTH2", XOauth2::new(user, &token)).await {
                Ok(session) => Ok(session),
                Err((ImapError::No(words), client)) if matches!(Refusal::of(&words), Refusal::Final) => {
                    // Perhaps the token was taken back before its time: a new one tells.
                    tokens.forget(grant).await;
                    let token = tokens.access_token(grant).await.map_err(Trouble::Token)?;
                    let again = client.authenticate("XOAUTH2", XOauth2::new(user, &token)).await;
                    again.map_err(|(error, _)| denied(error))
                }
                Err((error, _)) => Err(denied(error)),
            }
        }
    }
}

fn denied(error: ImapError) -> Trouble {
    match error {
        ImapError::No(words) | ImapError::Bad(words) => match Refusal::of(&words) {
            Refusal::Later => Trouble::Throttled,
            Refusal::Final => Trouble::Denied(SendFailure {
                class: FailureClass::Auth,
                code: Some("denied".to_owned()),
                detail: Some(words),
            }),
        },
        ImapError::Validate(_) => {
            Trouble::Account { code: "bad-credential", detail: "the user or the password has a line break".to_owned() }
        }
        // Others may hold what the server said, which is nobody's business here.
        _ => Trouble::Connection("login"),
    }
}

/// Says the token once. What follows is the server's explanation of a no, which wants an empty answer.
struct XOauth2(Option<String>);

impl XOauth2 {
    fn new(user: &str, token: &Secret) -> Self {
        Self(Some(xoauth2(user, token)))
    }
}

impl Authenticator for XOauth2 {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        self.0.take().unwrap_or_default()
    }
}
