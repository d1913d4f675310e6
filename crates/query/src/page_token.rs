//! Page tokens: opaque, signed, and good for one caller, one request and one kept moment.
//!
//! ```text
//! format(1)=2  boot(8)  moment(8)  cursor(any)  mac(16)         base64url without padding
//! ```
//! The cursor is sealed: it may name a row that the caller does not see. It is combined with a stream that HMAC makes of the mac, so
//! that equal tokens stay equal and different ones share nothing. The mac is the first 16 bytes of HMAC-SHA-256 over everything before it, unsealed, and over what the token belongs to: tenant, caller,
//! role, RPC and the request without its page fields. `boot` tells tokens of an earlier process apart (expired, not forged).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use prost::Message;
use relevo_domain::{AgentId, Caller, TenantId};
use sha2::{Digest as _, Sha256};

use crate::error::QueryError;

const FORMAT: u8 = 2;
const HEAD_BYTES: usize = 1 + 8 + 8;
const MAC_BYTES: usize = 16;
/// What one HMAC-SHA-256 seals.
const SEAL_BYTES: usize = 32;
/// The longest token that is looked at, in characters: ours are below 200.
const TOKEN_CHARS_MAX: usize = 1024;

/// Signs and checks page tokens.
#[derive(Clone)]
pub(crate) struct PageTokens {
    key: [u8; 32],
    boot: [u8; 8],
}

/// What a token belongs to.
pub(crate) struct Belongs {
    text: Vec<u8>,
    owner: (TenantId, AgentId),
}

/// What a token says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Turned {
    pub(crate) moment: u64,
    pub(crate) cursor: Vec<u8>,
}

impl Belongs {
    /// `request` is the request without its page and freshness fields: what makes two requests the same list.
    pub(crate) fn to(caller: &Caller, rpc: &'static str, request: &impl Message) -> Self {
        let request = request.encode_to_vec();
        let parts: [&[u8]; 5] = [
            caller.tenant.as_str().as_bytes(),
            caller.name.as_str().as_bytes(),
            caller.role.as_str().as_bytes(),
            rpc.as_bytes(),
            &request,
        ];
        let mut text = Vec::new();
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        Self { text, owner: (caller.tenant.clone(), caller.name.clone()) }
    }

    /// Whose token it is.
    pub(crate) const fn owner(&self) -> &(TenantId, AgentId) {
        &self.owner
    }

    /// The same for the same list of the same caller.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.text).into()
    }
}

impl PageTokens {
    /// `key` belongs to this process; `boot` differs from process to process.
    pub(crate) const fn new(key: [u8; 32], boot: u64) -> Self {
        Self { key, boot: boot.to_be_bytes() }
    }

    pub(crate) fn write(&self, belongs: &Belongs, moment: u64, cursor: &[u8]) -> String {
        let mut token = vec![FORMAT];
        token.extend_from_slice(&self.boot);
        token.extend_from_slice(&moment.to_be_bytes());
        token.extend_from_slice(cursor);
        let mac = self.mac(belongs, &token).finalize().into_bytes();
        self.seal(&mac[..MAC_BYTES], &mut token[HEAD_BYTES..]);
        token.extend_from_slice(&mac[..MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(token)
    }

    pub(crate) fn read(&self, belongs: &Belongs, token: &str) -> Result<Turned, QueryError> {
        if token.len() > TOKEN_CHARS_MAX {
            return Err(QueryError::CursorInvalid);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_bad| QueryError::CursorInvalid)?;
        if bytes.len() < HEAD_BYTES + MAC_BYTES {
            return Err(QueryError::CursorInvalid);
        }
        let (sealed, mac) = bytes.split_at(bytes.len() - MAC_BYTES);
        let mut body = sealed.to_vec();
        self.seal(mac, &mut body[HEAD_BYTES..]);
        self.mac(belongs, &body).verify_truncated_left(mac).map_err(|_forged| QueryError::CursorInvalid)?;

        let (head, cursor) = body.split_at(HEAD_BYTES);
        if head[0] != FORMAT {
            return Err(QueryError::CursorInvalid);
        }
        if head[1..9] != self.boot {
            return Err(QueryError::CursorExpired);
        }
        let moment = head[9..].try_into().map_err(|_impossible| QueryError::CursorInvalid)?;
        Ok(Turned { moment: u64::from_be_bytes(moment), cursor: cursor.to_vec() })
    }

    /// Seals a cursor, or opens it: twice is nothing.
    fn seal(&self, mac: &[u8], cursor: &mut [u8]) {
        for (number, block) in (0_u64..).zip(cursor.chunks_mut(SEAL_BYTES)) {
            let mut stream = self.keyed();
            stream.update(b"relevo page token seal");
            stream.update(mac);
            stream.update(&number.to_be_bytes());
            let stream = stream.finalize().into_bytes();
            block.iter_mut().zip(stream).for_each(|(byte, other)| *byte ^= other);
        }
    }

    fn mac(&self, belongs: &Belongs, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed();
        mac.update(b"relevo page token");
        mac.update(&(body.len() as u64).to_be_bytes());
        mac.update(body);
        mac.update(&belongs.text);
        mac
    }

    fn keyed(&self) -> Hmac<Sha256> {
        // A key shorter than a block is padded with zeros: that is HMAC's own rule.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..self.key.len()].copy_from_slice(&self.key);
        Hmac::<Sha256>::new(&block)
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::{Role, Scope};
    use relevo_proto::query::v1::{ConversationFilter, ListConversationsRequest};

    use super::*;

    fn caller(tenant: &str, name: &str, role: Role) -> Caller {
        Caller { tenant: TenantId::new(tenant).unwrap(), role, name: AgentId::new(name).unwrap(), scope: Scope::Tenant }
    }

    fn belongs(tenant: &str, name: &str, role: Role, tab: i32) -> Belongs {
        let filter = Some(ConversationFilter { tab, ..ConversationFilter::default() });
        let request = ListConversationsRequest { filter, ..ListConversationsRequest::default() };
        Belongs::to(&caller(tenant, name, role), "ListConversations", &request)
    }

    #[test]
    fn a_token_reads_back_for_whom_it_was_made_and_for_nobody_else() {
        let tokens = PageTokens::new([7; 32], 1);
        let mine = belongs("demo", "laura", Role::Agent, 1);
        let token = tokens.write(&mine, 42, b"cursor");
        assert_eq!(tokens.read(&mine, &token), Ok(Turned { moment: 42, cursor: b"cursor".to_vec() }));
        assert_eq!(tokens.write(&mine, 42, b"cursor"), token, "the same page has the same token");
        for other in [
            belongs("demo-b", "laura", Role::Agent, 1),
            belongs("demo", "martin", Role::Agent, 1),
            belongs("demo", "laura", Role::Admin, 1),
            belongs("demo", "laura", Role::Agent, 2),
        ] {
            assert_eq!(tokens.read(&other, &token), Err(QueryError::CursorInvalid));
        }
    }

    #[test]
    fn a_token_does_not_show_its_place() {
        let (tokens, mine) = (PageTokens::new([7; 32], 1), belongs("demo", "laura", Role::Agent, 1));
        let place = [b"a row that laura must not see".as_slice(), &[0; 90]].concat();
        let token = tokens.write(&mine, 42, &place);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        let sealed = &bytes[HEAD_BYTES..bytes.len() - MAC_BYTES];
        assert_eq!(sealed.len(), place.len());
        assert!(sealed.iter().zip(&place).filter(|(sealed, plain)| sealed == plain).count() < 10, "{sealed:?}");
        assert_eq!(tokens.read(&mine, &token).unwrap().cursor, place);
    }

    #[test]
    fn a_changed_cut_or_crafted_token_is_refused() {
        let tokens = PageTokens::new([7; 32], 1);
        let mine = belongs("demo", "laura", Role::Agent, 1);
        let token = tokens.write(&mine, 42, b"cursor");
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(&changed);
            assert_eq!(tokens.read(&mine, &changed), Err(QueryError::CursorInvalid), "byte {place}");
        }
        for length in 0..bytes.len() {
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..length]);
            assert_eq!(tokens.read(&mine, &cut), Err(QueryError::CursorInvalid), "cut to {length}");
        }
        for crafted in ["AAAA", "no base64!", &"A".repeat(5000), "é"] {
            assert_eq!(tokens.read(&mine, crafted), Err(QueryError::CursorInvalid));
        }
        let others = PageTokens::new([8; 32], 1).write(&mine, 42, b"cursor");
        assert_eq!(tokens.read(&mine, &others), Err(QueryError::CursorInvalid));
    }

    #[test]
    fn a_token_of_an_earlier_process_with_the_same_key_has_expired() {
        let mine = belongs("demo", "laura", Role::Agent, 1);
        let token = PageTokens::new([7; 32], 1).write(&mine, 42, b"cursor");
        assert_eq!(PageTokens::new([7; 32], 2).read(&mine, &token), Err(QueryError::CursorExpired));
    }
}
