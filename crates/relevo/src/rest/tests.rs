//! Every unary RPC has its route, the document says what is served, and requests are read as the JSON mapping says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor};
use serde_json::{Value as Json, json};

use super::routes::{self, Found, RouteError, Table};
use super::wrong::Wrongs;
use super::{answer, encoded, openapi, read};

/// First parts of paths that the HTTP listener has beside these.
const OTHERS: [&str; 3] = ["files", "whoami", "openapi.json"];

fn pool() -> DescriptorPool {
    DescriptorPool::decode(relevo_proto::FILE_DESCRIPTOR_SET).unwrap()
}

fn request(rpc: &str) -> MessageDescriptor {
    pool().get_message_by_name(&format!("relevo.{rpc}Request")).unwrap()
}

/// What a body is read as, and what is wrong with it.
fn from_body(rpc: &str, json: Json) -> (DynamicMessage, Wrongs) {
    let (mut message, mut wrongs) = (DynamicMessage::new(request(rpc)), Wrongs::default());
    read::object(&mut message, json.as_object().unwrap(), "", &mut wrongs);
    (message, wrongs)
}

fn from_query(rpc: &str, query: &str) -> (DynamicMessage, Wrongs) {
    let (mut message, mut wrongs) = (DynamicMessage::new(request(rpc)), Wrongs::default());
    read::query(&mut message, &encoded::pairs(query).unwrap(), &mut wrongs);
    (message, wrongs)
}

fn written(message: &DynamicMessage) -> Json {
    serde_json::from_slice(&answer::json_of(message).unwrap()).unwrap()
}

#[test]
fn every_unary_rpc_has_its_path() {
    let rpcs = routes::unary(&pool());
    assert!(rpcs.len() > 60, "only {} RPCs", rpcs.len());
    let without = rpcs.iter().filter(|rpc| routes::rule(rpc).is_none()).map(|rpc| rpc.full_name().to_owned());
    let without: Vec<String> = without.collect();
    assert!(without.is_empty(), "RPCs without the option google.api.http:\n  {}", without.join("\n  "));
}

#[test]
fn no_path_is_anothers_and_each_leads_to_its_rpc() {
    let table = Table::of(&pool()).unwrap();
    for route in table.routes() {
        let first = route.template.split('/').nth(2).unwrap();
        assert!(!OTHERS.contains(&first), "{} is a path of another page", route.template);
        let path: String = route
            .template
            .split('{')
            .map(|part| part.split_once('}').map_or(part.to_owned(), |(_, rest)| format!("x{rest}")))
            .collect();
        match table.find(&route.method, &path) {
            Found::Route(found, variables) => {
                assert_eq!(found.rpc.full_name(), route.rpc.full_name(), "{path}");
                assert_eq!(variables.len(), route.variables().count());
            }
            Found::OtherMethod(_) | Found::Nothing => panic!("{} {path} leads nowhere", route.method),
        }
    }
}

#[test]
fn every_field_of_a_request_without_a_body_can_be_a_parameter() {
    let table = Table::of(&pool()).unwrap();
    for route in table.routes().iter().filter(|route| route.body == routes::Body::None) {
        parameters(&route.rpc.input(), route.rpc.full_name(), 0);
    }
}

fn parameters(message: &MessageDescriptor, rpc: &str, depth: usize) {
    assert!(depth < 5, "{rpc}: {} holds itself", message.full_name());
    for field in message.fields() {
        if let Kind::Message(inner) = field.kind()
            && !inner.full_name().starts_with("google.protobuf.")
        {
            assert!(!field.is_list(), "{rpc}: {} needs a body", field.full_name());
            parameters(&inner, rpc, depth + 1);
        }
    }
}

#[test]
fn a_path_is_known_by_its_parts_and_its_verb() {
    let table = Table::of(&pool()).unwrap();
    let led = |method: Method, path: &str| match table.find(&method, path) {
        Found::Route(route, variables) => {
            let values: Vec<String> = variables.into_iter().map(|(_, value)| value).collect();
            format!("{} {}", route.rpc.name(), values.join(" ")).trim_end().to_owned()
        }
        Found::OtherMethod(methods) => format!("{methods:?}"),
        Found::Nothing => "nothing".to_owned(),
    };
    assert_eq!(led(Method::POST, "/v1/conversations/cnv_1:pause"), "PauseBot cnv_1");
    assert_eq!(led(Method::GET, "/v1/conversations/cnv_1"), "GetConversation cnv_1");
    assert_eq!(led(Method::HEAD, "/v1/conversations/cnv_1"), "GetConversation cnv_1");
    assert_eq!(led(Method::GET, "/v1/conversations/a%3Ab"), "GetConversation a%3Ab");
    assert_eq!(led(Method::GET, "/v1/conversations/cnv_1/pause:preview"), "PreviewPause cnv_1");
    assert_eq!(led(Method::POST, "/v1/conversations/cnv_1/messages/msg_2:cancel"), "CancelSend cnv_1 msg_2");
    assert_eq!(led(Method::GET, "/v1/conversations/cnv_1:pause"), "[POST]");
    assert_eq!(led(Method::DELETE, "/v1/conversations"), "[GET, POST]");
    for path in
        ["/v1/conversations/", "/v1/conversations//messages", "/v1/conversations/cnv_1:dance", "/v2/tags", "/v1", "*"]
    {
        assert_eq!(led(Method::GET, path), "nothing", "{path}");
    }
}

#[test]
fn what_is_given_comes_back_in_the_names_of_json() {
    let given = json!({
        "commandId": "c1", "conversation_id": "cnv_1", "reason": "PAUSE_REASON_COMPLAINT", "note": "ñandú 🦤",
        "expectedVersion": "18446744073709551615", "duration": "90s", "locked": true, "until": null,
    });
    let (message, wrongs) = from_body("command.v1.PauseBot", given);
    assert_eq!(wrongs.named(), []);
    let expected = json!({
        "commandId": "c1", "conversationId": "cnv_1", "reason": "PAUSE_REASON_COMPLAINT", "note": "ñandú 🦤",
        "expectedVersion": "18446744073709551615", "duration": "90s", "locked": true,
    });
    assert_eq!(written(&message), expected);
    for version in [json!(7), json!("7"), json!(7.0)] {
        let (message, wrongs) = from_body("command.v1.PauseBot", json!({ "expectedVersion": version }));
        assert_eq!((wrongs.named(), written(&message)["expectedVersion"].clone()), (vec![], json!("7")));
    }
}

#[test]
fn everything_that_is_wrong_is_named_and_no_value_is_repeated() {
    let (_, wrongs) = from_body(
        "command.v1.SendMessage",
        json!({
            "commandId": 7, "conversationId": ["x"], "unknown": 1, "force": "true", "lastSeenVersion": -1,
            "last_seen_version": 1,
            "message": {
                "text": { "text": null, "previewUrl": 1, "colour": "secret" }, "quickReply": "x",
                "list": null, "sign": [],
            },
            "pause": { "until": "tomorrow", "reason": "PAUSE_REASON_WEATHER" },
        }),
    );
    let mut named = wrongs.named();
    named.sort_unstable();
    let expected = [
        ("commandId", "field-kind-text"),
        ("conversationId", "field-kind-text"),
        ("force", "field-kind-bool"),
        ("lastSeenVersion", "field-kind-whole"),
        ("last_seen_version", "field-twice"),
        ("message.sign", "field-kind-bool"),
        ("message.text", "field-not-together"),
        ("message.text.colour", "field-not-there"),
        ("message.text.previewUrl", "field-kind-bool"),
        ("pause.reason", "field-unknown-word"),
        ("pause.until", "field-kind-time"),
        ("unknown", "field-not-there"),
    ];
    // Which of two that exclude each other is named depends on the order of the body's names.
    let named: Vec<_> = named.into_iter().filter(|(field, _)| !field.starts_with("message.text.")).collect();
    let expected: Vec<_> = expected.into_iter().filter(|(field, _)| !field.starts_with("message.text.")).collect();
    assert_eq!(named, expected);
    let problem = wrongs.done(relevo_catalogue::Language::En).unwrap_err();
    let said = format!("{problem:?}");
    assert!(!said.contains("secret") && !said.contains("tomorrow") && !said.contains("WEATHER"), "{said}");

    let (_, wrongs) =
        from_body("command.v1.SendMessage", json!({ "message": { "contacts": { "contacts": [{ "name": 1 }, 2] } } }));
    let expected = [
        ("message.contacts.contacts[0].name", "field-kind-text"),
        ("message.contacts.contacts[1]", "field-kind-object"),
    ];
    assert_eq!(wrongs.named(), expected);
}

#[test]
fn a_query_reaches_every_depth_and_repeats_lists() {
    let query = "filter.statuses=CONVERSATION_STATUS_OPEN&filter.statuses=2&pageSize=5&filter.search=a+b%26c";
    let (message, wrongs) = from_query("query.v1.ListConversations", query);
    assert_eq!(wrongs.named(), []);
    let json = written(&message);
    assert_eq!(json["filter"]["statuses"].as_array().unwrap().len(), 2);
    assert_eq!((json["filter"]["search"].as_str(), json["pageSize"].as_i64()), (Some("a b&c"), Some(5)));

    let query = "filter=x&page_size=5&pageSize=6&filter.nothing=1&nothing.at.all=1&deadlineMs=-1&sort=x";
    let (_, wrongs) = from_query("query.v1.ListConversations", query);
    let expected = [
        ("filter", "field-by-its-own"),
        ("pageSize", "field-twice"),
        ("filter.nothing", "field-not-there"),
        ("nothing.at.all", "field-not-there"),
        ("deadlineMs", "field-kind-whole"),
        ("sort", "field-unknown-word"),
    ];
    assert_eq!(wrongs.named(), expected);
    let (_, wrongs) = from_query("query.v1.GetConversation", "asOf.position=p1-1&as_of.time=2026-01-31T09:00:00Z");
    assert_eq!(wrongs.named(), [("as_of.time", "field-not-together")]);
}

#[test]
fn a_path_says_the_same_as_the_body_or_the_body_says_nothing() {
    for (given, expected) in [("cnv_1", vec![]), ("cnv_2", vec![("conversation_id", "field-not-as-in-path")])] {
        let (mut message, mut wrongs) = from_body("command.v1.PauseBot", json!({ "conversationId": given }));
        let field = request("command.v1.PauseBot").get_field_by_name("conversation_id").unwrap();
        read::variable(&mut message, &field, "cnv_1", &mut wrongs);
        assert_eq!(wrongs.named(), expected);
    }
}

#[test]
fn an_option_that_cannot_be_served_is_refused() {
    let route = |rule: &str| {
        let folder = tempfile::tempdir().unwrap();
        let proto = format!(
            "syntax = \"proto3\"; package relevo.x.v1; import \"google/api/annotations.proto\";
            message A {{ string id = 1; repeated string list = 2; }}
            service S {{ rpc R(A) returns (A) {{ option (google.api.http) = {{ {rule} }}; }} }}"
        );
        std::fs::write(folder.path().join("x.proto"), proto).unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
        let mut compiler = protox::Compiler::new([folder.path(), ours.as_path()]).unwrap();
        Table::of(&compiler.include_imports(true).open_file("x.proto").unwrap().descriptor_pool()).map(|_| ())
    };
    assert_eq!(
        route("get: \"/v1/zebras/{id}\" additional_bindings { post: \"/v1/zebras/{id}:run\" body: \"*\" }"),
        Ok(())
    );
    for rule in [
        "get: \"/v2/zebras\"",
        "get: \"/v1/zebras/{list}\"",
        "get: \"/v1/zebras/{no}\"",
        "get: \"/v1/**\"",
        "get: \"/v1/zebras\" body: \"*\"",
        "post: \"/v1/zebras\"",
        "post: \"/v1/zebras\" body: \"no\"",
        "get: \"/v1/zebras\" response_body: \"id\"",
        "custom: { kind: \"X\" path: \"/v1/zebras\" }",
    ] {
        assert!(matches!(route(rule), Err(RouteError::Rule { .. })), "{rule}");
    }
    let twice = "get: \"/v1/zebras/{id}\" additional_bindings { get: \"/v1/zebras/{id}\" }";
    assert!(matches!(route(twice), Err(RouteError::Twice(..))));
}

#[test]
fn the_document_has_every_rpc_once_and_every_reference_leads_somewhere() {
    let table = Table::of(&pool()).unwrap();
    let document = openapi::document(&table);
    let (mut ids, mut shapes) = (BTreeSet::new(), BTreeMap::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        let shape: String = path
            .split('{')
            .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest))
            .collect::<Vec<_>>()
            .join("{}");
        assert_eq!(shapes.insert(shape, path), None, "{path} has another's shape");
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{id} says nothing");
            let names = operation["parameters"].as_array().unwrap().iter();
            let of_path: Vec<&str> =
                names.filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap()).collect();
            assert_eq!(of_path.len(), path.matches('{').count(), "{path}");
            assert!(of_path.iter().all(|name| path.contains(&format!("{{{name}}}"))), "{path}");
        }
    }
    for rpc in routes::unary(&pool()) {
        let id = format!("{}_{}", rpc.parent_service().full_name().replace('.', "_"), rpc.name());
        assert!(ids.contains(&id), "{id} is not in the document");
    }
    assert_eq!(ids.len(), table.routes().len());
    let mut places = Vec::new();
    references(&document, &mut places);
    assert!(places.len() > 100);
    let lost: BTreeSet<_> =
        places.iter().filter(|place| document.pointer(place.trim_start_matches('#')).is_none()).collect();
    assert!(lost.is_empty(), "references to nothing: {lost:?}");
    let pause = &document["components"]["schemas"]["query.v1.PauseReason"];
    assert!(pause["description"].as_str().unwrap().contains("`PAUSE_REASON_COMPLAINT`: "), "{pause}");
    let reason = &document["paths"]["/v1/conversations/{conversation_id}:pause"]["post"]["requestBody"];
    assert!(reason.to_string().contains("PauseReason") && !reason.to_string().contains("conversationId"), "{reason}");
}

fn references(json: &Json, found: &mut Vec<String>) {
    match json {
        Json::Object(object) => {
            found.extend(object.get("$ref").and_then(Json::as_str).map(str::to_owned));
            object.values().for_each(|inner| references(inner, found));
        }
        Json::Array(list) => list.iter().for_each(|inner| references(inner, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn what_only_operators_do_is_left_out_unless_it_is_wanted() {
    let admin = |table: &Table| table.routes().iter().filter(|route| route.template.starts_with("/v1/admin/")).count();
    let all = Table::of(&pool()).unwrap();
    let (every, wanted) = (all.routes().len(), admin(&all));
    let less = Table::of(&pool()).unwrap().without_admin();
    assert!(wanted > 10, "{wanted}");
    assert_eq!((less.routes().len(), admin(&less)), (every - wanted, 0));
    assert!(!openapi::document(&less).to_string().contains("/v1/admin/"));
}
