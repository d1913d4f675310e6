//! The gRPC services, one file each. A handler is five short moves; everything shared stands beside this folder.

mod assignment;
mod bulk;
mod file;
mod inbox;
mod metrics;
mod pause;
mod template;

pub use file::Files;
pub(crate) use inbox::Pasts;
pub use template::Templates;

use crate::request::PAGE_SIZE_MAX;

// What a page is cut to here, every reader gives: none of them may cut it again.
const _: () = assert!(
    PAGE_SIZE_MAX <= relevo_projector_inbox::LIST_LIMIT_MAX
        && PAGE_SIZE_MAX <= relevo_projector_inbox::THREAD_LIMIT_MAX
        && PAGE_SIZE_MAX <= relevo_projector_assignment::LIMIT_MAX
        && PAGE_SIZE_MAX <= relevo_projector_pause::LIMIT_MAX
        && PAGE_SIZE_MAX <= relevo_projector_pause::BULK_LIMIT_MAX
);
