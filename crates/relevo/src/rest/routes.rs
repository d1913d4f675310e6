//! Which method and path calls which RPC: read from the `google.api.http` options of the protos.
//!
//! Knows paths and descriptors; nothing of requests, answers or callers. What the options may say is what is used here: literals and
//! `{field}` as segments, a verb behind a colon, a body of everything or of one field. Anything else is refused at the start.

use http::Method;
use http::uri::PathAndQuery;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, MethodDescriptor, Value};

/// The packages that are served; the others in the descriptors are foreign ones.
const OURS: &str = "relevo.";
/// The package of what only operators do.
const ADMIN: &str = "relevo.admin.";
/// The option's full name.
const OPTION: &str = "google.api.http";

/// All routes. The more particular ones come first: `/v1/pauses/counts` before `/v1/pauses/{id}`.
#[derive(Debug)]
pub(super) struct Table {
    routes: Vec<Route>,
}

/// One way to call an RPC.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    /// As the option has it, for example `/v1/tags/{tag_id}`.
    pub(super) template: String,
    pub(super) body: Body,
    pub(super) rpc: MethodDescriptor,
    /// Where the RPC is by gRPC.
    pub(super) path: PathAndQuery,
    segments: Vec<Segment>,
    verb: Option<String>,
}

/// What the body holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// There is none: what the path does not hold are query parameters.
    None,
    /// Every field that the path does not hold.
    All,
    /// One field; the rest are query parameters.
    Field(FieldDescriptor),
}

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Literal(String),
    Variable(FieldDescriptor),
}

/// Where a path leads.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// To this route, with the variables as they stand in the path, still encoded.
    Route(&'a Route, Vec<(&'a FieldDescriptor, String)>),
    /// The path is known, but not with this method; these it has.
    OtherMethod(Vec<Method>),
    Nothing,
}

/// What a proto says that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RouteError {
    #[error("{rpc}: {what}")]
    Rule { rpc: String, what: String },
    #[error("{0} and {1} have the same method and path")]
    Twice(String, String),
}

impl Table {
    /// The routes of every unary RPC of ours that has the option.
    pub(super) fn of(pool: &DescriptorPool) -> Result<Self, RouteError> {
        let mut routes = Vec::new();
        for rpc in unary(pool) {
            if let Some(rule) = rule(&rpc) {
                routes.extend(read(&rpc, &rule)?);
            }
        }
        routes.sort_by_key(Route::order);
        for pair in routes.windows(2) {
            if let [one, other] = pair
                && one.order() == other.order()
            {
                return Err(RouteError::Twice(one.template.clone(), other.template.clone()));
            }
        }
        Ok(Self { routes })
    }

    /// Without what only operators do.
    #[must_use]
    pub(super) fn without_admin(mut self) -> Self {
        self.routes.retain(|route| !route.rpc.parent_service().full_name().starts_with(ADMIN));
        self
    }

    pub(super) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route of a request. HEAD is asked as GET.
    pub(super) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let Some(asked) = Asked::of(path) else { return Found::Nothing };
        let mut others: Vec<Method> = Vec::new();
        for route in &self.routes {
            let Some(variables) = route.matches(&asked) else { continue };
            if route.method == method {
                return Found::Route(route, variables);
            }
            if !others.contains(&route.method) {
                others.push(route.method.clone());
            }
        }
        if others.is_empty() { Found::Nothing } else { Found::OtherMethod(others) }
    }
}

/// A path in its parts, still encoded.
struct Asked<'a> {
    segments: Vec<&'a str>,
    verb: Option<&'a str>,
}

impl<'a> Asked<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let mut segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        // A colon that is part of a value is written %3A.
        let verb = match segments.last_mut() {
            Some(last) => last.rsplit_once(':').map(|(name, verb)| {
                *last = name;
                verb
            }),
            None => None,
        };
        Some(Self { segments, verb })
    }
}

impl Route {
    /// The names of the fields that the path holds.
    pub(super) fn variables(&self) -> impl Iterator<Item = &FieldDescriptor> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Variable(field) => Some(field),
            Segment::Literal(_) => None,
        })
    }

    fn matches(&self, asked: &Asked<'_>) -> Option<Vec<(&FieldDescriptor, String)>> {
        if self.verb.as_deref() != asked.verb || self.segments.len() != asked.segments.len() {
            return None;
        }
        let mut variables = Vec::new();
        for (segment, given) in self.segments.iter().zip(&asked.segments) {
            match segment {
                Segment::Literal(literal) if literal == given => {}
                Segment::Variable(field) if !given.is_empty() => variables.push((field, (*given).to_owned())),
                Segment::Literal(_) | Segment::Variable(_) => return None,
            }
        }
        Some(variables)
    }

    /// Literals sort before variables, and all variables are the same.
    fn order(&self) -> (Vec<(bool, String)>, Option<String>, String) {
        let shape = self.segments.iter().map(|segment| match segment {
            Segment::Literal(literal) => (false, literal.clone()),
            Segment::Variable(_) => (true, String::new()),
        });
        (shape.collect(), self.verb.clone(), self.method.to_string())
    }
}

/// Every RPC of ours that has one request and one answer.
pub(super) fn unary(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    let services = pool.services().filter(|service| service.full_name().starts_with(OURS));
    let rpcs = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    rpcs.filter(|rpc| !rpc.is_client_streaming() && !rpc.is_server_streaming()).collect()
}

/// The option of an RPC.
pub(super) fn rule(rpc: &MethodDescriptor) -> Option<DynamicMessage> {
    let option = rpc.parent_pool().get_extension_by_name(OPTION)?;
    let options = rpc.options();
    if !options.has_extension(&option) {
        return None;
    }
    options.get_extension(&option).as_message().cloned()
}

/// The routes of a rule: its own and its further ones.
fn read(rpc: &MethodDescriptor, rule: &DynamicMessage) -> Result<Vec<Route>, RouteError> {
    let mut routes = vec![route(rpc, rule)?];
    if let Some(further) = rule.get_field_by_name("additional_bindings") {
        for rule in further.as_list().unwrap_or_default().iter().filter_map(Value::as_message) {
            routes.push(route(rpc, rule)?);
        }
    }
    Ok(routes)
}

fn route(rpc: &MethodDescriptor, rule: &DynamicMessage) -> Result<Route, RouteError> {
    let wrong = |what: &str| RouteError::Rule { rpc: rpc.full_name().to_owned(), what: what.to_owned() };
    let methods = [
        ("get", Method::GET),
        ("put", Method::PUT),
        ("post", Method::POST),
        ("delete", Method::DELETE),
        ("patch", Method::PATCH),
    ];
    let mut given = methods.into_iter().filter(|(name, _)| rule.has_field_by_name(name));
    let (name, method) = given.next().ok_or_else(|| wrong("has no method that is known"))?;
    let template = text(rule, name);
    if !text(rule, "response_body").is_empty() {
        return Err(wrong("response_body is not known here"));
    }
    let body = match text(rule, "body").as_str() {
        "" => Body::None,
        "*" => Body::All,
        name => Body::Field(rpc.input().get_field_by_name(name).ok_or_else(|| wrong("has a body that is no field"))?),
    };
    if (body != Body::None) == matches!(method, Method::GET | Method::DELETE) {
        return Err(wrong("GET and DELETE have no body, the others have one"));
    }
    let asked = Asked::of(&template).ok_or_else(|| wrong("the path begins with a slash"))?;
    if asked.segments.first() != Some(&"v1") || asked.verb.is_some_and(str::is_empty) {
        return Err(wrong("the path begins with /v1 and ends with a name"));
    }
    let segments = asked.segments.iter().map(|segment| match segment.strip_prefix('{') {
        None if segment.is_empty() || segment.contains(['{', '}', '*']) => {
            Err(wrong("has a segment of an unknown form"))
        }
        None => Ok(Segment::Literal((*segment).to_owned())),
        Some(variable) => {
            let field = variable.strip_suffix('}').and_then(|name| rpc.input().get_field_by_name(name));
            let field = field.filter(|field| !field.is_list() && field.kind().as_message().is_none());
            field.map(Segment::Variable).ok_or_else(|| wrong("has a variable that is no simple field of the request"))
        }
    });
    let segments = segments.collect::<Result<Vec<_>, _>>()?;
    let verb = asked.verb.map(str::to_owned);
    let path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
    let path = path.parse().map_err(|_invalid| wrong("has a name that is no path"))?;
    Ok(Route { method, template: template.clone(), body, rpc: rpc.clone(), path, segments, verb })
}

fn text(rule: &DynamicMessage, field: &str) -> String {
    rule.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
