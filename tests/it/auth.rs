//! Signing in through the real doors: tokens of a service key, tokens of another issuer, gRPC, gRPC-Web and HTTP.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message as _;
use relevo_proto::Problem;
use relevo_proto::auth::v1 as auth;
use relevo_proto::auth::v1::auth_service_client::AuthServiceClient;
use relevo_proto::query::v1 as query;
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Client, Setup, eventually_within};
use reqwest::header::HeaderMap;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tonic::{Code, Status};

/// A token of one second has ended by then, however slow the machine is.
const EXPIRED_WITHIN: Duration = Duration::from_secs(30);
const PAGE: &str = "https://desk.example";

fn code(status: &Status) -> &'static str {
    Problem::from_status(status).map_or("not ours", |problem| problem.code.as_str())
}

fn wanted(agent: &str) -> auth::MintTokenRequest {
    auth::MintTokenRequest { agent_id: agent.to_owned(), ..Default::default() }
}

async fn mint(by: &Client, request: auth::MintTokenRequest) -> Result<auth::MintTokenResponse, Status> {
    Ok(AuthServiceClient::new(by.channel()).mint_token(by.request(request)).await?.into_inner())
}

async fn renew(by: &Client) -> Result<auth::RenewTokenResponse, Status> {
    let request = by.request(auth::RenewTokenRequest::default());
    Ok(AuthServiceClient::new(by.channel()).renew_token(request).await?.into_inner())
}

async fn counters(client: &Client) -> Result<query::GetCountersResponse, Status> {
    let request = query::GetCountersRequest::default();
    Ok(client.inbox().get_counters(client.request(request)).await?.into_inner())
}

/// Status and body of `GET /v1/whoami`.
async fn whoami(broker: &Broker, credential: Option<&str>) -> (u16, Value) {
    let mut request = reqwest::Client::new().get(format!("{}/v1/whoami", broker.http)).header("accept-language", "en");
    if let Some(credential) = credential {
        request = request.header("authorization", format!("Bearer {credential}"));
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn as_client(broker: &Broker, token: &str) -> Client {
    Client::new(&broker.grpc, token)
}

/// A broker with more configuration than the demo's.
async fn configured(folder: &Path, text: &str) -> Broker {
    let file = folder.join("more.toml");
    std::fs::write(&file, text).unwrap();
    let args = vec!["--config".to_owned(), file.display().to_string()];
    Broker::start_with(Setup { args, ..Setup::default() }).await
}

#[tokio::test]
async fn a_service_signs_an_agent_in_and_the_token_is_the_agent_at_every_door() {
    let broker = Broker::start().await;
    let service = broker.client("service");
    let minted = mint(&service, wanted("laura")).await.unwrap();
    let laura = as_client(&broker, &minted.token);

    // The agent sees and does what an agent may, under their own name.
    post_meta(&broker.http, meta_text("5491155550101", "María García", "wamid.1", "Hola")).await;
    broker.client("admin").settled(1).await;
    let row = laura.conversations().await.remove(0);
    let min_position = laura.pause(&row.conversation_id, "la atiendo yo").await.unwrap().position;
    let conversation_id = row.conversation_id;
    let request = query::GetConversationRequest { conversation_id, min_position, ..Default::default() };
    let paused = laura.inbox().get_conversation(laura.request(request)).await.unwrap().into_inner();
    let by = paused.conversation.unwrap().pause.unwrap().by.unwrap();
    assert_eq!((by.id.as_str(), by.name.as_str()), ("laura", "Laura"));
    // An agent is no operator.
    assert_eq!(laura.intake_status().await.unwrap_err().code(), Code::PermissionDenied);

    let (status, identity) = whoami(&broker, Some(&minted.token)).await;
    assert_eq!(status, 200);
    let expected = json!({
        "tenant": "demo", "name": "laura", "role": "agent", "whole_tenant": false, "channels": [], "teams": ["recepcion"]
    });
    assert_eq!(identity["identity"], expected);
    assert!(identity["valid_until"].is_string());
    let (status, refused) = whoami(&broker, None).await;
    assert_eq!((status, refused["code"].as_str()), (401, Some("UNAUTHENTICATED")));

    // Renewing gives another token of the same session.
    let renewed = renew(&laura).await.unwrap();
    assert_eq!(renewed.renewable_until, minted.renewable_until);
    assert_eq!(whoami(&broker, Some(&renewed.token)).await.0, 200);
}

#[tokio::test]
async fn a_service_key_does_nothing_but_mint_and_nobody_else_mints() {
    let broker = Broker::start().await;
    let service = broker.client("service");
    assert_eq!(code(&counters(&service).await.unwrap_err()), "FORBIDDEN");
    assert_eq!(code(&service.intake_status().await.unwrap_err()), "FORBIDDEN");
    for (name, request, expected) in [
        ("admin", wanted("laura"), "FORBIDDEN"),
        ("agent", wanted("laura"), "FORBIDDEN"),
        ("service", wanted("nobody"), "ASSIGNEE_NOT_FOUND"),
        ("service", wanted("bea"), "ASSIGNEE_NOT_FOUND"),
        ("service", wanted(""), "INVALID_ARGUMENT"),
        ("service", wanted("operaciones"), "FORBIDDEN"),
        ("service", auth::MintTokenRequest { role: "supervisor".into(), ..wanted("laura") }, "FORBIDDEN"),
        ("service", auth::MintTokenRequest { role: "boss".into(), ..wanted("laura") }, "INVALID_ARGUMENT"),
        ("service", auth::MintTokenRequest { teams: vec!["ventas".into()], ..wanted("laura") }, "FORBIDDEN"),
        ("service", auth::MintTokenRequest { channels: vec!["wa-b".into()], ..wanted("laura") }, "FORBIDDEN"),
        ("service", auth::MintTokenRequest { ttl_seconds: 901, ..wanted("laura") }, "INVALID_ARGUMENT"),
    ] {
        let refused = mint(&broker.client(name), request.clone()).await.unwrap_err();
        assert_eq!(code(&refused), expected, "{name}: {request:?}");
    }
    assert_eq!(code(&mint(&as_client(&broker, "unknown"), wanted("laura")).await.unwrap_err()), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_token_can_be_narrowed_to_a_channel() {
    let broker = Broker::start().await;
    post_meta(&broker.http, meta_text("5491155550101", "María García", "wamid.1", "Hola")).await;
    broker.client("admin").settled(1).await;
    let narrow = |channel: &str| auth::MintTokenRequest { channels: vec![channel.into()], ..wanted("laura") };
    for (channel, seen) in [("wa-main", 1), ("demo-mail", 0)] {
        let token = mint(&broker.client("service"), narrow(channel)).await.unwrap().token;
        assert_eq!(as_client(&broker, &token).conversations().await.len(), seen, "{channel}");
    }
}

// Stopping blocks a thread, and connections must answer meanwhile for the broker to end in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_says_so_and_a_restart_ends_no_session() {
    let mut broker = Broker::start().await;
    let service = broker.client("service");
    let long = mint(&service, wanted("carla")).await.unwrap().token;
    let short = mint(&service, auth::MintTokenRequest { ttl_seconds: 1, ..wanted("laura") }).await.unwrap().token;
    let expired = eventually_within("the token has expired", EXPIRED_WITHIN, async || {
        let (status, body) = whoami(&broker, Some(&short)).await;
        (status == 401).then_some(body)
    });
    assert_eq!(expired.await["code"], "TOKEN_EXPIRED");
    assert_eq!(code(&counters(&as_client(&broker, &short)).await.unwrap_err()), "TOKEN_EXPIRED");

    broker.stop();
    broker.restart().await;
    assert_eq!(whoami(&broker, Some(&long)).await.1["identity"]["name"], "carla");
    assert_eq!(whoami(&broker, Some(&short)).await.1["code"], "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_watch_ends_with_its_token_and_says_where_to_go_on() {
    let broker = Broker::start().await;
    let minted = mint(&broker.client("service"), auth::MintTokenRequest { ttl_seconds: 2, ..wanted("laura") }).await;
    let laura = as_client(&broker, &minted.unwrap().token);
    let watch = query::WatchInboxRequest::default();
    let mut stream = laura.inbox().watch_inbox(laura.request(watch.clone())).await.unwrap().into_inner();
    let mut last = String::new();
    let ended = loop {
        match tokio::time::timeout(EXPIRED_WITHIN, stream.message()).await.expect("the watch ends with its token") {
            Ok(Some(message)) => last = message.position,
            Ok(None) => panic!("ended without a word"),
            Err(status) => break status,
        }
    };
    assert_eq!(code(&ended), "TOKEN_EXPIRED");
    let position = Problem::from_status(&ended).unwrap().subject("position").unwrap_or_default().to_owned();
    assert_eq!(position, last);
    // With a new token it goes on from there.
    let again = as_client(&broker, &mint(&broker.client("service"), wanted("laura")).await.unwrap().token);
    let resumed = query::WatchInboxRequest { from_position: position, ..watch };
    let mut stream = again.inbox().watch_inbox(again.request(resumed)).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
}

/// One unary call by gRPC-Web, as a page makes it: HTTP/1.1, one frame, trailers behind the body.
async fn grpc_web(broker: &Broker, path: &str, token: &str, message: &[u8], origin: &str) -> (HeaderMap, Vec<u8>) {
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    let answer = reqwest::Client::new()
        .post(format!("{}/{path}", broker.grpc))
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1")
        .header("origin", origin)
        .header("authorization", format!("Bearer {token}"))
        .body(frame)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    (answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
}

async fn preflight(url: String, method: &str, origin: &str) -> HeaderMap {
    let request = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, url)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,content-type,x-grpc-web,accept-language");
    request.send().await.unwrap().headers().clone()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_page_calls_by_grpc_web_from_a_configured_origin_and_from_no_other() {
    let temp = tempfile::tempdir().unwrap();
    let broker = configured(temp.path(), &format!("[server]\ncors_origins = [\"{PAGE}\"]\n")).await;
    let token = mint(&broker.client("service"), wanted("laura")).await.unwrap().token;
    let rpc = "relevo.auth.v1.AuthService/WhoAmI";

    let (headers, body) = grpc_web(&broker, rpc, &token, &[], PAGE).await;
    assert_eq!(text(&headers, "access-control-allow-origin"), Some(PAGE));
    let exposed = text(&headers, "access-control-expose-headers").unwrap_or_default().to_owned();
    for header in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        assert!(exposed.contains(header), "{exposed}");
    }
    let length = usize::try_from(u32::from_be_bytes(body[1..5].try_into().unwrap())).unwrap();
    let message = auth::WhoAmIResponse::decode(&body[5..5 + length]).unwrap();
    assert_eq!(message.identity.unwrap().name, "laura");
    let trailers = &body[5 + length..];
    assert_eq!(trailers[0], 0x80, "a frame of trailers");
    assert!(String::from_utf8_lossy(trailers).contains("grpc-status:0"), "{trailers:?}");

    // A refusal keeps its details.
    let (headers, body) = grpc_web(&broker, rpc, "unknown", &[], PAGE).await;
    let all = format!("{headers:?}{}", String::from_utf8_lossy(&body));
    assert!(all.contains("grpc-status-details-bin"), "{all}");

    let url = format!("{}/{rpc}", broker.grpc);
    let allowed = preflight(url.clone(), "POST", PAGE).await;
    assert_eq!(text(&allowed, "access-control-allow-origin"), Some(PAGE));
    for other in ["https://evil.example", "http://desk.example", "https://desk.example.evil.example", "null"] {
        assert_eq!(text(&preflight(url.clone(), "POST", other).await, "access-control-allow-origin"), None, "{other}");
        let (headers, _) = grpc_web(&broker, rpc, &token, &[], other).await;
        assert_eq!(text(&headers, "access-control-allow-origin"), None, "{other}");
    }
    let whoami = format!("{}/v1/whoami", broker.http);
    assert_eq!(text(&preflight(whoami.clone(), "GET", PAGE).await, "access-control-allow-origin"), Some(PAGE));
    assert_eq!(text(&preflight(whoami, "GET", "https://evil.example").await, "access-control-allow-origin"), None);
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn signed(key: &Ed25519KeyPair, id: &str, claims: &Value) -> String {
    let header = json!({ "alg": "EdDSA", "kid": id, "typ": "JWT" });
    let message = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
    format!("{message}.{}", base64(key.sign(message.as_bytes())))
}

fn pair() -> Ed25519KeyPair {
    let made = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap()
}

#[tokio::test]
async fn an_identity_provider_signs_in_the_agents_that_it_may() {
    let temp = tempfile::tempdir().unwrap();
    let key = pair();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": base64(key.public_key()) });
    let set = temp.path().join("jwks.json");
    std::fs::write(&set, json!({ "keys": [jwk] }).to_string()).unwrap();
    let config = format!(
        "[[auth.issuers]]\nissuer = 'https://id.example'\naudiences = ['relevo']\njwks_file = {set:?}\n\
         tenants = ['demo']\nagent_claim = 'relevo_agent'\n"
    );
    let broker = configured(temp.path(), &config).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims =
        |agent: &str| json!({ "iss": "https://id.example", "aud": "relevo", "exp": now + 600, "relevo_agent": agent });

    let good = signed(&key, "k1", &claims("laura"));
    let (status, identity) = whoami(&broker, Some(&good)).await;
    assert_eq!((status, identity["identity"]["name"].as_str()), (200, Some("laura")), "{identity}");
    let laura = as_client(&broker, &good);
    assert!(counters(&laura).await.is_ok());
    assert_eq!(code(&renew(&laura).await.unwrap_err()), "FORBIDDEN");

    // Supervisors are beyond `roles`, others are nobody here, and another key is nobody's.
    for token in [
        signed(&key, "k1", &claims("carla")),
        signed(&key, "k1", &claims("nobody")),
        signed(&key, "k1", &claims("bea")),
        signed(&pair(), "k1", &claims("laura")),
    ] {
        assert_eq!(whoami(&broker, Some(&token)).await.0, 401);
    }
    let mut old = claims("laura");
    old["exp"] = json!(now - 600);
    assert_eq!(whoami(&broker, Some(&signed(&key, "k1", &old))).await.1["code"], "TOKEN_EXPIRED");
}
