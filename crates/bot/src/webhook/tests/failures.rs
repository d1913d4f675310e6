//! Web services that hang, redirect, flood, fail, or are not there.

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::*;
use crate::taker::{Media, Ready};
use crate::webhook::{FAILURES_MAX, REST_MIN};

/// So short that a test of a time-out does not take long, and long enough to be connected to.
const SHORT: Duration = Duration::from_millis(400);

async fn failed(behaviour: Behaviour, timeout: Duration) -> TakeErrorKind {
    let web = Web::start(behaviour).await;
    let mut settings = settings(&web);
    settings.timeout = timeout;
    let start = std::time::Instant::now();
    let error = bot(settings).take(&turn()).await.unwrap_err();
    assert!(start.elapsed() < timeout + Duration::from_secs(10), "took {:?}", start.elapsed());
    error.kind
}

#[tokio::test]
async fn who_hangs_is_given_up_in_time() {
    assert_eq!(failed(Behaviour::stall(""), SHORT).await, TakeErrorKind::TimedOut);
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"actions\":";
    assert_eq!(failed(Behaviour::stall(half), SHORT).await, TakeErrorKind::TimedOut);
    assert_eq!(failed(Behaviour::stall("HTTP/1.1 200 OK\r\ncontent-"), SHORT).await, TakeErrorKind::TimedOut);
}

#[tokio::test]
async fn who_breaks_off_or_is_not_there_is_told_apart() {
    assert_eq!(failed(Behaviour::raw(""), LONG).await, TakeErrorKind::BrokenOff);
    assert_eq!(failed(Behaviour::raw("SSH-2.0-OpenSSH_9\r\n"), LONG).await, TakeErrorKind::BrokenOff);
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{}";
    assert_eq!(failed(Behaviour::raw(half), LONG).await, TakeErrorKind::BrokenOff);

    let gone = Web::start(Behaviour::json("{}")).await;
    let mut nobody = settings(&gone);
    // A port that is bound and does not listen refuses connections, and nobody else gets it meanwhile.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    nobody.url = format!("http://127.0.0.1:{}/", bound.local_addr().unwrap().port());
    assert_eq!(bot(nobody).take(&turn()).await.unwrap_err().kind, TakeErrorKind::Unreachable);
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let other = Web::start(Behaviour::json("{}")).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", other.url("/elsewhere"));
        assert_eq!(failed(Behaviour::status(status, &location), LONG).await, TakeErrorKind::Redirected(status));
    }
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn a_page_is_no_answer_and_is_called_one() {
    let page = |media: &str| Behaviour::ok(media, "<html><body>Sign in</body></html>");
    assert_eq!(failed(page("text/html; charset=utf-8"), LONG).await, TakeErrorKind::NotJson(Media::Html));
    assert_eq!(failed(page("text/plain"), LONG).await, TakeErrorKind::NotJson(Media::Other));
    let untold = Behaviour::raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    assert_eq!(failed(untold, LONG).await, TakeErrorKind::NotJson(Media::Untold));
    let html = TakeErrorKind::NotJson(Media::Html).to_string();
    assert_eq!(html, "answered with a page of HTML, not with JSON");
}

#[tokio::test]
async fn ten_megabytes_are_not_read() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let announced = format!("{head}content-length: 10485760\r\n\r\n");
    assert_eq!(failed(Behaviour::flood(&announced), LONG).await, TakeErrorKind::TooBig);
    // Without an end, and without saying so.
    let endless = format!("{head}connection: close\r\n\r\n");
    assert_eq!(failed(Behaviour::flood(&endless), LONG).await, TakeErrorKind::TooBig);
    // An endless head.
    assert_ne!(failed(Behaviour::flood("HTTP/1.1 200 OK\r\nx: "), LONG).await, TakeErrorKind::TimedOut);
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_called_unless_that_is_allowed() {
    let web = Web::start(Behaviour::json("{}")).await;
    let mut named = settings(&web);
    named.with_loopback = false;
    named.url = web.url("/").replace("http://127.0.0.1", "https://localhost");
    assert_eq!(bot(named).take(&turn()).await.unwrap_err().kind, TakeErrorKind::PrivateAddress);
    assert_eq!(web.requests().len(), 0);
}

#[tokio::test]
async fn a_status_says_whether_it_makes_sense_to_try_again() {
    for (status, transient) in
        [(500, true), (503, true), (429, true), (408, true), (400, false), (401, false), (404, false)]
    {
        let web = Web::start(Behaviour::status(status, "retry-after: 7\r\n")).await;
        let error = bot(settings(&web)).take(&turn()).await.unwrap_err();
        assert_eq!(error.kind, TakeErrorKind::Status(status));
        assert_eq!((error.transient(), error.retry_after), (transient, Some(Duration::from_secs(7))));
    }
    let web = Web::start(Behaviour::status(503, "retry-after: 99999999999\r\n")).await;
    let error = bot(settings(&web)).take(&turn()).await.unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_mins(5)));
}

#[tokio::test]
async fn after_five_failures_in_a_row_nobody_calls_until_the_rest_is_over() {
    let web = Web::start(Behaviour::status(500, "")).await;
    let bot = bot(settings(&web));
    for _ in 0..FAILURES_MAX {
        assert_eq!(bot.take(&turn()).await.unwrap_err().kind, TakeErrorKind::Status(500));
    }
    let resting = bot.take(&turn()).await.unwrap_err();
    assert_eq!(resting.kind, TakeErrorKind::Resting);
    assert!(resting.transient() && resting.retry_after.is_some_and(|rest| rest <= REST_MIN));
    assert_eq!(web.requests().len(), FAILURES_MAX as usize);
    let condition = bot.condition();
    assert_eq!((condition.failed, condition.in_a_row, condition.good), (5, 5, 0));
    let ready = bot.ready();
    assert!(ready.turns == 0 && ready.again_in > Duration::ZERO && ready.again_in <= REST_MIN, "{ready:?}");

    // The rest passes; the service has been mended.
    web.behave(Behaviour::json("{}"));
    tokio::time::pause();
    tokio::time::advance(REST_MIN).await;
    tokio::time::resume();
    assert_eq!(bot.ready(), Ready { turns: 1, again_in: Duration::ZERO });
    assert_eq!(bot.take(&turn()).await, Ok(vec![]));
    assert_eq!(bot.ready(), Ready { turns: 16, again_in: Duration::ZERO });
    assert_eq!((bot.condition().in_a_row, bot.condition().rests_for), (0, Duration::ZERO));
    assert_eq!(bot.take(&turn()).await, Ok(vec![]));
}

#[tokio::test]
async fn no_more_calls_run_at_the_same_time_than_may() {
    let go = Arc::new(Notify::new());
    let web = Web::start(Behaviour::Wait(Arc::clone(&go))).await;
    let mut few = settings(&web);
    few.calls = 2;
    let bot = Arc::new(bot(few));
    let mut calls = JoinSet::new();
    for _ in 0..6 {
        let bot = Arc::clone(&bot);
        calls.spawn(async move { bot.take(&turn()).await });
    }
    web.came(2).await;
    for done in 1..=6 {
        go.notify_one();
        let ended = tokio::time::timeout(LONG, calls.join_next()).await.expect("a call ends");
        assert_eq!(ended.unwrap().unwrap(), Ok(vec![]), "call {done}");
    }
    assert_eq!(web.most_running(), 2);
}

#[tokio::test]
async fn who_waits_too_long_for_a_place_is_told_so_and_it_is_nobodys_failure() {
    let go = Arc::new(Notify::new());
    let web = Web::start(Behaviour::Wait(Arc::clone(&go))).await;
    let mut one = settings(&web);
    (one.calls, one.timeout) = (1, Duration::from_secs(2));
    let bot = Arc::new(bot(one));
    // The only place is held by hand, so that no clock decides who comes first.
    let place = bot.calls.acquire().await.unwrap();
    let error = bot.take(&turn()).await.unwrap_err();
    assert_eq!(error.kind, TakeErrorKind::Busy);
    assert!(error.transient());
    drop(place);
    assert_eq!((bot.condition().failed, web.requests().len()), (0, 0));
}
