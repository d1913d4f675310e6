//! `relevo.auth.v1.AuthService`: tokens for the people of a frontend.

use std::sync::Arc;

use async_trait::async_trait;
use relevo_catalogue::{Arg, Language, text};
use relevo_domain::{Caller, ErrorCode, Role, Scope, ValidUntil};
use relevo_proto::Problem;
use relevo_proto::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use relevo_proto::auth::v1::{
    Identity, MintTokenRequest, MintTokenResponse, RenewTokenRequest, RenewTokenResponse, WhoAmIRequest, WhoAmIResponse,
};
use relevo_proto::time::to_wire;
use tonic::{Request, Response, Status};

use super::grant::{Denied, NAMES_MAX, Wish};
use super::refusal::{language, spoken};
use super::{Auth, Credential, MintRefused};

/// The service.
pub(crate) struct Service(Arc<Auth>);

impl Service {
    pub(crate) fn new(auth: Arc<Auth>) -> Self {
        Self(auth)
    }

    pub(crate) fn into_server(self) -> AuthServiceServer<Self> {
        AuthServiceServer::new(self)
    }
}

#[async_trait]
impl AuthService for Service {
    async fn mint_token(&self, request: Request<MintTokenRequest>) -> Result<Response<MintTokenResponse>, Status> {
        let asker = Asker::of(&request)?;
        let wanted = request.into_inner();
        let role = match wanted.role.as_str() {
            "" => None,
            word => Some(Role::parse(word).ok_or_else(|| asker.invalid("role", "field-unknown-word", 0))?),
        };
        if wanted.agent_id.is_empty() {
            return Err(asker.invalid("agent_id", "field-required", 0));
        }
        let wish = Wish { agent: wanted.agent_id, role, teams: wanted.teams, channels: wanted.channels };
        let agent = wish.agent.clone();
        let minted = self.0.mint(&asker.credential, wish, wanted.ttl_seconds);
        let minted = minted.map_err(|refused| asker.refused(refused, &agent))?;
        tracing::info!(tenant = %minted.caller.tenant, service = %asker.credential.caller.name, "token minted");
        Ok(Response::new(MintTokenResponse {
            token: minted.text,
            valid_until: Some(to_wire(minted.valid_until)),
            renewable_until: Some(to_wire(minted.renewable_until)),
            identity: Some(identity(&minted.caller)),
        }))
    }

    async fn renew_token(&self, request: Request<RenewTokenRequest>) -> Result<Response<RenewTokenResponse>, Status> {
        let asker = Asker::of(&request)?;
        let minted = self.0.renew(&asker.credential, request.into_inner().ttl_seconds);
        let minted = minted.map_err(|refused| asker.refused(refused, asker.credential.caller.name.as_str()))?;
        Ok(Response::new(RenewTokenResponse {
            token: minted.text,
            valid_until: Some(to_wire(minted.valid_until)),
            renewable_until: Some(to_wire(minted.renewable_until)),
            identity: Some(identity(&minted.caller)),
        }))
    }

    async fn who_am_i(&self, request: Request<WhoAmIRequest>) -> Result<Response<WhoAmIResponse>, Status> {
        let asker = Asker::of(&request)?;
        Ok(Response::new(whoami(&asker.credential)))
    }
}

/// What a credential is, as both doors show it.
pub(super) fn whoami(credential: &Credential) -> WhoAmIResponse {
    let valid_until = credential.valid_until.map(|ValidUntil(time)| to_wire(time));
    WhoAmIResponse { identity: Some(identity(&credential.caller)), valid_until }
}

fn identity(caller: &Caller) -> Identity {
    let (whole_tenant, channels, teams) = match &caller.scope {
        Scope::Tenant => (true, Vec::new(), Vec::new()),
        Scope::Granted { channels, teams } => {
            (false, channels.iter().map(ToString::to_string).collect(), teams.iter().map(ToString::to_string).collect())
        }
    };
    Identity {
        tenant: caller.tenant.to_string(),
        name: caller.name.to_string(),
        role: caller.role.as_str().to_owned(),
        whole_tenant,
        channels,
        teams,
    }
}

/// Who asks, and in which language they are answered.
struct Asker {
    credential: Credential,
    language: Language,
}

impl Asker {
    fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let language = language(&request.metadata().clone().into_headers());
        match request.extensions().get::<Credential>().cloned() {
            Some(credential) => Ok(Self { credential, language }),
            None => Err(spoken(language, Problem::new(ErrorCode::Unauthenticated)).into()),
        }
    }

    fn invalid(&self, field: &str, key: &'static str, max: u64) -> Status {
        let why = text(self.language, key, &[("max", Arg::from(max.to_string()))]);
        self.say(Problem::new(ErrorCode::InvalidArgument).violation(field, why))
    }

    fn refused(&self, refused: MintRefused, agent: &str) -> Status {
        let forbidden = |field: &str| {
            let role = self.credential.caller.role.as_str();
            self.say(Problem::new(ErrorCode::Forbidden).about("role", role).about("field", field))
        };
        match refused {
            MintRefused::NotAllowed => forbidden("authorization"),
            MintRefused::Denied(Denied::NoAgent) => {
                self.say(Problem::new(ErrorCode::AssigneeNotFound).about("agent_id", agent))
            }
            MintRefused::Denied(Denied::Role) => forbidden("role"),
            MintRefused::Denied(Denied::Team(_)) => forbidden("teams"),
            MintRefused::Denied(Denied::Channel(_)) => forbidden("channels"),
            MintRefused::Denied(Denied::Pointless(field)) => self.invalid(field, "field-whole-tenant", 0),
            MintRefused::Denied(Denied::TooMany(field)) => self.invalid(field, "field-too-many", NAMES_MAX as u64),
            MintRefused::TooLong(seconds) => self.invalid("ttl_seconds", "field-above", seconds),
            MintRefused::Internal => self.say(Problem::new(ErrorCode::Internal)),
        }
    }

    fn say(&self, problem: Problem) -> Status {
        spoken(self.language, problem).into()
    }
}
