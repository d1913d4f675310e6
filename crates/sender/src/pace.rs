//! How fast a channel may send: what its account allows, evenly, with a small burst.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use relevo_providers::{Account, AccountKind};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Mail servers count connections, too: Microsoft 365 allows three at a time.
const MAILS_AT_ONCE: u32 = 3;
/// A number sends at most an eighth of a second's messages at once, so that no second holds many more than its own.
const BURST_SHARE: u32 = 8;
/// A provider's call takes about a third of a second: so many of a second's messages are on their way at the same time.
const CALLS_A_SECOND: u32 = 3;
/// Messages that are on their way through one channel at the same time, at least and at most.
const IN_FLIGHT_MIN: u32 = 2;
const IN_FLIGHT_MAX: u32 = 32;
/// Files of messages on their way through one channel that are in memory at the same time, in MiB: room for the largest one.
const FILES_MIB_MAX: u32 = 128;
const MIB: u64 = 1024 * 1024;

/// The pace of one channel on this node.
#[derive(Debug)]
pub(crate) struct Pace {
    revision: u64,
    in_flight_max: usize,
    limiter: DefaultDirectRateLimiter,
    files: Semaphore,
}

impl Pace {
    pub(crate) fn of(account: &Account) -> Self {
        let (quota, in_flight_max) = match &account.kind {
            AccountKind::Meta(meta) => per_second(meta.messages_per_second),
            AccountKind::Twilio(twilio) => per_second(twilio.messages_per_second),
            AccountKind::Mail(mail) => {
                let per_minute = mail.smtp.as_ref().map_or(1, |smtp| smtp.messages_per_minute);
                (quota(per_minute, Quota::per_minute, MAILS_AT_ONCE), MAILS_AT_ONCE)
            }
        };
        Self {
            revision: account.revision,
            in_flight_max: in_flight_max as usize,
            limiter: RateLimiter::direct(quota),
            files: Semaphore::new(FILES_MIB_MAX as usize),
        }
    }

    /// Whether it is that of the account as it is now.
    pub(crate) const fn is_of(&self, account: &Account) -> bool {
        self.revision == account.revision
    }

    pub(crate) const fn in_flight_max(&self) -> usize {
        self.in_flight_max
    }

    /// Waits until there is room in memory for files of that size; `None` if there is nothing to hold.
    pub(crate) async fn room_for(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let mib = u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX).min(FILES_MIB_MAX);
        if mib == 0 {
            return None;
        }
        // It is never closed.
        self.files.acquire_many(mib).await.ok()
    }

    /// Waits until one more message may be sent.
    pub(crate) async fn permit(&self) {
        self.limiter.until_ready().await;
    }
}

fn per_second(messages: u32) -> (Quota, u32) {
    let in_flight_max = (messages / CALLS_A_SECOND).clamp(IN_FLIGHT_MIN, IN_FLIGHT_MAX);
    (quota(messages, Quota::per_second, messages / BURST_SHARE), in_flight_max)
}

/// An account that allows nothing is taken for one that allows one.
fn quota(messages: u32, per: fn(NonZeroU32) -> Quota, burst: u32) -> Quota {
    per(NonZeroU32::new(messages).unwrap_or(NonZeroU32::MIN))
        .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN))
}

#[cfg(test)]
mod tests {
    use relevo_domain::{ChannelId, TenantId};
    use relevo_providers::{MetaAccount, Secret};

    use super::*;

    fn account(messages_per_second: u32) -> Account {
        let secret = Secret::new("secret");
        Account {
            tenant: TenantId::new("demo").unwrap(),
            channel: ChannelId::new("wa").unwrap(),
            revision: 1,
            kind: AccountKind::Meta(MetaAccount {
                base_url: "http://127.0.0.1:9".to_owned(),
                phone_number_id: "1".to_owned(),
                waba_id: None,
                access_token: secret,
                messages_per_second,
                media_hosts: Vec::new(),
            }),
        }
    }

    #[test]
    fn a_number_sends_what_its_account_allows() {
        assert_eq!(Pace::of(&account(80)).in_flight_max(), 26);
        assert_eq!(Pace::of(&account(0)).in_flight_max(), 2);
        assert_eq!(Pace::of(&account(1_000)).in_flight_max(), 32);
        let pace = Pace::of(&account(80));
        assert!((0..10).all(|_| pace.limiter.check().is_ok()));
        assert!(pace.limiter.check().is_err());
    }

    #[tokio::test]
    async fn large_files_wait_for_each_other_and_small_talk_does_not() {
        let pace = Pace::of(&account(80));
        let large = pace.room_for(100 * MIB).await;
        assert!(pace.room_for(0).await.is_none());
        assert!(pace.files.try_acquire_many(29).is_err());
        drop(large);
        assert!(pace.room_for(u64::MAX).await.is_some());
    }
}
