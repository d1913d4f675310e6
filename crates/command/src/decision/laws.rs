//! The decision store under the laws that every view obeys.

use relevo_projection::testing::{history, laws};

use super::DecisionProjector;

#[test]
fn the_decision_store_is_a_fold_of_the_log() {
    laws(|| DecisionProjector, &history(7, 1_000));
}
