//! The OpenAPI 3.1 document of all routes, from the same descriptors that serve them.

use std::collections::BTreeMap;

use http::Method;
use prost_reflect::{FieldDescriptor, MessageDescriptor};
use serde_json::{Map, Value as Json, json};

use super::routes::{Body, Route, Table};
use super::scalar;
use super::schema::Schemas;

/// What stands at the beginning of the document.
const ABOUT: &str = "Every unary RPC of Relevo as JSON over HTTP, served beside `/v1/files` on the HTTP port. A request is answered as by gRPC.

- `authorization: Bearer <API key or token>`; `accept-language: es` or `en` for the texts of errors and dialogs.
- Field names are lowerCamelCase (those of the protos are taken too), 64-bit integers are decimal strings, times are RFC 3339, durations \
are seconds with an `s`. In an answer, default values are written and absent messages are not.
- A command has a `commandId` of your choice: repeating a request with the same one cannot carry it out twice.
- Fields that a request does not have are refused, not ignored.
- Watches are streams, and there are no streams here: use gRPC or gRPC-Web.";

/// The document.
pub(super) fn document(table: &Table) -> Json {
    let mut schemas = Schemas::default();
    let mut paths: BTreeMap<&str, Map<String, Json>> = BTreeMap::new();
    let mut tags = BTreeMap::new();
    let mut operations: BTreeMap<String, usize> = BTreeMap::new();
    for route in table.routes() {
        let service = route.rpc.parent_service();
        let about = schemas.comment(&service.parent_file(), service.path());
        tags.insert(service.full_name().to_owned(), about);
        // A further binding of the same RPC is another operation.
        let times = operations.entry(route.rpc.full_name().to_owned()).or_default();
        *times += 1;
        let operation = operation(route, *times, &mut schemas);
        paths.entry(&route.template).or_default().insert(route.method.as_str().to_ascii_lowercase(), operation);
    }
    let tags: Vec<Json> = tags.into_iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Relevo",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The HTTP port of this installation." }],
        "security": [{ "credential": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": { "credential": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, a token of AuthService.MintToken, or one of a configured issuer.",
            }},
            "responses": { "Error": {
                "description": "Why it was refused.",
                "headers": { "retry-after": {
                    "description": "When to try again, in seconds, where trying again makes sense.",
                    "schema": { "type": "integer", "minimum": 0 },
                }},
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
            }},
            "schemas": schemas_with_error(schemas),
        },
    })
}

fn operation(route: &Route, times: usize, schemas: &mut Schemas) -> Json {
    let rpc = &route.rpc;
    let comment = schemas.comment(&rpc.parent_file(), rpc.path());
    let service = rpc.parent_service();
    let mut id = format!("{}_{}", service.full_name().replace('.', "_"), rpc.name());
    if times > 1 {
        id = format!("{id}_{times}");
    }
    let input = rpc.input();
    let path: Vec<&FieldDescriptor> = route.variables().collect();
    let mut parameters: Vec<Json> = path.iter().map(|field| parameter(field.name(), "path", field, schemas)).collect();
    let body = match &route.body {
        Body::All => Some(schemas.object(&input, &path)),
        Body::Field(field) => Some(schemas.field(field)),
        Body::None => None,
    };
    if route.body != Body::All {
        let held: Vec<&FieldDescriptor> = match &route.body {
            Body::Field(field) => path.iter().copied().chain([field]).collect(),
            Body::All | Body::None => path.clone(),
        };
        flat(&input, "", &held, &mut |name, field| parameters.push(parameter(name, "query", field, schemas)));
    }
    let answer = schemas.message(&rpc.output());
    let mut operation = json!({
        "operationId": id,
        "tags": [service.full_name()],
        "summary": summary(&comment),
        "description": comment,
        "parameters": parameters,
        "responses": {
            "200": { "description": "Done.", "content": { "application/json": { "schema": answer } } },
            "default": { "$ref": "#/components/responses/Error" },
        },
    });
    if let Some(schema) = body {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    if route.method == Method::GET {
        // What only reads may be repeated without a thought; tools show it.
        operation["x-relevo-safe"] = Json::Bool(true);
    }
    operation
}

fn parameter(name: &str, place: &str, field: &FieldDescriptor, schemas: &mut Schemas) -> Json {
    let mut schema = schemas.field(field);
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description")).unwrap_or_default();
    let mut parameter = json!({ "name": name, "in": place, "required": place == "path", "schema": schema });
    if let Json::String(text) = description {
        parameter["description"] = Json::String(text);
    }
    if field.is_list() {
        parameter["style"] = Json::from("form");
        parameter["explode"] = Json::Bool(true);
    }
    parameter
}

/// Every simple field below a message, by its dotted name; what a path or body holds is left out, lists of messages have no such form.
fn flat(
    message: &MessageDescriptor,
    at: &str,
    held: &[&FieldDescriptor],
    found: &mut dyn FnMut(&str, &FieldDescriptor),
) {
    for field in message.fields().filter(|field| !held.contains(&field)) {
        let name = if at.is_empty() { field.json_name().to_owned() } else { format!("{at}.{}", field.json_name()) };
        let kind = field.kind();
        match kind.as_message().filter(|inner| !scalar::is_known(inner)) {
            None => found(&name, &field),
            // No message of ours holds itself (a test says so).
            Some(inner) if !field.is_list() => flat(inner, &name, &[], found),
            Some(_) => {}
        }
    }
}

/// The first sentence.
fn summary(comment: &str) -> String {
    let line = comment.replace('\n', " ");
    let end = line.find(". ").map_or(line.len(), |end| end + 1);
    line.get(..end).unwrap_or(&line).trim_end_matches('.').to_owned()
}

fn schemas_with_error(schemas: Schemas) -> BTreeMap<String, Json> {
    let mut all = schemas.done();
    let text = |about: &str| json!({ "type": "string", "description": about });
    let detail = json!({
        "type": "object",
        "properties": { "@type": text("Which message of google.rpc it is.") },
        "required": ["@type"],
        "description": "ErrorInfo (reason, ids, `outcome`, `retryable`), BadRequest (the fields), PreconditionFailure (what stands \
            in the way), RetryInfo, LocalizedMessage (the text in the caller's language).",
    });
    let error = json!({
        "type": "object",
        "properties": {
            "code": { "type": "integer", "description": "The HTTP status." },
            "status": text("The gRPC code."),
            "reason": text("The error's code: docs/errors explains each."),
            "message": text("The text in English."),
            "details": { "type": "array", "items": detail },
        },
        "required": ["code", "status", "reason", "message", "details"],
    });
    all.insert(
        "Error".to_owned(),
        json!({ "type": "object", "properties": { "error": error }, "required": ["error"] }),
    );
    all
}
