//! A look at a mailbox for whoever sets it up: does the name resolve, does TLS hold, is the login taken, are the folders there.

use std::time::Duration;

use relevo_providers::{Account, AccountKind, CheckLine, CheckPart, Tokens};

use crate::link;
use crate::session::FolderSession;
use crate::trouble::Trouble;

/// How long the whole look may take: somebody waits for it, and a server may be slow at every step.
const CHECK_MAX: Duration = Duration::from_mins(1);

/// Logs in and opens every folder, within a minute. `None` if the account reads no mail.
pub async fn check(account: &Account, tokens: &Tokens) -> Option<CheckLine> {
    check_within(account, tokens, CHECK_MAX).await
}

async fn check_within(account: &Account, tokens: &Tokens, limit: Duration) -> Option<CheckLine> {
    let AccountKind::Mail(mail) = &account.kind else { return None };
    let server = mail.imap.as_ref()?;
    let looked = async {
        let connected = link::connect(mail, server, tokens).await?;
        let mut session = FolderSession::new(connected).await?;
        for folder in &server.folders {
            session.examine(folder).await.map_err(|trouble| match trouble {
                // Whoever asks may see the name, and needs it.
                Trouble::Account { code, .. } => Trouble::Account { code, detail: format!("folder `{folder}`") },
                other => other,
            })?;
        }
        session.log_out().await;
        Ok::<(), Trouble>(())
    };
    let looked = tokio::time::timeout(limit, looked).await.unwrap_or(Err(Trouble::Connection("too-slow")));
    Some(match looked {
        Ok(()) => CheckLine::good(CheckPart::Receiving),
        Err(trouble) => CheckLine::failed(CheckPart::Receiving, trouble.failure()),
    })
}

#[cfg(test)]
mod tests {
    use relevo_domain::{ChannelId, TenantId, Timestamp};
    use relevo_providers::{Credential, ImapServer, MailAccount, MailCredential, Secret, Security};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_server_that_always_says_something_and_never_answers_is_left_in_time() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut beat = tokio::time::interval(Duration::from_millis(20));
            while client.write_all(b"* OK in a moment\r\n").await.is_ok() {
                beat.tick().await;
            }
        });
        let imap = ImapServer {
            host: "127.0.0.1".to_owned(),
            port,
            security: Security::Plain,
            folders: vec!["INBOX".to_owned()],
            import_days: 0,
        };
        let credential = Credential::Password(Secret::new("x"));
        let mail = MailAccount {
            address: "a@b.example".to_owned(),
            display_name: None,
            addresses: Vec::new(),
            imap: Some(imap),
            smtp: None,
            credential: MailCredential { user: "a".to_owned(), credential },
            extra_ca: None,
            public_only: false,
        };
        let (tenant, channel) = (TenantId::new("demo").unwrap(), ChannelId::new("mail").unwrap());
        let account = Account { tenant, channel, revision: 1, kind: AccountKind::Mail(mail) };
        let tokens = Tokens::new(|| Timestamp::from_millis(0)).unwrap();
        let looking = check_within(&account, &tokens, Duration::from_millis(300));
        let line = tokio::time::timeout(Duration::from_secs(20), looking).await.expect("it waits for ever").unwrap();
        assert_eq!((line.ok, line.code.as_deref()), (false, Some("too-slow")));
    }
}
