//! What is stored of an entity reads back as it was, and what is damaged is not taken for something else.

use super::*;

fn channel() -> ChannelId {
    ChannelId::new("wa").unwrap()
}

#[test]
fn every_state_reads_back_as_written() {
    let contact_id = EntityId::new(EntityKind::Contact, [3; 16]);
    let opened = Opened {
        channel: channel(),
        contact: contact_id,
        medium: Medium::Email,
        status: Status::Resolved { at: Timestamp::from_millis(5) },
        episode: 2,
        bot: Bot::Paused {
            reason: PauseReason::Echo,
            by: Actor::Staff(AgentId::new("laura").unwrap()),
            since: Timestamp::from_millis(-4),
        },
        agent: Some(AgentId::new("laura").unwrap()),
        team: Some(TeamId::new("ventas").unwrap()),
        tags: [TagId::new([2; 16])].into(),
        priority: Priority::High,
        version: 9,
        customer_wrote: 8,
        read_through: 7,
    };
    let with =
        |status| EntityState::Conversation(conversation::State { opened: Some(Opened { status, ..opened.clone() }) });
    let states = [
        with(Status::Open),
        with(Status::Pending),
        with(Status::Snoozed { until: None }),
        with(Status::Snoozed { until: Some(Timestamp::from_millis(77)) }),
        EntityState::Conversation(conversation::State { opened: Some(opened.clone()) }),
        EntityState::Conversation(conversation::State::default()),
        EntityState::Contact(contact::State {
            exists: true,
            name: Some("Ana".to_owned()),
            identifiers: [(channel(), IdentifierKind::Bsuid, "AR.1".to_owned())].into(),
            merged: [contact_id].into(),
            parted: [EntityId::new(EntityKind::Contact, [4; 16])].into(),
            customer: Some(contact::CustomerPersonal { id: "C-1".to_owned(), name: Some("Ana".to_owned()) }),
        }),
        EntityState::Identity(Some(IdentityEvent::Bound {
            kind: IdentifierKind::Phone,
            channel: channel(),
            contact: contact_id,
            conversation: None,
        })),
        EntityState::Channel,
        EntityState::Workspace(workspace::State {
            id_key: Some("ff".to_owned()),
            tags: [(
                TagId::new([4; 16]),
                workspace::Tag { name: TagName::new("Urgente").unwrap(), colour: relevo_domain::Colour([255, 165, 0]) },
            )]
            .into(),
        }),
    ];
    for state in states {
        let kind = match &state {
            EntityState::Conversation(_) => EntityKind::Conversation,
            EntityState::Contact(_) => EntityKind::Contact,
            EntityState::Identity(_) => EntityKind::Identity,
            EntityState::Channel => EntityKind::Channel,
            EntityState::Workspace(_) => EntityKind::Workspace,
        };
        let entity = Entity { state, sequence: 9, version: 4, hash: [8; 32] };
        assert_eq!(decode(kind, &encode(&entity)).unwrap(), entity);
    }
}

#[test]
fn a_damaged_row_is_an_error_not_an_empty_state() {
    assert!(decode(EntityKind::Conversation, &[0xff, 0xff]).is_err());
    assert!(decode(EntityKind::Conversation, &[]).is_err(), "a row without a hash was never written");
}
