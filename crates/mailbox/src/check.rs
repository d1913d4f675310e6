//! A look at a mailbox for whoever sets it up: does the name resolve, does TLS hold, is the login taken, are the folders there.

use relevo_providers::{Account, AccountKind, CheckLine, CheckPart, Tokens};

use crate::link;
use crate::session::FolderSession;
use crate::trouble::Trouble;

/// Logs in and opens every folder. `None` if the account reads no mail.
pub async fn check(account: &Account, tokens: &Tokens) -> Option<CheckLine> {
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
    Some(match looked.await {
        Ok(()) => CheckLine::good(CheckPart::Receiving),
        Err(trouble) => CheckLine::failed(CheckPart::Receiving, trouble.failure()),
    })
}
