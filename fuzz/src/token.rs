//! Texts that we gave out and get back: page tokens, and the sealed part of a file's address.

use relevo_domain::{AgentId, Caller, Role, Scope, TenantId, Timestamp};
use relevo_proto::query::v1::{ConversationFilter, ListConversationsRequest};

use crate::borrowed::file_token::{FileTokens, Grant};
use crate::borrowed::page_token::{Belongs, PageTokens};
use crate::error::QueryError;

/// What a token has beside its cursor, before it is written as text: format, process, moment and MAC.
const FRAME_BYTES: usize = 1 + 8 + 8 + 16;
/// The longest token that is looked at has 1,024 characters.
const CURSOR_BYTES_MAX: usize = 1_024 * 3 / 4 - FRAME_BYTES;

pub fn run(data: &[u8]) {
    pages(data);
    files(data);
}

fn belongs(tenant: &str, name: &str, role: Role, search: &str) -> Belongs {
    let (tenant, name) = (TenantId::new(tenant).expect("a name"), AgentId::new(name).expect("a name"));
    let caller = Caller { tenant, role, name, scope: Scope::Tenant };
    let filter = Some(ConversationFilter { search: search.to_owned(), ..ConversationFilter::default() });
    let request = ListConversationsRequest { filter, ..ListConversationsRequest::default() };
    Belongs::to(&caller, "ListConversations", &request)
}

fn pages(data: &[u8]) {
    let tokens = PageTokens::new([7; 32], 1);
    let mine = belongs("demo", "laura", Role::Agent, "");
    // Bytes from outside: a token is ours, to the letter, or it is refused.
    let text = String::from_utf8_lossy(data);
    match tokens.read(&mine, &text) {
        Ok(turned) => assert_eq!(tokens.write(&mine, turned.moment, &turned.cursor), text, "one token has one text"),
        Err(QueryError::CursorInvalid) => {}
        Err(QueryError::CursorExpired) => {
            panic!("expired is said of tokens of ours alone, and none of another process is there")
        }
    }
    // The same bytes as a place in a list.
    let Some((moment, cursor)) = data.split_first_chunk::<8>() else { return };
    let (moment, cursor) = (u64::from_be_bytes(*moment), &cursor[..cursor.len().min(CURSOR_BYTES_MAX)]);
    let token = tokens.write(&mine, moment, cursor);
    let turned = tokens.read(&mine, &token).expect("it was written a line ago");
    assert_eq!((turned.moment, turned.cursor.as_slice()), (moment, cursor));
    let searched: String = text.chars().take(50).collect();
    for other in [
        belongs("demo-b", "laura", Role::Agent, ""),
        belongs("demo", "martin", Role::Agent, ""),
        belongs("demo", "laura", Role::Admin, ""),
        belongs("demo", "laura", Role::Agent, &format!("x{searched}")),
    ] {
        assert_eq!(tokens.read(&other, &token).err(), Some(QueryError::CursorInvalid), "somebody else's");
    }
    let later = PageTokens::new([7; 32], 2);
    assert_eq!(later.read(&mine, &token).err(), Some(QueryError::CursorExpired));
    assert_eq!(PageTokens::new([8; 32], 1).read(&mine, &token).err(), Some(QueryError::CursorInvalid));
    if let Some(changed) = changed(&token, moment) {
        assert_eq!(tokens.read(&mine, &changed).err(), Some(QueryError::CursorInvalid), "changed");
    }
}

/// The token with another letter at one place.
fn changed(token: &str, seed: u64) -> Option<String> {
    let mut bytes = token.as_bytes().to_vec();
    let place = usize::try_from(seed % bytes.len() as u64).ok()?;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).ok()
}

fn files(data: &[u8]) {
    let keys = FileTokens::new(&[vec![1; 32], vec![2; 32]]);
    let text = String::from_utf8_lossy(data);
    assert!(keys.open(&text).is_none(), "nobody but us can seal one");
    let (number, name) =
        data.split_first_chunk::<8>().map_or((0, data), |(number, name)| (i64::from_be_bytes(*number), name));
    let name = String::from_utf8_lossy(&name[..name.len().min(600)]).into_owned();
    let grant = Grant {
        tenant: TenantId::new("demo").expect("a name"),
        sha256: "ab".repeat(32),
        mime_type: "application/pdf".to_owned(),
        file_name: Some(name.clone()),
        download: number % 2 == 0,
        valid_until: Timestamp::from_millis(number),
    };
    let sealed = keys.seal(&grant).expect("there is a key");
    let opened = keys.open(&sealed).expect("it was sealed a line ago");
    let short = opened.file_name.clone().expect("it had a name");
    assert!(short.len() <= 255 && (short == name || name.len() > 255), "{short:?}");
    assert_eq!(Grant { file_name: Some(name), ..opened }, grant);
    if let Some(changed) = changed(&sealed, number.unsigned_abs()) {
        assert!(keys.open(&changed).is_none(), "changed");
    }
    assert!(FileTokens::new(&[vec![3; 32]]).open(&sealed).is_none());
}
