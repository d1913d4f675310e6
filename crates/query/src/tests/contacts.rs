//! Contacts: customer, merged contacts, conversations within access, search.

use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::{CustomerPersonal, MergeCause};
use relevo_domain::{EntityId, ErrorCode, Role};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;

use super::world::{Told, World, ask, caller, code, contact, conversation, granted, supervisor};

/// Contacts 1 (WhatsApp, a customer) and 2 (mail) are one person.
fn given() -> Told {
    let customer = CustomerPersonal { id: "C-77".to_owned(), name: Some("Ferretería Sur".to_owned()) };
    World::new()
        .writes("demo", 1, "wa-main", "Hola")
        .writes("demo", 2, "mail", "Presupuesto")
        .writes("demo", 3, "wa-main", "Otra persona")
        .contact_event("demo", 1, ContactEvent::CustomerLinked { personal: customer })
        .contact_event("demo", 1, ContactEvent::Merged { other: contact(2), cause: MergeCause::Manual })
        .told()
}

fn get(id: EntityId) -> wire::GetContactRequest {
    wire::GetContactRequest { contact_id: id.to_string(), ..Default::default() }
}

#[tokio::test]
async fn a_contact_comes_with_its_customer_and_every_conversation_of_the_person() {
    let told = given();
    let answer = told.query.get_contact(ask(&supervisor(), get(contact(1)))).await.unwrap().into_inner();
    let found = answer.contact.unwrap();
    assert_eq!(found.customer.as_ref().unwrap().customer_id, "C-77");
    assert_eq!(found.merged_contact_ids, [contact(2).to_string()]);
    let ids: Vec<_> = answer.conversations.iter().map(|row| row.conversation_id.clone()).collect();
    assert_eq!(ids, [conversation(2).to_string(), conversation(1).to_string()]);
    assert_eq!(answer.conversations[1].customer.as_ref().unwrap().name, "Ferretería Sur");

    let laura = told.query.get_contact(ask(&granted("laura", "wa-main", "ventas"), get(contact(1)))).await.unwrap();
    let ids: Vec<_> = laura.into_inner().conversations.into_iter().map(|row| row.conversation_id).collect();
    assert_eq!(ids, [conversation(1).to_string()], "the mail is not hers to see");
}

#[tokio::test]
async fn a_contact_without_a_visible_conversation_does_not_exist() {
    let told = given();
    let laura = granted("laura", "wa-main", "ventas");
    assert_eq!(code(told.query.get_contact(ask(&laura, get(contact(2)))).await), ErrorCode::ContactNotFound);
    let other = caller("demo-b", "carla", Role::Admin);
    assert_eq!(code(told.query.get_contact(ask(&other, get(contact(1)))).await), ErrorCode::ContactNotFound);
    assert_eq!(code(told.query.get_contact(ask(&supervisor(), get(contact(9)))).await), ErrorCode::ContactNotFound);
    for bad in ["", "ctc_", &conversation(1).to_string()] {
        let request = wire::GetContactRequest { contact_id: bad.to_owned(), ..Default::default() };
        assert_eq!(code(told.query.get_contact(ask(&supervisor(), request)).await), ErrorCode::InvalidArgument);
    }
}

#[tokio::test]
async fn contacts_are_found_by_what_was_typed() {
    let told = given();
    let search = async |caller, query: &str| {
        let request = wire::SearchContactsRequest { query: query.to_owned(), ..Default::default() };
        let answer = told.query.search_contacts(ask(&caller, request)).await.unwrap().into_inner();
        assert!(!answer.truncated);
        let mut found: Vec<_> = answer.contacts.into_iter().map(|contact| contact.contact_id).collect();
        found.sort();
        found
    };
    assert_eq!(search(supervisor(), "ferreteria").await, [contact(1).to_string(), contact(2).to_string()]);
    assert_eq!(search(supervisor(), "549110003").await, [contact(3).to_string()]);
    assert_eq!(search(granted("laura", "wa-main", "ventas"), "ferre").await, [contact(1).to_string()]);
    assert!(search(caller("demo-b", "carla", Role::Admin), "ferre").await.is_empty());
    let empty = told.query.search_contacts(ask(&supervisor(), wire::SearchContactsRequest::default())).await;
    assert_eq!(code(empty), ErrorCode::InvalidArgument);
}
