//! `relevo channel add …`: from what a provider gives to a channel's definition.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use toml::{Table, Value};

use super::super::{Context, Failure};
use super::consent::{self, Flow, Places};
use super::secret::Source;

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(subcommand)]
    which: Which,
    /// Replaces a channel of this id that was added before, with all of its keys.
    #[arg(long, global = true)]
    replace: bool,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// A WhatsApp number of Meta's Cloud API.
    Meta(Meta),
    /// A WhatsApp sender of Twilio.
    Twilio(Twilio),
    /// A mailbox of Gmail or Google Workspace.
    Gmail(Mailbox),
    /// A mailbox of Microsoft 365.
    Office365(Mailbox),
    /// A mailbox of any other server.
    Mail(Mailbox),
    /// A definition from a file, with the keys of a [[tenants.channels]] entry.
    File(FromFile),
}

/// What every channel has.
#[derive(Debug, Args)]
struct Common {
    /// Id of the channel: 1 to 32 lower-case letters, digits and hyphens.
    #[arg(value_name = "CHANNEL")]
    id: String,
    /// What people call it. Default: the id.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whose").required(true).args(["app", "app_secret"])))]
struct Meta {
    #[command(flatten)]
    common: Common,
    /// Phone number ID (WhatsApp Manager, API setup).
    #[arg(long, value_name = "ID")]
    phone_number_id: String,
    /// WhatsApp Business Account ID; without it the templates are not known.
    #[arg(long, value_name = "ID")]
    waba_id: Option<String>,
    /// The number that customers see. Default: not known.
    #[arg(long, value_name = "NUMBER")]
    display_phone_number: Option<String>,
    /// Access token of a system user: env:NAME, @FILE, or - for a line of standard input. Default: the channel sends nothing.
    #[arg(long, value_name = "SECRET")]
    access_token: Option<Source>,
    /// Name of a Meta app of the configuration file.
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// App secret of an app that is this channel's own: env:NAME, @FILE or -. Its verify token is made and printed.
    #[arg(long, value_name = "SECRET")]
    app_secret: Option<Source>,
    /// Messages a second that the number may send. Default: 80.
    #[arg(long, value_name = "N")]
    messages_per_second: Option<u32>,
}

#[derive(Debug, Args)]
struct Twilio {
    #[command(flatten)]
    common: Common,
    /// Account SID, `AC…`.
    #[arg(long, value_name = "SID")]
    account_sid: Option<String>,
    /// Auth token of the account, which signs its webhooks: env:NAME, @FILE or -.
    #[arg(long, value_name = "SECRET")]
    auth_token: Source,
    /// The sender, `+5491155550200`, or a messaging service, `MG…`.
    #[arg(long, value_name = "SENDER", requires = "account_sid")]
    from: Option<String>,
    /// API key to send with, `SK…`. Default: the account SID and the auth token.
    #[arg(long, value_name = "SID", requires = "api_password")]
    api_user: Option<String>,
    /// Secret of that key: env:NAME, @FILE or -.
    #[arg(long, value_name = "SECRET", requires = "api_user")]
    api_password: Option<Source>,
    /// What stands before /webhooks/… in the address that is configured at Twilio. Default: the broker's public_url.
    #[arg(long, value_name = "URL")]
    public_base_url: Option<String>,
    /// Messages a second that the sender may send. Default: 80.
    #[arg(long, value_name = "N")]
    messages_per_second: Option<u32>,
}

#[derive(Debug, Args)]
struct Mailbox {
    #[command(flatten)]
    common: Common,
    /// Address that answers come from.
    #[arg(long, value_name = "ADDRESS")]
    address: String,
    /// Further address of the mailbox. May be given several times.
    #[arg(long = "also", value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// Name before the address. Default: none.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// What goes to the address with +… before its @ arrives too, so that answers name their conversation. Always so with Gmail and
    /// Office 365.
    #[arg(long)]
    plus_addressing: bool,
    /// Who logs in. Default: the address.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Password (Gmail: an app password): env:NAME, @FILE or -.
    #[arg(long, value_name = "SECRET", conflicts_with = "client_id")]
    password: Option<Source>,
    /// OAuth client ID; the mailbox's owner gives consent, unless there is a refresh token.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// OAuth client secret: env:NAME, @FILE or -. Default: a public client.
    #[arg(long, value_name = "SECRET", requires = "client_id")]
    client_secret: Option<Source>,
    /// Refresh token that was given before: env:NAME, @FILE or -. Default: consent is asked for.
    #[arg(long, value_name = "SECRET", requires = "client_id")]
    refresh_token: Option<Source>,
    /// How consent is given: in a browser on this machine, on any device with a code, or not at all (client credentials). Default: device for
    /// Office 365, else loopback.
    #[arg(long, value_enum, value_name = "HOW", requires = "client_id")]
    consent: Option<Flow>,
    /// Directory (tenant) ID at Microsoft. Default: common; needed for client credentials.
    #[arg(long, value_name = "ID", requires = "client_id")]
    directory: Option<String>,
    #[command(flatten)]
    places: Places,
    /// IMAP server. Default: the provider's.
    #[arg(long, value_name = "HOST")]
    imap_host: Option<String>,
    /// Its port. Default: 993 with tls, else 143.
    #[arg(long, value_name = "PORT")]
    imap_port: Option<u16>,
    /// tls, starttls, or plain on loopback. Default: tls.
    #[arg(long, value_name = "HOW")]
    imap_security: Option<String>,
    /// Folder to read. May be given several times. Default: INBOX.
    #[arg(long = "folder", value_name = "NAME")]
    folders: Vec<String>,
    /// Days of mail to bring in as history at the first connection. Default: none.
    #[arg(long, value_name = "DAYS")]
    import_days: Option<u32>,
    /// Server that mail is submitted to. Default: the provider's.
    #[arg(long, value_name = "HOST")]
    smtp_host: Option<String>,
    /// Its port. Default: 465 with tls, else 587.
    #[arg(long, value_name = "PORT")]
    smtp_port: Option<u16>,
    /// tls, starttls, or plain on loopback. Default: tls.
    #[arg(long, value_name = "HOW")]
    smtp_security: Option<String>,
}

#[derive(Debug, Args)]
struct FromFile {
    /// TOML with the channel's keys; its secrets may be { file = … } or { env = … } of this machine.
    #[arg(value_name = "FILE")]
    path: PathBuf,
}

impl Add {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let definition = match self.which {
            Which::Meta(meta) => meta.table()?,
            Which::Twilio(twilio) => twilio.table()?,
            Which::Gmail(mailbox) => mailbox.table(context, Some("gmail")).await?,
            Which::Office365(mailbox) => mailbox.table(context, Some("office365")).await?,
            Which::Mail(mailbox) => mailbox.table(context, None).await?,
            Which::File(file) => file.table()?,
        };
        super::send(context, definition.to_string(), self.replace).await
    }
}

impl Common {
    fn table(&self, kind: &str) -> Table {
        let label = self.label.as_deref().unwrap_or(&self.id);
        [("id", self.id.as_str()), ("kind", kind), ("label", label)]
            .map(|(key, value)| (key.to_owned(), Value::from(value)))
            .into_iter()
            .collect()
    }
}

/// Puts a value in, if there is one.
fn put(table: &mut Table, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        table.insert(key.to_owned(), value.into());
    }
}

fn secret(source: Option<&Source>, flag: &'static str) -> Result<Option<String>, Failure> {
    source.map(|source| source.read(flag)).transpose()
}

impl Meta {
    fn table(&self) -> Result<Table, Failure> {
        let mut table = self.common.table("meta");
        put(&mut table, "phone_number_id", Some(self.phone_number_id.as_str()));
        put(&mut table, "waba_id", self.waba_id.as_deref());
        put(&mut table, "display_phone_number", self.display_phone_number.as_deref());
        put(&mut table, "app", self.app.as_deref());
        put(&mut table, "messages_per_second", self.messages_per_second.map(i64::from));
        put(&mut table, "access_token", secret(self.access_token.as_ref(), "--access-token")?);
        put(&mut table, "app_secrets", secret(self.app_secret.as_ref(), "--app-secret")?.map(|one| vec![one]));
        Ok(table)
    }
}

impl Twilio {
    fn table(&self) -> Result<Table, Failure> {
        let mut table = self.common.table("twilio");
        put(&mut table, "account_sid", self.account_sid.as_deref());
        put(&mut table, "from", self.from.as_deref());
        put(&mut table, "api_user", self.api_user.as_deref());
        put(&mut table, "public_base_url", self.public_base_url.as_deref());
        put(&mut table, "messages_per_second", self.messages_per_second.map(i64::from));
        put(&mut table, "auth_tokens", Some(vec![self.auth_token.read("--auth-token")?]));
        put(&mut table, "api_password", secret(self.api_password.as_ref(), "--api-password")?);
        Ok(table)
    }
}

impl Mailbox {
    async fn table(&self, context: &Context, provider: Option<&'static str>) -> Result<Table, Failure> {
        let mut table = self.common.table("email");
        put(&mut table, "address", Some(self.address.as_str()));
        put(&mut table, "addresses", (!self.addresses.is_empty()).then(|| self.addresses.clone()));
        put(&mut table, "display_name", self.display_name.as_deref());
        put(&mut table, "plus_addressing", self.plus_addressing.then_some(true));
        put(&mut table, "provider", provider);
        put(&mut table, "user", self.user.as_deref());
        put(&mut table, "password", secret(self.password.as_ref(), "--password")?);
        put(&mut table, "imap", self.imap());
        put(&mut table, "smtp", self.smtp());
        if let Some(client_id) = &self.client_id {
            put(&mut table, "oauth", Some(self.oauth(context, client_id, provider).await?));
        }
        Ok(table)
    }

    fn imap(&self) -> Option<Table> {
        let mut table = Table::new();
        put(&mut table, "host", self.imap_host.as_deref());
        put(&mut table, "port", self.imap_port.map(i64::from));
        put(&mut table, "security", self.imap_security.as_deref());
        put(&mut table, "folders", (!self.folders.is_empty()).then(|| self.folders.clone()));
        put(&mut table, "import_days", self.import_days.map(i64::from));
        (!table.is_empty()).then_some(table)
    }

    fn smtp(&self) -> Option<Table> {
        let mut table = Table::new();
        put(&mut table, "host", self.smtp_host.as_deref());
        put(&mut table, "port", self.smtp_port.map(i64::from));
        put(&mut table, "security", self.smtp_security.as_deref());
        (!table.is_empty()).then_some(table)
    }

    async fn oauth(&self, context: &Context, client_id: &str, provider: Option<&str>) -> Result<Table, Failure> {
        let client_secret = secret(self.client_secret.as_ref(), "--client-secret")?;
        let mut table = Table::new();
        put(&mut table, "client_id", Some(client_id));
        put(&mut table, "client_secret", client_secret.as_deref());
        let microsoft = self.directory.as_deref().filter(|_| provider == Some("office365"));
        let token_url = self.places.token_url.clone().or_else(|| Some(consent::microsoft(microsoft?, "token")));
        put(&mut table, "token_url", token_url);
        put(&mut table, "scope", self.places.scope.as_deref());
        let flow = self.consent.unwrap_or(if provider == Some("office365") { Flow::Device } else { Flow::Loopback });
        let refresh_token = match (&self.refresh_token, flow) {
            (Some(given), _) => Some(given.read("--refresh-token")?),
            (None, flow) => {
                let asked = consent::Asked {
                    provider,
                    directory: self.directory.as_deref(),
                    client_id,
                    client_secret: client_secret.as_deref(),
                    places: &self.places,
                };
                consent::ask(context, flow, &asked).await?
            }
        };
        put(&mut table, "refresh_token", refresh_token);
        Ok(table)
    }
}

impl FromFile {
    fn table(&self) -> Result<Table, Failure> {
        let shown = self.path.display().to_string();
        let text = std::fs::read_to_string(&self.path)
            .map_err(|error| Failure::bad_value("FILE", &shown, error.to_string()))?;
        // The reader's own words would quote the text, which holds secrets.
        let mut table: Table = text.parse().map_err(|_quotes| Failure::bad_value("FILE", &shown, "TOML"))?;
        for (key, value) in &mut table {
            resolve(key, value).map_err(|reason| Failure::bad_value("FILE", &shown, reason))?;
        }
        Ok(table)
    }
}

/// Puts the text of a secret where the name of its file or variable stands.
fn resolve(key: &str, value: &mut Value) -> Result<(), String> {
    match value {
        Value::Array(list) => list.iter_mut().try_for_each(|one| resolve(key, one)),
        Value::Table(table) => {
            let source = match (table.len(), table.get("file"), table.get("env")) {
                (1, Some(Value::String(path)), None) => Source::File(path.into()),
                (1, None, Some(Value::String(name))) => Source::Env(name.clone()),
                _ => return table.iter_mut().try_for_each(|(key, one)| resolve(key, one)),
            };
            *value = Value::String(source.read("FILE").map_err(|_failure| key.to_owned())?);
            Ok(())
        }
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => Ok(()),
    }
}
