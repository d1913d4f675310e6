//! Which adapter reads a raw item.

use std::panic::{AssertUnwindSafe, catch_unwind};

use relevo_channels::{NotUnderstood, NotUnderstoodReason, Target, Update, email, meta, twilio};
use relevo_eventlog::{InputKind, RawInput};

use crate::routes::{Endpoint, Routes};

/// The updates of a raw item, in the order of its bytes. An input that makes an adapter panic is one update that is parked:
/// it must neither stop intake nor be lost.
pub(crate) fn updates(input: &RawInput, routes: &Routes) -> Vec<Update> {
    let adapted = catch_unwind(AssertUnwindSafe(|| match input.kind {
        InputKind::Meta => meta::updates(&input.body),
        InputKind::Twilio => twilio::updates(&input.body),
        InputKind::Email => email::updates(&input.body, own_addresses(input, routes)),
    }));
    adapted.unwrap_or_else(|_panic| {
        let target = match input.kind {
            InputKind::Meta => Target::Nowhere,
            InputKind::Twilio | InputKind::Email => Target::Endpoint,
        };
        let not = NotUnderstood { reason: NotUnderstoodReason::Malformed, at: "adapter".to_owned(), class: None };
        vec![Update { target, content: Err(not) }]
    })
}

fn own_addresses<'r>(input: &RawInput, routes: &'r Routes) -> &'r [String] {
    match routes.endpoints.get(&input.endpoint) {
        Some(Endpoint::Email { own_addresses, .. }) => own_addresses,
        Some(Endpoint::Meta(_) | Endpoint::Twilio(_)) | None => &[],
    }
}
