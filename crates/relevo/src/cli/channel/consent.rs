//! How a mailbox's owner consents that Relevo reads and sends its mail. Runs here, on the machine of whoever adds the channel; the
//! broker gets the refresh token with the definition.

use std::time::Duration;

use clap::ValueEnum;
use relevo_domain::conversation::SendFailure;
use relevo_providers::Secret;
use relevo_providers::oauth::{self, ConsentRequest};

use super::super::{Context, Failure, text};

/// How long a person may take in the browser.
const BROWSER_MAX: Duration = Duration::from_mins(10);

const GOOGLE_AUTHORIZE: &str = "https://accounts.google.com/o/oauth2/v2/auth";
const GOOGLE_DEVICE: &str = "https://oauth2.googleapis.com/device/code";
const GOOGLE_TOKEN: &str = "https://oauth2.googleapis.com/token";
const GOOGLE_SCOPE: &str = "https://mail.google.com/";
const MICROSOFT_SCOPE: &str =
    "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access";
/// The directory of an account that does not say its own.
const MICROSOFT_COMMON: &str = "common";

/// How consent is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Flow {
    /// On any device, with a code.
    Device,
    /// In a browser on this machine.
    Loopback,
    /// Nobody is asked: client credentials.
    None,
}

/// For what consent is asked, and where.
pub(super) struct Asked<'a> {
    /// `gmail`, `office365`, or nothing: then the addresses must be given.
    pub(super) provider: Option<&'a str>,
    pub(super) directory: Option<&'a str>,
    pub(super) client_id: &'a str,
    pub(super) client_secret: Option<&'a str>,
    pub(super) places: &'a Places,
}

/// Addresses and scope of an issuer that is none of the known ones, or is reached elsewhere.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Places {
    /// Where access tokens come from. Default: the provider's.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) token_url: Option<String>,
    /// Where consent is given in a browser. Default: the provider's.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) authorize_url: Option<String>,
    /// Where a code for another device comes from. Default: the provider's.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) device_url: Option<String>,
    /// What consent is asked for. Default: the provider's.
    #[arg(long, value_name = "SCOPE", requires = "client_id")]
    pub(super) scope: Option<String>,
}

/// Microsoft's address of that name in a directory.
pub(super) fn microsoft(directory: &str, what: &str) -> String {
    format!("https://login.microsoftonline.com/{directory}/oauth2/v2.0/{what}")
}

impl Asked<'_> {
    fn request(&self) -> Result<ConsentRequest, Failure> {
        let directory = self.directory.unwrap_or(MICROSOFT_COMMON);
        let known = match self.provider {
            Some("gmail") => Some([GOOGLE_AUTHORIZE, GOOGLE_DEVICE, GOOGLE_TOKEN, GOOGLE_SCOPE].map(str::to_owned)),
            Some("office365") => Some([
                microsoft(directory, "authorize"),
                microsoft(directory, "devicecode"),
                microsoft(directory, "token"),
                MICROSOFT_SCOPE.to_owned(),
            ]),
            Some(_) | None => None,
        };
        let [authorize, device, token, scope] = known.map_or_else(Default::default, |known| known.map(Some));
        let given = |flag, given: &Option<String>, known: Option<String>| {
            given.clone().or(known).ok_or_else(|| Failure::bad_value(flag, "", "https://…"))
        };
        let places = self.places;
        Ok(ConsentRequest {
            // Only one of the two is used.
            authorize_url: places.authorize_url.clone().or(authorize).unwrap_or_default(),
            device_url: places.device_url.clone().or(device).unwrap_or_default(),
            token_url: given("--token-url", &places.token_url, token)?,
            client_id: self.client_id.to_owned(),
            client_secret: self.client_secret.map(Secret::new),
            scope: given("--scope", &places.scope, scope)?,
        })
    }
}

/// Asks, waits, and gives the refresh token.
pub(super) async fn ask(context: &Context, flow: Flow, asked: &Asked<'_>) -> Result<Option<String>, Failure> {
    let request = asked.request()?;
    let words = context.out.words;
    // On standard error: standard output is for the answer, which may be JSON.
    let say = |key: &str, arguments: &[(&str, &str)]| context.out.aside(&words.with(key, arguments));
    let refused = |failure: SendFailure| {
        let detail = failure.detail.as_deref().map(text::one_line).unwrap_or_default();
        Failure::NoConsent { code: failure.code.unwrap_or_else(|| failure.class.as_str().to_owned()), detail }
    };
    let consent = match flow {
        Flow::None => return Ok(None),
        Flow::Device => {
            let code = oauth::device(&request).await.map_err(refused)?;
            let minutes = (code.life.as_secs() / 60).max(1).to_string();
            let arguments = [
                ("url", &*text::one_line(&code.verification_uri)),
                ("code", &*text::one_line(&code.user_code)),
                ("minutes", minutes.as_str()),
            ];
            say("cli-consent-device", &arguments);
            code.wait(&request).await.map_err(refused)?
        }
        Flow::Loopback => {
            let failed =
                |error: std::io::Error| Failure::NoConsent { code: "listen".to_owned(), detail: error.to_string() };
            let browser = oauth::loopback(&request).await.map_err(failed)?;
            say("cli-consent-browser", &[("url", &browser.url)]);
            let page =
                format!("<!doctype html><meta charset=utf-8><title>Relevo</title><p>{}", words.t("cli-consent-page"));
            browser.wait(&request, BROWSER_MAX, &page).await.map_err(refused)?
        }
    };
    say("cli-consent-given", &[]);
    Ok(Some(consent.refresh_token.expose().to_owned()))
}
