//! The log is away for a while, silent and then dead, in the middle of a busy day: webhooks are told 503, staff UNAVAILABLE with a time
//! to try again, and what was shown before can be read. Then all goes on by itself and nothing is lost.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use relevo_proto::Problem;
use relevo_testkit::NatsServer;
use tonic::Code;

use super::kills::{closed_on, settled, with_a_bot_and};
use super::load::Load;
use super::promises::Promise;
use super::{Report, stored};
use crate::client::fresh_id;
use crate::delivery::rig::key;
use crate::webhook::{meta_text, post_meta};
use crate::{Client, eventually_within};

/// How long an append of a webhook may take here, in seconds: less than the log is away.
const APPEND_SECONDS: u64 = 2;
/// Posts before, between and behind the times when the log is away.
const POSTS: u64 = 40;
/// How long going on may take.
const BACK_WITHIN: Duration = Duration::from_mins(1);

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    /// How long the log is away, each time.
    pub away: Duration,
}

/// How the log is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Away {
    /// It does not answer.
    Silent,
    /// It is not there.
    Dead,
}

/// Runs the plan. Panics if somebody was told something else than that the log is away, or if it does not go on.
pub async fn run(plan: Plan) -> Report {
    let mut nats = NatsServer::sync_always().await;
    let env = vec![("RELEVO__WEBHOOK__APPEND_TIMEOUT_SECONDS".to_owned(), APPEND_SECONDS.to_string())];
    let (mut rig, _rules) = with_a_bot_and(Some(nats.url()), env).await;
    let (http, grpc) = (rig.broker.http.clone(), rig.broker.grpc.clone());
    let staff = Client::new(&grpc, &key("laura"));
    let load = Load::start(&rig, plan.seed);
    load.account.more(POSTS).await;
    // What was answered need not be shown yet.
    let shown = async || staff.conversations().await.first().map(drop);
    eventually_within("a conversation is shown", BACK_WITHIN, shown).await;
    for how in [Away::Silent, Away::Dead] {
        let pid = Pid::from_raw(i32::try_from(nats.pid().unwrap()).unwrap());
        match how {
            Away::Silent => kill(pid, Signal::SIGSTOP).unwrap(),
            Away::Dead => nats.kill9(),
        }
        let until = Instant::now() + plan.away;
        let mut told = 0;
        while told == 0 || Instant::now() < until {
            told += 1;
            tells(&http, &staff, how, told).await;
        }
        match how {
            Away::Silent => kill(pid, Signal::SIGCONT).unwrap(),
            Away::Dead => nats.restart().await,
        }
        rig.broker.ready().await;
        // Whoever was told 503 says it again, whether it was stored or not.
        for n in 1..=told {
            let text = said(how, n);
            let taken = async || (post_meta(&http, nobody(&text)).await == 200).then_some(());
            eventually_within("said again", BACK_WITHIN, taken).await;
            load.account.promise(Promise { sender: text.clone(), text, place: 0 });
        }
        let before = load.account.posts();
        let goes_on = async || (load.account.posts() >= before + POSTS).then_some(());
        eventually_within("it goes on by itself", BACK_WITHIN, goes_on).await;
    }
    let account = load.rest().await;
    assert!(account.refused.load(std::sync::atomic::Ordering::SeqCst) > 0, "no post of the load was refused");
    settled(&rig.broker, account.posts()).await;
    let findings = closed_on(&mut rig, &account, false, stored::external(&nats.url())).await;
    Report::of("log away", 0, findings)
}

fn said(how: Away, n: u32) -> String {
    format!("sin respuesta {how:?} {n}")
}

fn nobody(text: &str) -> String {
    meta_text("5491155569998", "Nadie", &format!("wamid.{text}"), text)
}

/// What webhooks and staff are told now.
async fn tells(http: &str, staff: &Client, how: Away, n: u32) {
    let status = post_meta(http, nobody(&said(how, n))).await;
    assert_eq!(status, 503, "{how:?}: a webhook");
    let rows = staff.conversations().await;
    let row = rows.first().expect("lists can be read");
    let pause = staff.pause(&row.conversation_id, &fresh_id()).await;
    let status = pause.expect_err("a pause cannot be written");
    let problem = Problem::from_status(&status).unwrap_or_else(|| panic!("{how:?}: {status:?}"));
    // Whoever was silent may have taken it.
    let codes: &[Code] = match how {
        Away::Silent => &[Code::Unavailable, Code::DeadlineExceeded],
        Away::Dead => &[Code::Unavailable],
    };
    assert!(codes.contains(&status.code()) && problem.code.retryable(), "{how:?}: {status:?}");
    assert!(problem.retry_after.is_some(), "{how:?}: no time to try again: {status:?}");
}
