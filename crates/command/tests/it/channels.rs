//! Channels that are paused, and templates that come and go at the provider.

use relevo_domain::Role;
use relevo_domain::template::{Template, TemplateStatus};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::channel_command_service_server::ChannelCommandService as _;
use relevo_proto::command::v1::send_service_server::SendService as _;

use crate::house::{by, caller, carla, channel, code, fresh, laura, now, refused};
use crate::sending_house::{Business, send, tenant, words};

fn pause(on: &str) -> proto::PauseChannelRequest {
    proto::PauseChannelRequest { command_id: fresh(), channel_id: on.to_owned(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_channel_sends_nothing_until_it_is_resumed() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let (channels, desk) = (house.commands.channels(house.ports.clone()), house.commands.sends(house.ports.clone()));
    assert_eq!(code(channels.pause_channel(by(&laura(), pause("wa"))).await), "FORBIDDEN");
    let nowhere = refused(channels.pause_channel(by(&carla(), pause("sms"))).await);
    assert_eq!((nowhere.code.as_str(), nowhere.subject("channel_id")), ("CHANNEL_NOT_FOUND", Some("sms")));

    let request = pause("wa");
    let paused = channels.pause_channel(by(&carla(), request.clone())).await.unwrap().into_inner();
    assert!(!paused.already_so);
    assert_eq!(channels.pause_channel(by(&carla(), request)).await.unwrap().into_inner(), paused);
    assert!(channels.pause_channel(by(&carla(), pause("wa"))).await.unwrap().into_inner().already_so);
    // On another node too.
    let other = house.another().await;
    for node in [&house, &other] {
        let answer = node.commands.sends(node.ports.clone()).send_message(by(&laura(), send(id, words("Hola")))).await;
        assert_eq!(code(answer), "CHANNEL_PAUSED");
    }
    let ops = caller("demo", Role::Ops, "ops");
    let resume = proto::ResumeChannelRequest { command_id: fresh(), channel_id: "wa".to_owned(), ..Default::default() };
    channels.resume_channel(by(&ops, resume)).await.unwrap();
    assert!(desk.send_message(by(&laura(), send(id, words("Hola")))).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_list_of_templates_is_taken_over_in_small_steps() {
    let house = Business::start().await;
    let template = |n: usize| Template {
        name: format!("t{n:04}"),
        language: "es".to_owned(),
        provider_id: None,
        status: TemplateStatus::Approved,
        category: "utility".to_owned(),
        header: None,
        body: "x".repeat(1_024),
        footer: None,
        buttons: vec![],
        reason: None,
    };
    let all: Vec<Template> = (0..230).map(template).collect();
    let synchronise =
        async |templates| house.templates.synchronise(&tenant(), &channel("wa"), templates, now()).await.unwrap();
    assert_eq!(synchronise(all.clone()).await, 230);
    let after = house.last_sequence().await;
    assert_eq!(synchronise(all.clone()).await, 0);
    assert_eq!(house.last_sequence().await, after, "what is the same is not written again");
    let fewer: Vec<Template> = all.into_iter().skip(3).collect();
    assert_eq!(synchronise(fewer).await, 3);
}
