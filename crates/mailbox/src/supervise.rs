//! Which folders are read: those of the accounts that are in force. A task each, ended and begun as accounts change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use relevo_providers::{Account, AccountKey, AccountKind};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::health::MailboxHealth;
use crate::memory::AccountMemory;
use crate::reader::Reader;
use crate::{FOLDERS_MAX, Shared};

/// How long a reader that ended by itself rests. It never should.
const RESTART_PAUSE: Duration = Duration::from_secs(10);

type FolderKey = (AccountKey, String);

/// A folder that is read.
struct Running {
    revision: u64,
    stop: CancellationToken,
    task: Id,
}

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut accounts = shared.parts.accounts.watch();
    let owner = format!("{:032x}", rand::random::<u128>());
    let mut tasks = JoinSet::new();
    let mut running: BTreeMap<FolderKey, Running> = BTreeMap::new();
    let mut healths: BTreeMap<AccountKey, (u64, Arc<MailboxHealth>)> = BTreeMap::new();
    let mut memories: BTreeMap<AccountKey, Arc<AccountMemory>> = BTreeMap::new();
    loop {
        let wanted = wanted(&accounts.borrow_and_update());
        for (key, folder) in &running {
            if wanted.get(key).is_none_or(|account| account.revision != folder.revision) {
                folder.stop.cancel();
            }
        }
        healths.retain(|key, _| wanted.keys().any(|(account, _)| account == key));
        memories.retain(|key, _| wanted.keys().any(|(account, _)| account == key));
        // A folder whose reader is still ending is begun when that has ended.
        for (key, account) in &wanted {
            if running.contains_key(key) {
                continue;
            }
            let health = health_of(&mut healths, &shared, &key.0, account.revision);
            let memory = memories.entry(key.0.clone()).or_insert_with(|| Arc::new(shared.memory.of_account()));
            let common = (health, Arc::clone(memory));
            let stop = stop.child_token();
            if let Some(reader) = reader(&shared, account, key, &owner, common, stop.clone()) {
                let task = tasks.spawn(reader.run()).id();
                running.insert(key.clone(), Running { revision: account.revision, stop, task });
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            changed = accounts.changed() => if changed.is_err() { break },
            Some(ended) = tasks.join_next_with_id() => {
                let (id, died) = match ended {
                    Ok((id, ())) => (id, false),
                    Err(error) => (error.id(), error.is_panic()),
                };
                running.retain(|_, folder| folder.task != id);
                if died {
                    tracing::error!("a mailbox's reader died; it is begun anew");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(RESTART_PAUSE) => {}
                    }
                }
            }
        }
    }
    for folder in running.values() {
        folder.stop.cancel();
    }
    while tasks.join_next().await.is_some() {}
}

/// All folders of one revision of an account speak about it together.
fn health_of(
    healths: &mut BTreeMap<AccountKey, (u64, Arc<MailboxHealth>)>,
    shared: &Shared,
    key: &AccountKey,
    revision: u64,
) -> Arc<MailboxHealth> {
    if let Some((of, health)) = healths.get(key)
        && *of == revision
    {
        return Arc::clone(health);
    }
    let parts = &shared.parts;
    let health = Arc::new(MailboxHealth::new(key.clone(), parts.board.clone(), parts.clock));
    healths.insert(key.clone(), (revision, Arc::clone(&health)));
    health
}

fn wanted(accounts: &BTreeMap<AccountKey, Arc<Account>>) -> BTreeMap<FolderKey, Arc<Account>> {
    let mut wanted = BTreeMap::new();
    for (key, account) in accounts {
        let AccountKind::Mail(mail) = &account.kind else { continue };
        let Some(server) = &mail.imap else { continue };
        if server.folders.len() > FOLDERS_MAX {
            tracing::warn!(tenant = %key.0, channel = %key.1, FOLDERS_MAX, "a mailbox has more folders than are read");
        }
        for folder in server.folders.iter().take(FOLDERS_MAX) {
            wanted.insert((key.clone(), folder.clone()), Arc::clone(account));
        }
    }
    wanted
}

fn reader(
    shared: &Arc<Shared>,
    account: &Account,
    (key, folder): &FolderKey,
    owner: &str,
    (health, memory): (Arc<MailboxHealth>, Arc<AccountMemory>),
    stop: CancellationToken,
) -> Option<Reader> {
    let AccountKind::Mail(mail) = &account.kind else { return None };
    let Some(endpoint) = (shared.parts.endpoint_of)(key) else {
        tracing::warn!(tenant = %key.0, channel = %key.1, "a mailbox without an endpoint is not read");
        return None;
    };
    Some(Reader {
        shared: Arc::clone(shared),
        server: mail.imap.clone()?,
        mail: mail.clone(),
        endpoint,
        folder: folder.clone(),
        owner: owner.to_owned(),
        health,
        memory,
        stop,
    })
}
