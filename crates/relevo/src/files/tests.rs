//! The doors, with a real store in a folder: what is taken, what is served, and how.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt as _;
use http::header::{AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use relevo_command::StoredFiles as _;
use relevo_domain::conversation::StoredFile;
use relevo_domain::{TenantId, Timestamp};
use relevo_eventlog::{BLOB_BYTES_MAX, MemoryLog};
use relevo_providers::{FileLinks as _, Files as _};
use serde_json::Value;
use tower::ServiceExt as _;

use super::token::Grant;
use super::*;
use crate::auth::KEY_BYTES_MIN;
use crate::config::{Layers, check, load};

const BEGIN: i64 = 1_760_000_000_000;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const AGENT: &str = "Bearer relevo-demo-agent";

thread_local! {
    static NOW: AtomicI64 = const { AtomicI64::new(BEGIN) };
}

fn clock() -> Timestamp {
    NOW.with(|now| Timestamp::from_millis(now.load(Ordering::Relaxed)))
}

struct World {
    folder: tempfile::TempDir,
    doors: FileDoors,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl World {
    fn new(scan: Option<&str>) -> Self {
        let config = check::check(&load(&Layers { demo: true, ..Layers::default() }).unwrap()).unwrap();
        let secrets = vec![vec![7; KEY_BYTES_MIN]];
        let folder = tempfile::tempdir().unwrap();
        let scanner = scan.and_then(|script| Scanner::new(&["sh", "-c", script].map(str::to_owned)));
        let doors = FileDoors {
            auth: Arc::new(Auth::new(&config, &secrets, clock).unwrap()),
            blobs: Blobs::folder(folder.path()),
            tokens: Arc::new(FileTokens::new(&secrets)),
            scanner,
            clock,
            tenant_parts: None,
        };
        Self { folder, doors }
    }

    async fn ask(&self, request: http::request::Builder, body: impl Into<Body>) -> Answer {
        let response = router(self.doors.clone()).oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    async fn post(&self, authorization: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post("/v1/files").header(AUTHORIZATION, authorization);
        self.ask(request.header(CONTENT_TYPE, content_type), body).await
    }

    async fn get(&self, grant: &Grant) -> Answer {
        self.get_part(grant, &[]).await
    }

    async fn get_part(&self, grant: &Grant, headers: &[(&str, &str)]) -> Answer {
        let token = self.doors.tokens.seal(grant).unwrap();
        let request = Request::get(format!("/v1/files/{token}"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.ask(request, Body::empty()).await
    }

    async fn granted(&self, bytes: &'static [u8], mime_type: &str, name: &str) -> Grant {
        let sha256 = self.doors.blobs.put(&tenant(), Bytes::from_static(bytes)).await.unwrap();
        Grant {
            tenant: tenant(),
            sha256,
            mime_type: mime_type.to_owned(),
            file_name: Some(name.to_owned()),
            download: false,
            valid_until: clock() + Duration::from_mins(10),
        }
    }

    fn stored(&self) -> bool {
        self.folder.path().join("demo").exists()
    }
}

fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

#[tokio::test]
async fn who_may_send_may_store_and_the_type_is_that_of_the_content() {
    let world = World::new(None);
    for (authorization, status) in [("", 401), ("Bearer nobody", 401), ("Bearer relevo-demo-service", 403)] {
        let refused = world.post(authorization, "image/png", PNG).await;
        assert_eq!(refused.status, status, "{authorization}");
    }
    let missing = world.ask(Request::post("/v1/files"), PNG).await;
    assert_eq!((missing.status.as_u16(), missing.json()["code"].as_str().unwrap()), (401, "UNAUTHENTICATED"));
    assert!(!world.stored());

    let answer = world.post(AGENT, "image/png", PNG).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    let said = answer.json();
    assert_eq!((said["mime_type"].as_str(), said["size_bytes"].as_str()), (Some("image/png"), Some("16")));
    let sha256 = said["sha256"].as_str().unwrap();
    assert_eq!(world.doors.blobs.get(&tenant(), sha256).await.unwrap().as_deref(), Some(PNG));
    assert_eq!(world.post(AGENT, "image/png", PNG).await.json(), said);

    let liar = world.post(AGENT, "image/png", "<html><script>").await;
    assert_eq!(liar.json()["mime_type"], "text/html");
}

#[tokio::test]
async fn what_is_too_big_or_infected_or_breaks_off_is_not_stored() {
    let world = World::new(Some("! grep -q EICAR"));
    let declared = Request::post("/v1/files").header(AUTHORIZATION, AGENT);
    let declared = declared.header("content-length", (BLOB_BYTES_MAX + 1).to_string());
    assert_eq!(world.ask(declared, Body::empty()).await.json()["code"], "ATTACHMENT_TOO_BIG");
    let piece = Bytes::from(vec![0; 1 << 20]);
    let pieces = futures::stream::iter((0..101).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    let undeclared = world.post(AGENT, "", Body::from_stream(pieces)).await;
    assert_eq!(undeclared.json()["code"], "ATTACHMENT_TOO_BIG");
    let broken = futures::stream::iter([Ok(Bytes::from_static(PNG)), Err(std::io::Error::other("gone"))]);
    let broken = world.post(AGENT, "image/png", Body::from_stream(broken)).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    let infected = world.post(AGENT, "text/plain", "x EICAR y").await;
    assert_eq!(
        (infected.status, infected.json()["code"].as_str()),
        (StatusCode::BAD_REQUEST, Some("INVALID_ARGUMENT"))
    );
    let (said, of_its_own) =
        (infected.json(), relevo_catalogue::text(relevo_catalogue::Language::Es, "upload-infected", &[]));
    assert_eq!(said["message"].as_str(), Some(of_its_own.as_str()));
    assert!(!world.stored());
    assert_eq!(world.post(AGENT, "text/plain", "hola").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_file_is_served_as_what_it_is_and_nothing_that_can_run_is_shown() {
    let world = World::new(None);
    let picture = world.get(&world.granted(PNG, "image/png", "foto año.png").await).await;
    assert_eq!((picture.status, picture.body.as_ref()), (StatusCode::OK, PNG));
    assert_eq!(picture.header("content-type"), "image/png");
    assert_eq!(
        picture.header("content-disposition"),
        "inline; filename=\"foto a_o.png\"; filename*=UTF-8''foto%20a%C3%B1o.png"
    );
    assert_eq!(picture.header("x-content-type-options"), "nosniff");
    assert!(picture.header("content-security-policy").contains("sandbox"));
    assert_eq!(picture.header("referrer-policy"), "no-referrer");
    assert_eq!(picture.header("content-length"), "16");
    assert!(picture.header("cache-control").starts_with("private, max-age="));

    let active = ["image/svg+xml", "text/html", "application/xml", "application/pdf", "application/zip", "x\r\ny", ""];
    for mime_type in active {
        let grant = world.granted(b"<svg onload=alert(1)>", mime_type, "a\"\r\nSet-Cookie: x.svg").await;
        let answer = world.get(&grant).await;
        assert_eq!(answer.status, StatusCode::OK);
        let disposition = answer.headers[CONTENT_DISPOSITION].to_str().unwrap();
        assert!(disposition.starts_with("attachment; filename=\"a_Set-Cookie_ x.svg\""), "{mime_type}: {disposition}");
        assert!(answer.headers.get("set-cookie").is_none());
        assert!(answer.headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let saved = Grant { download: true, ..world.granted(PNG, "image/png", "a.png").await };
    assert_eq!(world.get(&saved).await.header("content-disposition"), "attachment; filename=\"a.png\"");
}

#[tokio::test]
async fn an_address_is_good_for_its_file_its_tenant_and_its_time() {
    let world = World::new(None);
    let grant = world.granted(PNG, "image/png", "a.png").await;
    let token = world.doors.tokens.seal(&grant).unwrap();
    for forged in ["x".to_owned(), format!("{token}A"), token.to_lowercase(), "..%2f..%2fetc%2fpasswd".to_owned()] {
        let answer = world.ask(Request::get(format!("/v1/files/{forged}")), Body::empty()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{forged}");
    }
    let elsewhere = Grant { tenant: TenantId::new("other").unwrap(), ..grant.clone() };
    assert_eq!(world.get(&elsewhere).await.status, StatusCode::NOT_FOUND);
    let another = Grant { sha256: "00".repeat(32), ..grant.clone() };
    assert_eq!(world.get(&another).await.status, StatusCode::NOT_FOUND);
    for listing in ["/v1/files", "/v1/files/"] {
        let answer = world.ask(Request::get(listing), Body::empty()).await;
        assert!(answer.status.is_client_error(), "{listing}");
    }
    assert_eq!(world.get(&grant).await.status, StatusCode::OK);
    NOW.with(|now| now.fetch_add(600_000, Ordering::Relaxed));
    let expired = world.get(&grant).await;
    assert_eq!((expired.status, expired.json()["code"].as_str().unwrap()), (StatusCode::GONE, "TOKEN_EXPIRED"));
}

#[tokio::test]
async fn a_part_is_served_as_a_part_and_what_is_known_is_not_sent_again() {
    let world = World::new(None);
    let grant = world.granted(PNG, "image/png", "a.png").await;
    let part = world.get_part(&grant, &[("range", "bytes=1-3")]).await;
    assert_eq!((part.status, part.body.as_ref()), (StatusCode::PARTIAL_CONTENT, b"PNG".as_slice()));
    assert_eq!((part.header("content-range"), part.header("content-length")), ("bytes 1-3/16", "3"));
    let beyond = world.get_part(&grant, &[("range", "bytes=16-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */16"));
    let etag = format!("\"{}\"", grant.sha256);
    let known = world.get_part(&grant, &[("if-none-match", &etag)]).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let other = world.get_part(&grant, &[("range", "bytes=1-3"), ("if-range", "\"x\"")]).await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn a_large_file_arrives_whole() {
    let world = World::new(None);
    let large: Bytes = (0..1_000_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>().into();
    let answer = world.post(AGENT, "", large.clone()).await;
    let sha256 = answer.json()["sha256"].as_str().unwrap().to_owned();
    let grant = Grant { sha256, ..world.granted(b"", "video/mp4", "a.mp4").await };
    assert_eq!(world.get(&grant).await.body, large);
}

#[tokio::test]
async fn providers_and_commands_find_what_was_stored() {
    let world = World::new(None);
    let links = Links::new(Arc::clone(&world.doors.tokens), "https://r.example/", clock);
    let ports = FilePorts {
        blobs: world.doors.blobs.clone(),
        links: links.clone(),
        log: Arc::new(MemoryLog::new()),
        scanner: None,
    };
    let grant = world.granted(PNG, "image/png", "a.png").await;
    let file = StoredFile {
        sha256: grant.sha256.clone(),
        mime_type: "image/png".to_owned(),
        size_bytes: 16,
        file_name: Some("a.png".to_owned()),
    };
    let link = links.link(&tenant(), &file, Duration::from_mins(30));
    let path = link.strip_prefix("https://r.example").unwrap();
    assert_eq!(world.ask(Request::get(path), Body::empty()).await.body.as_ref(), PNG);
    assert_eq!(ports.read(&tenant(), &file.sha256).await.unwrap().as_deref(), Some(PNG));
    let facts = ports.look(&tenant(), &file.sha256).await.unwrap().unwrap();
    assert_eq!((facts.size_bytes, facts.mime_type.as_deref()), (16, Some("image/png")));
    assert_eq!(ports.look(&tenant(), &"00".repeat(32)).await.unwrap(), None);
}

#[tokio::test]
async fn bodies_that_are_announced_and_do_not_come_hold_no_memory() {
    let world = World::new(None);
    let routes = router(world.doors.clone());
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let request = Request::post("/v1/files").header(AUTHORIZATION, AGENT).header("content-length", BLOB_BYTES_MAX);
        let begun = futures::stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(PNG)) });
        let body = Body::from_stream(begun.chain(futures::stream::pending()));
        waiting.spawn(routes.clone().oneshot(request.body(body).unwrap()));
    }
    let stored = async {
        // After all the others.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let request = Request::post("/v1/files").header(AUTHORIZATION, AGENT).body(Body::from(PNG)).unwrap();
        routes.clone().oneshot(request).await.unwrap().status()
    };
    let stored = tokio::time::timeout(Duration::from_secs(5), stored).await;
    assert_eq!(stored.unwrap(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_is_sent_away() {
    let world = World::new(None);
    let drops = futures::stream::unfold((), |()| async {
        tokio::time::sleep_until(tokio::time::Instant::now() + Duration::from_secs(10)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
    });
    let begun = tokio::time::Instant::now();
    let answer = world.post(AGENT, "", Body::from_stream(drops)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());

    let large = Bytes::from(vec![1; 8 << 20]);
    let sha256 = world.doors.blobs.put(&tenant(), large.clone()).await.unwrap();
    let grant = Grant { sha256, ..world.granted(b"", "video/mp4", "a.mp4").await };
    let request = Request::get(format!("/v1/files/{}", world.doors.tokens.seal(&grant).unwrap()));
    let response = router(world.doors.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (mut body, mut taken) = (response.into_body(), 0);
    let ended = loop {
        tokio::time::sleep_until(tokio::time::Instant::now() + Duration::from_secs(25)).await;
        match body.frame().await {
            Some(Ok(frame)) => taken += frame.into_data().unwrap().len(),
            ended => break ended,
        }
    };
    assert!(taken < large.len() && ended.is_none_or(|frame| frame.is_err()), "{taken}");
}

#[tokio::test]
async fn a_part_is_read_without_the_rest() {
    let world = World::new(None);
    let grant = world.granted(PNG, "image/png", "a.png").await;
    let sha256 = grant.sha256.as_str();
    let place = world.folder.path().join("demo").join(&sha256[..2]).join(&sha256[2..4]).join(sha256);
    let damaged = [&PNG[..15], b"?"].concat();
    std::fs::write(place, damaged).unwrap();
    let part = world.get_part(&grant, &[("range", "bytes=0-3")]).await;
    assert_eq!((part.status, part.body.as_ref()), (StatusCode::PARTIAL_CONTENT, &PNG[..4]));
    for whole in [&[][..], &[("range", "bytes=0-")]] {
        assert_eq!(world.get_part(&grant, whole).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_tenant_that_has_its_share_stores_no_more() {
    let mut world = World::new(None);
    world.doors.tenant_parts = Some(TENANT_PARTS);
    assert_eq!(world.post(AGENT, "image/png", PNG).await.status, StatusCode::OK);
    // A share that what is there already fills.
    world.doors.tenant_parts = Some(u64::MAX);
    let full = world.post(AGENT, "image/png", PNG).await;
    assert_eq!(full.json()["code"], "LIMIT_REACHED");
}
