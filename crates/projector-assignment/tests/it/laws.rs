//! The laws that every projector obeys, on a made-up history with every event.

use relevo_projection::testing::{history, laws};
use relevo_projector_assignment::AssignmentProjector;

#[test]
fn the_view_is_the_fold_of_its_commits_however_they_come() {
    laws(|| AssignmentProjector, &history(2, 2_000));
}
