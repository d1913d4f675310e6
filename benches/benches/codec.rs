//! What a message costs on its way in beside the log and the rules: its signature, its JSON, its ids, and a commit's bytes.
//!
//! `cargo bench -p relevo-benches --bench codec`. A few seconds a case: to compare before and after, not to report.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on must fail")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use relevo_channels::{email, meta, signature, twilio};
use relevo_command::IdKey;
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{ChannelId, Commit};
use relevo_eventlog::codec;
use relevo_projection::testing::long_history;

/// Commits of a history that was made up from a seed, of all kinds.
const COMMITS: usize = 2_000;
const SECRET: &str = "benchmark";

/// A POST of Meta's with one text, as they come.
const META: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"María García"},"wa_id":"5491155550101"}],"messages":[{"from":"5491155550101","id":"wamid.HBgNNTQ5MTE1NTU1MDEwMRUCABIYFDNBMEE1","timestamp":"1763003116","type":"text","text":{"body":"Hola, quería saber si tienen turno para mañana por la tarde."}}]}}]}]}"#;
/// The same of Twilio's.
const TWILIO: &str = "SmsMessageSid=SM1&NumMedia=0&ProfileName=Mar%C3%ADa&MessageType=text&SmsSid=SM1&WaId=5491155550101&SmsStatus=received&Body=Hola%2C+quer%C3%ADa+saber+si+tienen+turno&To=whatsapp%3A%2B15550783881&NumSegments=1&MessageSid=SM1&AccountSid=AC0&From=whatsapp%3A%2B5491155550101&ApiVersion=2010-04-01";
/// A short mail with both texts.
const MAIL: &str = "From: \"María\" <maria@example.org>\r\nTo: ventas@demo.example\r\nSubject: =?utf-8?q?Consulta_por_turno?=\r\nDate: Fri, 21 Nov 2025 14:12:00 -0300\r\nMessage-ID: <1@example.org>\r\nIn-Reply-To: <0@demo.example>\r\nReferences: <0@demo.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHola, quería un turno.\r\n\r\nEl vie, 21 nov 2025 a las 14:10, Ventas <ventas@demo.example> escribió:\r\n> ¿En qué podemos ayudarle?\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hola, quería un turno.</p>\r\n--b--\r\n";

fn commits(criterion: &mut Criterion) {
    let history: Vec<Commit> = long_history(1, COMMITS).into_iter().map(|recorded| recorded.commit).collect();
    let stored: Vec<Vec<u8>> = history.iter().map(codec::encode).collect();
    let mut group = criterion.benchmark_group("commits");
    group.throughput(Throughput::Elements(COMMITS as u64));
    group.bench_function("encode", |bencher| {
        bencher.iter(|| history.iter().map(|commit| black_box(codec::encode(commit)).len()).sum::<usize>());
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| stored.iter().filter(|bytes| black_box(codec::decode(bytes)).is_ok()).count());
    });
    group.bench_function("hash", |bencher| {
        bencher.iter(|| stored.iter().map(|bytes| usize::from(black_box(codec::hash(bytes))[0])).sum::<usize>());
    });
    group.finish();
}

fn edges(criterion: &mut Criterion) {
    let secrets = ["before", SECRET];
    let meta_header = signature::meta_sign(SECRET.as_bytes(), META.as_bytes());
    let url = "https://demo.example/webhooks/twilio/wa";
    let twilio_header = signature::twilio_sign(SECRET.as_bytes(), url, TWILIO.as_bytes());
    let own = ["ventas@demo.example".to_owned()];
    let mut group = criterion.benchmark_group("edges");
    group.bench_function("signature, Meta", |bencher| {
        bencher.iter(|| signature::meta_signature_valid(&secrets, Some(black_box(&meta_header)), META.as_bytes()));
    });
    group.bench_function("signature, Twilio", |bencher| {
        bencher.iter(|| {
            signature::twilio_signature_valid(&secrets, url, TWILIO.as_bytes(), Some(black_box(&twilio_header)))
        });
    });
    group.bench_function("body, Meta", |bencher| bencher.iter(|| meta::updates(black_box(META.as_bytes()))));
    group.bench_function("body, Twilio", |bencher| bencher.iter(|| twilio::updates(black_box(TWILIO.as_bytes()), "")));
    group.bench_function("body, mail", |bencher| bencher.iter(|| email::updates(black_box(MAIL.as_bytes()), &own)));
    group.finish();
}

fn ids(criterion: &mut Criterion) {
    let key = IdKey::new([7; 32]);
    let channel = ChannelId::new("wa-main").unwrap();
    let mut group = criterion.benchmark_group("ids");
    group.bench_function("conversation", |bencher| {
        bencher.iter(|| key.conversation(&channel, IdentifierKind::WaId, black_box("5491155550101")));
    });
    group.bench_function("message", |bencher| bencher.iter(|| key.message(&channel, black_box("wamid.HBgNNTQ5MTE1"))));
    group.bench_function("command", |bencher| {
        bencher.iter(|| key.command(&channel, "message", black_box("wamid.HBgNNTQ5MTE1"), ""));
    });
    group.finish();
}

criterion_group! {
    name = bytes;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    targets = commits, edges, ids
}
criterion_main!(bytes);
