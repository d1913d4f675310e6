//! JSON over HTTP: the same answers as by gRPC, and a typed refusal for everything that is not acceptable.

use std::time::Duration;

use prost::{Message, Name};
use relevo_proto::command::v1 as command;
use relevo_proto::command::v1::conversation_service_client::ConversationServiceClient;
use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::assignment_service_client::AssignmentServiceClient;
use relevo_proto::query::v1::inbox_service_client::InboxServiceClient;
use relevo_proto::query::v1::metrics_service_client::MetricsServiceClient;
use relevo_proto::query::v1::pause_service_client::PauseServiceClient;
use relevo_proto::status::http_status;
use relevo_proto::{Problem, json};
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Client, Setup, eventually_within};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::{Response, Status};

const JSON: &str = "application/json";

/// A broker with one open conversation, and its id.
async fn begun() -> (Broker, String) {
    begun_as(Setup::default()).await
}

async fn begun_as(setup: Setup) -> (Broker, String) {
    let broker = Broker::start_with(setup).await;
    post_meta(&broker.http, meta_text("5491155550101", "María García", "wamid.1", "Hola, ¿está abierto?")).await;
    let admin = broker.client("admin");
    admin.settled(1).await;
    let id = admin.conversations().await.remove(0).conversation_id;
    (broker, id)
}

/// A broker that serves operators by HTTP, too.
fn with_admin() -> Setup {
    Setup { env: vec![("RELEVO__SERVER__REST_ADMIN".to_owned(), "true".to_owned())], ..Setup::default() }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a refusal.
    fn refused(&self) -> (u16, &str) {
        assert_eq!(self.body["error"]["code"], self.status, "{}", self.body);
        (self.status, self.body["error"]["reason"].as_str().unwrap_or_default())
    }

    fn detail(&self, kind: &str) -> &Value {
        let kind = format!("type.googleapis.com/google.rpc.{kind}");
        let details = self.body["error"]["details"].as_array().unwrap();
        details.iter().find(|detail| detail["@type"] == kind.as_str()).unwrap_or(&Value::Null)
    }

    /// The fields that a refusal names.
    fn fields(&self) -> Vec<&str> {
        let fields = self.detail("BadRequest")["fieldViolations"].as_array();
        fields.into_iter().flatten().map(|one| one["field"].as_str().unwrap()).collect()
    }
}

/// A request by a key of the demo.
struct Ask<'a> {
    broker: &'a Broker,
    key: &'a str,
    language: &'a str,
}

impl<'a> Ask<'a> {
    fn by(broker: &'a Broker, key: &'a str) -> Self {
        Self { broker, key, language: "en" }
    }

    async fn send(&self, method: Method, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.broker.http));
        request = request.header("accept-language", self.language);
        if !self.key.is_empty() {
            request = request.header("authorization", format!("Bearer relevo-demo-{}", self.key));
        }
        if !kind.is_empty() {
            request = request.header("content-type", kind).body(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", Vec::new()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, JSON, body.to_string().into_bytes()).await
    }
}

#[tokio::test]
async fn a_pause_is_previewed_made_found_and_ended() {
    let (broker, id) = begun().await;
    let laura = Ask::by(&broker, "agent");
    let preview = laura.get(&format!("/v1/conversations/{id}/pause:preview")).await;
    assert_eq!((preview.status, preview.header("content-type")), (200, JSON), "{}", preview.body);
    assert!(preview.body["question"].as_str().unwrap().contains("María García"), "{}", preview.body);
    assert_eq!(preview.body["conversation"]["bot"], "BOT_STATE_ACTIVE");

    let note = "está enojada: «¡ya van 3 veces!» 🦤";
    let wish = json!({ "commandId": "r1", "reason": "PAUSE_REASON_COMPLAINT", "note": note, "duration": "1800s" });
    let path = format!("/v1/conversations/{id}:pause");
    let paused = laura.post(&path, wish.clone()).await;
    assert_eq!((paused.status, &paused.body["alreadySo"]), (200, &json!(false)), "{}", paused.body);
    assert!(paused.body["version"].is_string(), "64 bits are text");
    assert!(paused.body["conversation"]["pause"]["until"].as_str().unwrap().ends_with('Z'));
    // Repeated, it is not done again.
    let again = laura.post(&path, wish).await;
    assert_eq!((again.status, &again.body["position"]), (200, &paused.body["position"]));

    let position = paused.body["position"].as_str().unwrap();
    let list = laura.get(&format!("/v1/pauses?min_position={position}&reason=PAUSE_REASON_COMPLAINT&pageSize=5")).await;
    assert_eq!(list.body["paused"][0]["pause"]["note"], note, "{}", list.body);
    assert_eq!(laura.get("/v1/pauses?reason=PAUSE_REASON_OTHER").await.body["paused"], json!([]));

    let resumed = laura.post(&format!("/v1/conversations/{id}:resume"), json!({ "command_id": "r2" })).await;
    assert_eq!((resumed.status, &resumed.body["conversation"]["bot"]), (200, &json!("BOT_STATE_ACTIVE")));
    let position = resumed.body["position"].as_str().unwrap();
    let history = laura.get(&format!("/v1/conversations/{id}/pause/history?minPosition={position}")).await;
    assert_eq!(history.body["entries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_not_acceptable_is_refused_by_name_and_changes_nothing() {
    let (broker, id) = begun().await;
    let laura = Ask::by(&broker, "agent");
    let path = format!("/v1/conversations/{id}:pause");
    let (good, fields) =
        (json!({ "commandId": "x1", "reason": "PAUSE_REASON_OTHER" }), ["nota", "locked", "reason", "until"]);
    let mut bad = good.clone();
    for (name, value) in fields.iter().zip([json!("x"), json!("yes"), json!("PAUSE_REASON_SECRET"), json!("mañana")]) {
        bad[*name] = value;
    }
    let refused = laura.post(&path, bad).await;
    assert_eq!(refused.refused(), (400, "INVALID_ARGUMENT"));
    let mut named = refused.fields();
    named.sort_unstable();
    assert_eq!(named, ["locked", "nota", "reason", "until"]);
    let said = refused.body.to_string();
    assert!(!said.contains("SECRET") && !said.contains("mañana"), "no value is repeated: {said}");
    assert_eq!(refused.detail("ErrorInfo")["metadata"]["outcome"], "not_applied");
    let spanish = Ask { language: "es", ..Ask::by(&broker, "agent") }.post(&path, json!({ "nota": 1 })).await;
    assert_eq!(spanish.detail("LocalizedMessage")["locale"], "es");
    let violation = &spanish.detail("BadRequest")["fieldViolations"][0];
    assert_eq!(violation["description"], "no es un campo de esta petición");

    for (kind, body, expected) in [
        (JSON, "{", 400),
        (JSON, "[1]", 400),
        (JSON, "\"x\"", 400),
        (JSON, "{\"note\":\"\u{1}\"}", 400),
        (JSON, "{\"conversationId\":\"cnv_00000000000000000000000000\"}", 400),
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "a=b", 415),
        ("application/json; charset=latin1", "{}", 415),
    ] {
        let answer = laura.send(Method::POST, &path, kind, body.as_bytes().to_vec()).await;
        assert_eq!(answer.refused(), (expected, "INVALID_ARGUMENT"), "{kind} {body}");
    }
    assert_eq!(laura.send(Method::POST, &path, JSON, vec![b'{', b'"', 0xff, b'"', b'}']).await.status, 400);
    let deep = "[".repeat(100_000);
    assert_eq!(laura.send(Method::POST, &path, JSON, deep.into_bytes()).await.status, 400);
    let (four, five) = (vec![b' '; 4 << 20], vec![b' '; 5 << 20]);
    assert_eq!(laura.send(Method::POST, &path, JSON, five).await.refused(), (413, "TOO_LARGE"));
    assert_eq!(laura.send(Method::POST, &path, JSON, four).await.refused(), (400, "INVALID_ARGUMENT"), "it is empty");

    let query = laura.post(&format!("{path}?commandId=x"), good).await;
    assert_eq!((query.refused().0, query.fields()), (400, vec!["commandId"]));
    let list = laura.get("/v1/conversations?filter.statuses=OPEN&filter=x&sise=1&pageSize=many&pageSize=2").await;
    assert_eq!(list.fields(), ["filter.statuses", "filter", "sise", "pageSize", "pageSize"]);
    for broken in ["/v1/conversations?filter.search=%FF", "/v1/conversations/%FF", "/v1/conversations/%zz"] {
        assert_eq!(laura.get(broken).await.refused().0, 400, "{broken}");
    }
    let pauses = Ask::by(&broker, "admin").get(&format!("/v1/conversations/{id}/pause/history")).await;
    assert_eq!(pauses.body["entries"], json!([]), "nothing was done");
}

#[tokio::test]
async fn who_may_not_is_told_as_by_grpc() {
    let (broker, id) = begun().await;
    let path = format!("/v1/conversations/{id}:pause");
    let wish = json!({ "commandId": "x1", "reason": "PAUSE_REASON_OTHER" });
    for key in ["", "nobody"] {
        let refused = Ask::by(&broker, key).post(&path, wish.clone()).await;
        assert_eq!(refused.refused(), (401, "UNAUTHENTICATED"));
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    for key in ["bot", "analyst", "service"] {
        assert_eq!(Ask::by(&broker, key).post(&path, wish.clone()).await.refused(), (403, "FORBIDDEN"), "{key}");
    }
    let foreign = Ask::by(&broker, "b-admin").post(&path, wish).await;
    assert_eq!(foreign.refused(), (404, "CONVERSATION_NOT_FOUND"));
    let minted = Ask::by(&broker, "service").post("/v1/auth/tokens", json!({ "agentId": "laura" })).await;
    assert_eq!(minted.body["identity"]["name"], "laura", "{}", minted.body);
}

#[tokio::test]
async fn what_only_operators_do_is_not_on_the_port_that_the_world_reaches_unless_it_is_wanted() {
    let (path, all) = ("/v1/admin/parked:retry", json!({ "all": true }));
    let (broker, _) = begun().await;
    let refused = Ask::by(&broker, "admin").post(path, all.clone()).await;
    assert_eq!(refused.refused(), (404, "ENDPOINT_NOT_FOUND"));

    let broker = Broker::start_with(with_admin()).await;
    assert_eq!(Ask::by(&broker, "agent").post(path, all.clone()).await.refused(), (403, "FORBIDDEN"));
    assert_eq!(Ask::by(&broker, "admin").post(path, all).await.status, 200);
}

#[tokio::test]
async fn a_path_that_is_not_there_is_404_and_another_method_says_which_are() {
    let (broker, id) = begun().await;
    let laura = Ask::by(&broker, "agent");
    for path in
        ["/v1/zebras", "/v1/conversations/", "/v1/conversations//messages", &format!("/v1/conversations/{id}:dance")]
    {
        assert_eq!(laura.get(path).await.refused(), (404, "ENDPOINT_NOT_FOUND"), "{path}");
    }
    let put = laura.send(Method::PUT, &format!("/v1/conversations/{id}:pause"), JSON, b"{}".to_vec()).await;
    assert_eq!((put.refused().0, put.header("allow")), (405, "POST, OPTIONS"));
    let delete = laura.send(Method::DELETE, "/v1/conversations", "", Vec::new()).await;
    assert_eq!((delete.refused().0, delete.header("allow")), (405, "GET, POST, HEAD, OPTIONS"));

    let (get, head) = (laura.get("/v1/tags").await, laura.send(Method::HEAD, "/v1/tags", "", Vec::new()).await);
    assert_eq!((head.status, head.body), (200, Value::Null));
    assert_eq!(head.headers.get("content-type"), get.headers.get("content-type"));
    let options = laura.send(Method::OPTIONS, "/v1/tags", "", Vec::new()).await;
    assert_eq!(options.status, 200);
    assert!(options.header("access-control-allow-methods").contains("PATCH"));
}

#[tokio::test]
async fn a_slow_body_holds_up_nobody() {
    let (broker, id) = begun().await;
    let address = broker.http.trim_start_matches("http://").to_owned();
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /v1/conversations/{id}:pause HTTP/1.1\r\nhost: x\r\nauthorization: Bearer relevo-demo-agent\r\n\
             content-type: application/json\r\ncontent-length: 3000000\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let paused = tokio::time::timeout(Duration::from_secs(10), async {
        let wish = json!({ "commandId": "x1", "reason": "PAUSE_REASON_OTHER" });
        Ask::by(&broker, "agent").post(&format!("/v1/conversations/{id}:pause"), wish).await.status
    });
    assert_eq!(paused.await.unwrap(), 200);
    // A body that says that it is too large is refused before it comes.
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /v1/conversations/{id}:pause HTTP/1.1\r\nhost: x\r\nauthorization: Bearer relevo-demo-agent\r\n\
         content-type: application/json\r\ncontent-length: 30000000000\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn the_document_says_what_is_served() {
    let broker = Broker::start_with(with_admin()).await;
    let document = Ask::by(&broker, "").get("/v1/openapi.json").await;
    assert_eq!((document.status, &document.body["openapi"]), (200, &json!("3.1.0")));
    let (admin, nobody) = (Ask::by(&broker, "admin"), Ask::by(&broker, ""));
    let mut asked = 0;
    for (template, methods) in document.body["paths"].as_object().unwrap() {
        let path: String = template
            .split('{')
            .map(|part| part.split_once('}').map_or(part.to_owned(), |(_, rest)| format!("7{rest}")))
            .collect();
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_ascii_uppercase().parse().unwrap();
            let body = if matches!(method, Method::GET | Method::DELETE) { "" } else { JSON };
            let refused = nobody.send(method.clone(), &path, body, b"{}".to_vec()).await;
            assert_eq!(refused.refused(), (401, "UNAUTHENTICATED"), "{method} {path}");
            // What is missing in an empty request is the service's word: it was asked.
            let answer = admin.send(method.clone(), &path, body, b"{}".to_vec()).await;
            let reason = answer.body["error"]["reason"].as_str().unwrap_or_default();
            assert!(answer.status != 501 && reason != "ENDPOINT_NOT_FOUND", "{method} {path}: {}", answer.body);
            asked += 1;
        }
    }
    assert!(asked > 60, "only {asked}");
}

/// What gRPC says, as JSON over HTTP would: names in lowerCamelCase, or the refusal's status, code and fields.
fn expected<M: Message + Name>(answer: Result<Response<M>, Status>) -> (u16, Value) {
    match answer {
        Ok(answer) => (200, camel(json::to_value(&answer.into_inner()).unwrap())),
        Err(status) => {
            let problem = Problem::from_status(&status).unwrap();
            let mut fields: Vec<_> =
                problem.violations.iter().map(|one| format!("{}: {}", one.field, one.description)).collect();
            fields.sort();
            (http_status(problem.code), json!([problem.code.as_str(), problem.message, fields]))
        }
    }
}

fn camel(value: Value) -> Value {
    let name = |snake: &str| {
        let mut parts = snake.split('_');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |name, part| name + &part[..1].to_ascii_uppercase() + &part[1..])
    };
    match value {
        Value::Object(object) => {
            Value::Object(object.into_iter().map(|(key, value)| (name(&key), camel(value))).collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(camel).collect()),
        other => other,
    }
}

fn got(answer: Answer) -> (u16, Value) {
    if answer.status == 200 {
        return (200, answer.body);
    }
    let error = &answer.body["error"];
    let violations = answer.detail("BadRequest")["fieldViolations"].as_array().cloned().unwrap_or_default();
    let mut fields: Vec<_> = violations
        .iter()
        .map(|one| format!("{}: {}", one["field"].as_str().unwrap(), one["description"].as_str().unwrap()))
        .collect();
    fields.sort();
    (answer.status, json!([error["reason"], error["message"], fields]))
}

#[tokio::test]
async fn every_answer_is_the_one_of_grpc() {
    let (broker, id) = begun_as(with_admin()).await;
    broker.client("agent").pause(&id, "primero").await.unwrap();
    let admin = Ask::by(&broker, "admin");
    let quiet = eventually_within("the views have all of the log", Duration::from_secs(30), async || {
        let status = admin.get("/v1/admin/views").await.body;
        let views = status["views"].as_array()?;
        (views.iter().all(|view| view["position"] == status["logPosition"])).then_some(())
    });
    quiet.await;
    for who in ["admin", "agent", "analyst", "bot", "b-admin"] {
        let (rest, grpc) = (Ask::by(&broker, who), broker.client(who));
        reads(&rest, &grpc, &id, who).await;
        reads(&rest, &grpc, "cnv_00000000000000000000000000", who).await;
        refusals(&rest, &grpc, &id, who).await;
    }
}

async fn reads(rest: &Ask<'_>, grpc: &Client, id: &str, who: &str) {
    let (mut inbox, mut pauses) = (InboxServiceClient::new(grpc.channel()), PauseServiceClient::new(grpc.channel()));
    let conversation_id = id.to_owned();
    let one = query::GetConversationRequest { conversation_id: conversation_id.clone(), ..Default::default() };
    let by_grpc = expected(inbox.get_conversation(grpc.request(one)).await);
    assert_eq!(got(rest.get(&format!("/v1/conversations/{id}")).await), by_grpc, "{who}");

    let thread = query::ListMessagesRequest {
        conversation_id: conversation_id.clone(),
        page_size: 1,
        newest_first: true,
        ..Default::default()
    };
    let by_grpc = expected(inbox.list_messages(grpc.request(thread)).await);
    let path = format!("/v1/conversations/{id}/messages?pageSize=1&newestFirst=true");
    // A page's token is another one each time.
    let without = |(status, mut body): (u16, Value)| {
        body.as_object_mut().map(|body| body.remove("nextPageToken"));
        (status, body)
    };
    assert_eq!(without(got(rest.get(&path).await)), without(by_grpc), "{who}");

    let list = query::ListConversationsRequest {
        filter: Some(query::ConversationFilter { search: "garcia".to_owned(), ..Default::default() }),
        page_size: 5,
        ..Default::default()
    };
    let by_grpc = expected(inbox.list_conversations(grpc.request(list)).await);
    assert_eq!(got(rest.get("/v1/conversations?filter.search=garcia&page_size=5").await), by_grpc, "{who}");

    let pause = query::GetPauseRequest { conversation_id: conversation_id.clone(), ..Default::default() };
    let by_grpc = expected(pauses.get_pause(grpc.request(pause)).await);
    assert_eq!(got(rest.get(&format!("/v1/conversations/{id}/pause")).await), by_grpc, "{who}");
    let paused = query::ListPausedRequest {
        longer_than_seconds: 0,
        sort: query::PauseSort::Waiting.into(),
        ..Default::default()
    };
    let by_grpc = expected(pauses.list_paused(grpc.request(paused)).await);
    assert_eq!(got(rest.get("/v1/pauses?sort=PAUSE_SORT_WAITING").await), by_grpc, "{who}");

    let preview = command::PreviewPauseRequest { conversation_id };
    let by_grpc = expected(ConversationServiceClient::new(grpc.channel()).preview_pause(grpc.request(preview)).await);
    assert_eq!(got(rest.get(&format!("/v1/conversations/{id}/pause:preview")).await), by_grpc, "{who}");

    let by_grpc = expected(inbox.get_counters(grpc.request(query::GetCountersRequest::default())).await);
    assert_eq!(got(rest.get("/v1/inbox/counters").await), by_grpc, "{who}");
    let loads =
        AssignmentServiceClient::new(grpc.channel()).get_loads(grpc.request(query::GetLoadsRequest::default())).await;
    assert_eq!(got(rest.get("/v1/loads").await), expected(loads), "{who}");
    let metrics =
        MetricsServiceClient::new(grpc.channel()).list_metrics(grpc.request(query::ListMetricsRequest {})).await;
    assert_eq!(got(rest.get("/v1/metrics").await), expected(metrics), "{who}");
}

async fn refusals(rest: &Ask<'_>, grpc: &Client, id: &str, who: &str) {
    let mut commands = ConversationServiceClient::new(grpc.channel());
    let empty = command::PauseBotRequest { conversation_id: id.to_owned(), ..Default::default() };
    let by_grpc = expected(commands.pause_bot(grpc.request(empty)).await);
    let path = format!("/v1/conversations/{id}:pause");
    assert_eq!(got(rest.post(&path, json!({})).await), by_grpc, "{who}");

    let past = command::PauseBotRequest {
        command_id: format!("past-{who}"),
        conversation_id: id.to_owned(),
        reason: query::PauseReason::Other.into(),
        ends: Some(command::pause_bot_request::Ends::Until(prost_types::Timestamp { seconds: 1, nanos: 0 })),
        ..Default::default()
    };
    let by_grpc = expected(commands.pause_bot(grpc.request(past)).await);
    let wish =
        json!({ "commandId": format!("past-{who}"), "reason": "PAUSE_REASON_OTHER", "until": "1970-01-01T00:00:01Z" });
    assert_eq!(got(rest.post(&path, wish).await), by_grpc, "{who}");

    let version = command::PauseBotRequest {
        command_id: format!("version-{who}"),
        conversation_id: id.to_owned(),
        reason: query::PauseReason::Other.into(),
        expected_version: Some(1_000),
        ..Default::default()
    };
    let by_grpc = expected(commands.pause_bot(grpc.request(version)).await);
    let wish =
        json!({ "commandId": format!("version-{who}"), "reason": "PAUSE_REASON_OTHER", "expectedVersion": "1000" });
    assert_eq!(got(rest.post(&path, wish).await), by_grpc, "{who}");
}
