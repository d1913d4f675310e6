//! Events of bulks, as the log keeps them. Results stand in columns: a commit has up to five hundred of them.

use relevo_domain::bulk::{Asker, BulkEvent, Changed, Chosen, Counts, OneResult, Outcome, What};
use relevo_domain::conversation::event::{NotePersonal, PauseTerms};
use relevo_domain::{Actor, AgentId, EntityId, EntityKind, Position, Role, Scope, TeamId, Timestamp};
use relevo_proto::event::v1 as wire;
use wire::event::Kind;

use super::{DecodeError, bot, field, pause};

/// Bytes of an id in a column.
const ID_BYTES: usize = 16;

pub(super) fn encode(event: &BulkEvent) -> Kind {
    match event {
        BulkEvent::Started { what, total, list, chosen, position, by, personal } => {
            Kind::BulkStarted(wire::BulkStarted {
                what: Some(encode_what(*what)),
                total: *total,
                list_sha256: list.to_vec(),
                chosen: chosen.as_str().to_owned(),
                position: position.sequence(),
                role: by.role.as_str().to_owned(),
                agent: by.name.to_string(),
                scope: encode_scope(&by.scope),
                personal: Some(wire::NotePersonal { text: personal.text.clone() }),
            })
        }
        BulkEvent::Taken { worker, until } => {
            Kind::BulkTaken(wire::BulkTaken { worker: worker.clone(), until_ms: until.as_millis() })
        }
        BulkEvent::Progressed { from, results, worker, until } => {
            Kind::BulkProgressed(encode_progress(*from, results, worker, *until))
        }
        BulkEvent::Finished { counts } => {
            let Counts { paused, resumed, already, forbidden, errors, changed_since } = *counts;
            Kind::BulkFinished(wire::BulkFinished { paused, resumed, already, forbidden, errors, changed_since })
        }
    }
}

/// The event that a wire event of a bulk holds. The caller passes events of bulks only.
pub(super) fn decode(event: Kind) -> Result<BulkEvent, DecodeError> {
    match event {
        Kind::BulkStarted(event) => decode_started(event),
        Kind::BulkTaken(event) => {
            Ok(BulkEvent::Taken { worker: event.worker, until: Timestamp::from_millis(event.until_ms) })
        }
        Kind::BulkProgressed(event) => decode_progress(event),
        Kind::BulkFinished(event) => {
            let wire::BulkFinished { paused, resumed, already, forbidden, errors, changed_since } = event;
            let counts = Counts { paused, resumed, already, forbidden, errors, changed_since };
            Ok(BulkEvent::Finished { counts })
        }
        _ => Err(DecodeError::Invalid("kind")),
    }
}

fn encode_what(what: What) -> wire::bulk_started::What {
    match what {
        What::Pause { reason, terms } => {
            let terms = (terms != PauseTerms::default()).then(|| pause::encode_terms(&terms));
            wire::bulk_started::What::Pause(wire::BulkPause { reason: pause::pause_reason_number(reason), terms })
        }
        What::Resume { catch_up } => {
            wire::bulk_started::What::Resume(wire::BulkResume { catch_up: bot::catch_up_number(catch_up) })
        }
        What::Undo { of, catch_up } => wire::bulk_started::What::Undo(wire::BulkUndo {
            of: of.to_string(),
            catch_up: bot::catch_up_number(catch_up),
        }),
    }
}

fn decode_what(what: wire::bulk_started::What) -> Result<What, DecodeError> {
    Ok(match what {
        wire::bulk_started::What::Pause(wire::BulkPause { reason, terms }) => {
            What::Pause { reason: pause::pause_reason(reason)?, terms: pause::decode_terms(terms) }
        }
        wire::bulk_started::What::Resume(wire::BulkResume { catch_up }) => {
            What::Resume { catch_up: bot::catch_up(catch_up)? }
        }
        wire::bulk_started::What::Undo(wire::BulkUndo { of, catch_up }) => {
            What::Undo { of: field::entity("of", &of)?, catch_up: bot::catch_up(catch_up)? }
        }
    })
}

fn encode_scope(scope: &Scope) -> Option<wire::BulkScope> {
    match scope {
        Scope::Tenant => None,
        Scope::Granted { channels, teams } => Some(wire::BulkScope {
            channels: channels.iter().map(ToString::to_string).collect(),
            teams: teams.iter().map(ToString::to_string).collect(),
        }),
    }
}

fn decode_scope(scope: Option<wire::BulkScope>) -> Result<Scope, DecodeError> {
    let Some(wire::BulkScope { channels, teams }) = scope else { return Ok(Scope::Tenant) };
    let team = |team: String| TeamId::new(team).map_err(|_name| DecodeError::Invalid("team"));
    Ok(Scope::Granted {
        channels: channels.into_iter().map(field::channel).collect::<Result<_, _>>()?,
        teams: teams.into_iter().map(team).collect::<Result<_, _>>()?,
    })
}

fn decode_started(event: wire::BulkStarted) -> Result<BulkEvent, DecodeError> {
    Ok(BulkEvent::Started {
        what: decode_what(event.what.ok_or(DecodeError::Missing("what"))?)?,
        total: event.total,
        list: event.list_sha256.as_slice().try_into().map_err(|_length| DecodeError::Invalid("list_sha256"))?,
        chosen: Chosen::parse(&event.chosen).ok_or(DecodeError::Invalid("chosen"))?,
        position: Position::new(event.position),
        by: Asker {
            role: Role::parse(&event.role).ok_or(DecodeError::Invalid("role"))?,
            name: AgentId::new(event.agent).map_err(|_name| DecodeError::Invalid("agent"))?,
            scope: decode_scope(event.scope)?,
        },
        personal: NotePersonal { text: event.personal.and_then(|personal| personal.text) },
    })
}

fn encode_progress(from: u32, results: &[OneResult], worker: &str, until: Timestamp) -> wire::BulkProgressed {
    let changed = (0..).zip(results).filter_map(|(index, one)| {
        let Changed { by, at } = one.changed.as_ref()?;
        Some(wire::BulkChanged { index, by: by.to_word(), at_ms: at.as_millis() })
    });
    wire::BulkProgressed {
        from,
        conversations: results.iter().flat_map(|one| *one.conversation.bytes()).collect(),
        outcomes: results.iter().map(|one| outcome_byte(one.outcome)).collect(),
        versions: results.iter().map(|one| one.version).collect(),
        changed: changed.collect(),
        worker: worker.to_owned(),
        until_ms: until.as_millis(),
    }
}

fn decode_progress(event: wire::BulkProgressed) -> Result<BulkEvent, DecodeError> {
    let (ids, rest) = event.conversations.as_chunks::<ID_BYTES>();
    if !rest.is_empty() || ids.len() != event.outcomes.len() || ids.len() != event.versions.len() {
        return Err(DecodeError::Invalid("conversations"));
    }
    let columns = ids.iter().zip(&event.outcomes).zip(&event.versions);
    let results = columns.map(|((id, outcome), version)| {
        let conversation = EntityId::new(EntityKind::Conversation, *id);
        Ok(OneResult { conversation, outcome: outcome_of(*outcome)?, version: *version, changed: None })
    });
    let mut results = results.collect::<Result<Vec<_>, DecodeError>>()?;
    for wire::BulkChanged { index, by, at_ms } in event.changed {
        let one = results.get_mut(index as usize).ok_or(DecodeError::Invalid("changed.index"))?;
        let by = Actor::from_word(&by).ok_or(DecodeError::Invalid("changed.by"))?;
        one.changed = Some(Changed { by, at: Timestamp::from_millis(at_ms) });
    }
    let until = Timestamp::from_millis(event.until_ms);
    Ok(BulkEvent::Progressed { from: event.from, results, worker: event.worker, until })
}

/// Fixed for ever: they stand on the log.
const fn outcome_byte(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Paused => 1,
        Outcome::Resumed => 2,
        Outcome::Already => 3,
        Outcome::Forbidden => 4,
        Outcome::Error => 5,
        Outcome::ChangedSince => 6,
    }
}

fn outcome_of(byte: u8) -> Result<Outcome, DecodeError> {
    let known = Outcome::ALL.into_iter().find(|outcome| outcome_byte(*outcome) == byte);
    known.ok_or(DecodeError::Invalid("outcomes"))
}
