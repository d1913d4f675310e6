//! How a mailbox is read and how it sends: servers, credentials, and what Gmail and Office 365 need without saying.

use relevo_providers::{Credential, ImapServer, MailAccount, MailCredential, OAuthGrant, Secret, Security, SmtpServer};

use super::super::file;
use super::super::{Problem, Problems};
use super::secret;
use super::server::one_of;
use super::whatsapp::{loopback, url, within};

/// What a mailbox sends at most if nobody says: below every provider's own limit but Microsoft's.
const MESSAGES_PER_MINUTE: u32 = 60;
const MESSAGES_PER_MINUTE_MAX: u32 = 6_000;
/// Folders of one mailbox: Gmail allows 15 connections an account, and other programs want some.
const FOLDERS_MAX: usize = 8;
/// The longest history that is brought in.
const IMPORT_DAYS_MAX: u32 = 3_650;
const INBOX: &str = "INBOX";

/// What is known of a provider.
struct Preset {
    name: &'static str,
    imap: (&'static str, u16, Security),
    smtp: (&'static str, u16, Security),
    messages_per_minute: u32,
    token_url: &'static str,
    /// With a refresh token.
    scope: &'static str,
    /// With client credentials; nothing where that grant is not for mailboxes.
    application_scope: Option<&'static str>,
}

const PRESETS: [Preset; 2] = [
    Preset {
        name: "gmail",
        imap: ("imap.gmail.com", 993, Security::Tls),
        smtp: ("smtp.gmail.com", 465, Security::Tls),
        messages_per_minute: MESSAGES_PER_MINUTE,
        token_url: "https://oauth2.googleapis.com/token",
        scope: "https://mail.google.com/",
        application_scope: None,
    },
    Preset {
        name: "office365",
        imap: ("outlook.office365.com", 993, Security::Tls),
        smtp: ("smtp.office365.com", 587, Security::StartTls),
        // Microsoft refuses more.
        messages_per_minute: 30,
        token_url: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        scope: "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
        application_scope: Some("https://outlook.office365.com/.default"),
    },
];

/// The mailbox's account, if it names a server. `addresses` are its own, lower case.
pub(super) fn account(
    at: &str,
    channel: &file::Channel,
    addresses: &[String],
    problems: &mut Problems,
) -> Option<MailAccount> {
    let preset = preset(at, channel, problems);
    if preset.is_none() && channel.imap.is_none() && channel.smtp.is_none() {
        lonely(at, channel, problems);
        return None;
    }
    let imap = imap(at, channel.imap.as_ref(), preset, problems);
    let smtp = smtp(at, channel.smtp.as_ref(), preset, problems);
    let Some(address) = addresses.first().cloned() else {
        problems.add(Problem::new(at, "config-missing").with("key", "address"));
        return None;
    };
    let credential = credential(at, channel, preset, problems);
    if channel.display_name.as_ref().is_some_and(|name| name.contains(char::is_control)) {
        problems.add(Problem::new(format!("{at}.display_name"), "config-one-line"));
    }
    let extra_ca = channel.extra_ca_file.as_ref().map(|path| {
        let missing = |_error| Problem::new(format!("{at}.extra_ca_file"), "config-no-file-at");
        problems.keep(
            std::fs::read_to_string(path)
                .map_err(missing)
                .map_err(|problem: Problem| problem.with("path", path.display().to_string())),
        )
    });
    Some(MailAccount {
        display_name: channel.display_name.clone(),
        addresses: addresses.to_vec(),
        imap,
        smtp,
        credential: MailCredential {
            user: channel.user.clone().unwrap_or_else(|| address.clone()),
            credential: credential?,
        },
        extra_ca: extra_ca.flatten(),
        public_only: false,
        address,
    })
}

fn preset(at: &str, channel: &file::Channel, problems: &mut Problems) -> Option<&'static Preset> {
    let name = channel.provider.as_ref()?;
    let known = PRESETS.map(|preset| preset.name).join(", ");
    let found = PRESETS.iter().find(|preset| preset.name == name);
    problems.keep(found.ok_or_else(|| one_of(&format!("{at}.provider"), name, &known)))
}

/// Keys that say nothing without a server.
fn lonely(at: &str, channel: &file::Channel, problems: &mut Problems) {
    let keys = [
        ("display_name", channel.display_name.is_some()),
        ("plus_addressing", channel.plus_addressing.is_some()),
        ("user", channel.user.is_some()),
        ("password", channel.password.is_some()),
        ("oauth", channel.oauth.is_some()),
        ("extra_ca_file", channel.extra_ca_file.is_some()),
    ];
    if channel.provider.is_some() {
        return;
    }
    for (key, _) in keys.into_iter().filter(|(_, set)| *set) {
        problems.add(Problem::new(format!("{at}.{key}"), "config-needs").with("other", "imap, smtp"));
    }
}

fn credential(
    at: &str,
    channel: &file::Channel,
    preset: Option<&Preset>,
    problems: &mut Problems,
) -> Option<Credential> {
    match (&channel.password, &channel.oauth) {
        (Some(password), None) => {
            let password = problems.keep(secret(format!("{at}.password"), password))?;
            Some(Credential::Password(Secret::new(password)))
        }
        (None, Some(oauth)) => grant(&format!("{at}.oauth"), oauth, preset, problems).map(Credential::OAuth),
        (None, None) => {
            problems.add(Problem::new(at, "config-missing").with("key", "password"));
            None
        }
        (Some(_), Some(_)) => {
            problems.add(Problem::new(format!("{at}.password"), "config-excludes").with("other", "oauth"));
            None
        }
    }
}

fn grant(at: &str, oauth: &file::OAuth, preset: Option<&Preset>, problems: &mut Problems) -> Option<OAuthGrant> {
    let missing = |key| Problem::new(at, "config-missing").with("key", key);
    let several = [("client_secret", &oauth.client_secret), ("refresh_token", &oauth.refresh_token)];
    let [client_secret, refresh_token] = several.map(|(key, one)| {
        let one = one.as_ref()?;
        problems.keep(secret(format!("{at}.{key}"), one)).map(Secret::new)
    });
    let application = oauth.refresh_token.is_none();
    if application && oauth.client_secret.is_none() {
        problems.add(missing("refresh_token"));
    }
    let default_scope =
        preset.and_then(|preset| if application { preset.application_scope } else { Some(preset.scope) });
    if application && preset.is_some() && default_scope.is_none() && oauth.scope.is_none() {
        problems.add(missing("refresh_token"));
    }
    // An application belongs to one directory; there is no common place where it is known.
    let default_url = preset.filter(|_| !application).map(|preset| preset.token_url);
    let token_url = problems.keep(oauth.token_url.as_deref().or(default_url).ok_or_else(|| missing("token_url")));
    let token_url = url(&format!("{at}.token_url"), Some(token_url?), "", problems);
    let scope = oauth.scope.clone().or_else(|| default_scope.map(str::to_owned));
    if scope.is_none() {
        problems.add(missing("scope"));
    }
    Some(OAuthGrant {
        token_url: token_url?,
        client_id: oauth.client_id.clone(),
        client_secret,
        scope: scope?,
        refresh_token,
    })
}

fn imap(at: &str, given: Option<&file::Imap>, preset: Option<&Preset>, problems: &mut Problems) -> Option<ImapServer> {
    let default = file::Imap::default();
    let written = given.or(preset.map(|_| &default))?;
    let at = format!("{at}.imap");
    let place = Place { host: &written.host, port: written.port, security: written.security.as_deref() };
    let (host, port, security) = place.check(
        &at,
        preset.map(|preset| preset.imap),
        |security| match security {
            Security::Tls => 993,
            Security::StartTls | Security::Plain => 143,
        },
        problems,
    )?;
    let mut folders = written.folders.clone().unwrap_or_else(|| vec![INBOX.to_owned()]);
    folders.dedup();
    if folders.is_empty() {
        problems.add(Problem::new(format!("{at}.folders"), "config-empty-list"));
    }
    if folders.len() > FOLDERS_MAX {
        let problem = Problem::new(format!("{at}.folders"), "config-too-large");
        problems.add(problem.with("value", folders.len().to_string()).with("most", FOLDERS_MAX.to_string()));
    }
    for (index, _) in folders.iter().enumerate().filter(|(_, name)| name.contains(char::is_control) || name.is_empty())
    {
        problems.add(Problem::new(format!("{at}.folders[{index}]"), "config-one-line"));
    }
    let import_days = written.import_days.unwrap_or_default();
    if import_days > 0 {
        within(&format!("{at}.import_days"), import_days, IMPORT_DAYS_MAX, problems);
    }
    Some(ImapServer { host, port, security, folders, import_days })
}

fn smtp(at: &str, given: Option<&file::Smtp>, preset: Option<&Preset>, problems: &mut Problems) -> Option<SmtpServer> {
    let default = file::Smtp::default();
    let written = given.or(preset.map(|_| &default))?;
    let at = format!("{at}.smtp");
    let place = Place { host: &written.host, port: written.port, security: written.security.as_deref() };
    let (host, port, security) = place.check(
        &at,
        preset.map(|preset| preset.smtp),
        |security| match security {
            Security::Tls => 465,
            Security::StartTls | Security::Plain => 587,
        },
        problems,
    )?;
    let rate = written.messages_per_minute;
    let rate = rate.unwrap_or_else(|| preset.map_or(MESSAGES_PER_MINUTE, |preset| preset.messages_per_minute));
    let messages_per_minute = within(&format!("{at}.messages_per_minute"), rate, MESSAGES_PER_MINUTE_MAX, problems);
    Some(SmtpServer { host, port, security, messages_per_minute })
}

/// Where a mail server is, as written.
struct Place<'w> {
    host: &'w Option<String>,
    port: Option<u16>,
    security: Option<&'w str>,
}

impl Place<'_> {
    fn check(
        &self,
        at: &str,
        preset: Option<(&str, u16, Security)>,
        usual: impl Fn(Security) -> u16,
        problems: &mut Problems,
    ) -> Option<(String, u16, Security)> {
        let security = match self.security {
            Some("tls") => Security::Tls,
            Some("starttls") => Security::StartTls,
            Some("plain") => Security::Plain,
            Some(other) => {
                problems.add(one_of(&format!("{at}.security"), other, "tls, starttls, plain"));
                return None;
            }
            None => preset.map_or(Security::Tls, |(_, _, security)| security),
        };
        let Some(host) = self.host.clone().or_else(|| preset.map(|(host, _, _)| host.to_owned())) else {
            problems.add(Problem::new(at, "config-missing").with("key", "host"));
            return None;
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control() || "/@".contains(c)) {
            problems.add(Problem::new(format!("{at}.host"), "config-host").with("value", &host));
            return None;
        }
        if security == Security::Plain && !loopback(&host) {
            problems.add(Problem::new(format!("{at}.security"), "config-plain").with("host", &host));
        }
        let port = self.port.or_else(|| preset.map(|(_, port, _)| port)).unwrap_or_else(|| usual(security));
        Some((host, port, security))
    }
}
