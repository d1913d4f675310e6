//! What follows of a failure: whether the message gets another turn and when, and what it means for the channel. Pure.
//!
//! The classes say what may be tried again at all (`FailureClass::waits`); here stand the pauses. Sources: the providers' own
//! advice (Meta: "retry after 4^X seconds" for the pair limit, few tries for 131000).

use std::time::Duration;

use relevo_channels::failure::{self as table, Provider};
use relevo_domain::Timestamp;
use relevo_domain::conversation::{FailureClass, SendFailure};
use relevo_providers::AccountKind;

/// Pause after the first failure that is the provider's own trouble; it doubles with each attempt.
const TRANSIENT_FIRST: Duration = Duration::from_secs(1);
const TRANSIENT_MAX: Duration = Duration::from_mins(1);
/// Attempts at a message while the provider has trouble: with pauses of at most a minute about a quarter of an hour.
const TRANSIENT_ATTEMPTS_MAX: u32 = 20;
/// The pair limit's pause is a power of this many seconds.
const PAIR_BASE: u64 = 4;
/// 4^6 seconds are more than an hour; the message expires before that matters.
const PAIR_EXPONENT_MAX: u32 = 6;
/// Pause of a whole channel after the first refusal for being too fast; it doubles with each one in a row.
const THROTTLED_FIRST: Duration = Duration::from_secs(1);
const THROTTLED_MAX: Duration = Duration::from_mins(5);
/// The longest wish of a provider that is granted; a message waits a day at most.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// What becomes of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It goes back to the queue until then.
    Again { at: Timestamp },
    /// It failed for good; a person is told.
    Final,
}

/// Attempts that the table of failures allows at a message that this provider's code refused: it may have taken it all the same.
pub(crate) fn attempts_max(account: &AccountKind, failure: &SendFailure) -> Option<u32> {
    let provider = match account {
        AccountKind::Meta(_) => Provider::Meta,
        AccountKind::Twilio(_) => Provider::Twilio,
        AccountKind::Mail(_) => Provider::Smtp,
    };
    table::attempts_max(provider, failure.code.as_deref()?)
}

/// What becomes of a message whose `attempt`-th attempt failed. `attempts_max`: as the code allows, where preparing has not failed
/// but the call. `retry_after` is the provider's wish.
pub(crate) fn next(
    failure: &SendFailure,
    attempt: u32,
    attempts_max: Option<u32>,
    retry_after: Option<Duration>,
    now: Timestamp,
) -> Next {
    let tries = attempt.max(1);
    let pause = match failure.class {
        // The channel stops; the message may go as soon as the channel does.
        FailureClass::Auth => Some(Duration::ZERO),
        FailureClass::Throttled => Some(wish(retry_after).max(THROTTLED_FIRST)),
        FailureClass::PairLimit => {
            let pause = Duration::from_secs(PAIR_BASE.pow((tries - 1).min(PAIR_EXPONENT_MAX)));
            Some(wish(retry_after).max(pause))
        }
        FailureClass::Transient => {
            let tries_max = attempts_max.map_or(TRANSIENT_ATTEMPTS_MAX, |max| max.min(TRANSIENT_ATTEMPTS_MAX));
            let pause = doubled(TRANSIENT_FIRST, tries - 1, TRANSIENT_MAX);
            (tries < tries_max).then(|| wish(retry_after).max(pause))
        }
        FailureClass::Quality
        | FailureClass::Integrity
        | FailureClass::Window
        | FailureClass::Recipient
        | FailureClass::Content
        | FailureClass::Template
        | FailureClass::Account
        | FailureClass::File
        | FailureClass::Expired
        | FailureClass::Unknown => None,
    };
    pause.map_or(Next::Final, |pause| Next::Again { at: now + pause })
}

/// How long a channel waits that was too fast `streak` times in a row, this time included. `share` (0 to 1) spreads nodes.
pub(crate) fn slow_down(streak: u32, retry_after: Option<Duration>, share: f64) -> Duration {
    let pause = doubled(THROTTLED_FIRST, streak.saturating_sub(1), THROTTLED_MAX);
    // Never sooner than the provider wishes, nor than it has earned; up to a half more, so that nodes do not come back together.
    wish(retry_after).max(pause).mul_f64(1.0 + share / 2.0)
}

/// `first`, doubled so many times, at most `max`.
pub(crate) fn doubled(first: Duration, times: u32, max: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times).filter(|factor| *factor > 0).unwrap_or(u32::MAX)).min(max)
}

/// What the provider wishes, within reason; it can make a pause longer, never shorter: some say 0.
fn wish(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or_default().min(RETRY_AFTER_MAX)
}

#[cfg(test)]
mod tests {
    use relevo_providers::{MetaAccount, Secret};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn failure(class: FailureClass, code: &str) -> SendFailure {
        SendFailure { class, code: Some(code.to_owned()), detail: None }
    }

    fn pauses(class: FailureClass, code: &str) -> Vec<u64> {
        pauses_of(class, code, None, None)
    }

    fn pauses_of(class: FailureClass, code: &str, max: Option<u32>, wish: Option<Duration>) -> Vec<u64> {
        let pause = |attempt| match next(&failure(class, code), attempt, max, wish, NOW) {
            Next::Again { at } => Some(at.since(NOW).as_secs()),
            Next::Final => None,
        };
        (1..100).map_while(pause).collect()
    }

    #[test]
    fn the_providers_trouble_is_waited_for_a_quarter_of_an_hour_at_most() {
        let pauses = pauses(FailureClass::Transient, "2");
        assert_eq!(pauses[..7], [1, 2, 4, 8, 16, 32, 60]);
        let all: u64 = pauses.iter().sum();
        assert!((12 * 60..=15 * 60).contains(&all), "{all}");
    }

    #[test]
    fn what_a_provider_may_have_taken_all_the_same_is_tried_seldom() {
        let verdict = table::meta(Some(131_000), 500);
        let meta = AccountKind::Meta(MetaAccount {
            base_url: String::new(),
            phone_number_id: String::new(),
            waba_id: None,
            access_token: Secret::new(""),
            messages_per_second: 1,
            media_hosts: Vec::new(),
        });
        let max = attempts_max(&meta, &failure(FailureClass::Transient, "131000"));
        assert_eq!(pauses_of(FailureClass::Transient, "131000", max, verdict.retry_after), [30, 30]);
        assert_eq!(attempts_max(&meta, &failure(FailureClass::Transient, "http-503")), None);
    }

    #[test]
    fn a_wish_for_no_pause_is_none() {
        for class in [FailureClass::Throttled, FailureClass::Transient, FailureClass::PairLimit] {
            assert_eq!(pauses_of(class, "1", None, Some(Duration::ZERO))[..1], [1], "{class:?}");
        }
        assert_eq!(slow_down(3, Some(Duration::ZERO), 0.0), Duration::from_secs(4));
    }

    #[test]
    fn the_pair_limit_waits_powers_of_four_for_this_conversation() {
        assert_eq!(pauses(FailureClass::PairLimit, "131056")[..5], [1, 4, 16, 64, 256]);
    }

    #[test]
    fn exactly_the_classes_that_wait_get_another_turn() {
        for class in FailureClass::ALL {
            let again = next(&failure(class, "1"), 1, None, None, NOW) != Next::Final;
            assert_eq!(again, class.waits(), "{class:?}");
        }
    }

    #[test]
    fn a_providers_wish_is_granted_within_reason() {
        let throttled = failure(FailureClass::Throttled, "130429");
        let wished = |seconds| next(&throttled, 1, None, Some(Duration::from_secs(seconds)), NOW);
        assert_eq!(wished(7), Next::Again { at: NOW + Duration::from_secs(7) });
        assert_eq!(wished(1_000_000), Next::Again { at: NOW + RETRY_AFTER_MAX });
        assert_eq!(slow_down(2, Some(Duration::from_secs(7)), 0.0), Duration::from_secs(7));
    }

    #[test]
    fn a_channel_that_is_too_fast_again_waits_longer() {
        let waits: Vec<u64> = (1..14).map(|streak| slow_down(streak, None, 0.0).as_secs()).collect();
        assert_eq!(waits[..5], [1, 2, 4, 8, 16]);
        assert_eq!(waits[12], 300);
        assert_eq!(slow_down(1_000, None, 0.0), THROTTLED_MAX);
    }
}
