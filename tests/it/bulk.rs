//! Bulks through the real binary, with a kill half-way. Ten thousand: `make bulk`.

use relevo_tests::bulk::prove;

/// Enough that a kill hits it half-way.
const CONVERSATIONS: usize = 1_500;

#[tokio::test]
async fn many_are_paused_through_a_kill_and_taken_back_exactly() {
    let proof = prove(CONVERSATIONS).await;
    assert!(proof.at_kill > 0 && proof.progress >= 2, "{proof:?}");
}
