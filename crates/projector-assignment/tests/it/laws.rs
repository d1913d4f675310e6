//! The laws that every projector obeys, on a made-up history with every event.

use std::collections::BTreeMap;

use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{fold, history, laws};
use relevo_projector_assignment::{AssignmentProjector, Filter, Query, Status, assignments, loads};

#[test]
fn the_view_is_the_fold_of_its_commits_however_they_come() {
    laws(|| AssignmentProjector, &history(2, 2_000));
}

#[test]
fn loads_are_what_the_lists_say() {
    let commits = history(5, 2_000);
    let (_folder, view) = fold(AssignmentProjector, &commits);
    let snapshot = view.snapshot().unwrap();
    let now = commits.last().unwrap().commit.recorded_at;
    for tenant in ["demo", "demo-b", "peluqueria-sol"] {
        let caller = supervisor(tenant);
        let listed = |filter| {
            let query = Query { filter, statuses: &[Status::Open], visible: &caller, now, after: None, limit: 200 };
            assignments(&snapshot, &caller.tenant, &query).unwrap().rows
        };
        let (mut agents, mut teams) = (BTreeMap::new(), BTreeMap::new());
        for row in listed(Filter::Everybody) {
            assert_eq!(row.status, Status::Open);
            row.agent.into_iter().for_each(|agent| *agents.entry(agent).or_insert(0) += 1);
            row.team.into_iter().for_each(|team| *teams.entry(team).or_insert(0) += 1);
        }
        let mut loads = loads(&snapshot, &caller.tenant, &caller, now).unwrap();
        loads.agents.retain(|load| load.open > 0);
        loads.teams.retain(|load| load.open > 0);
        assert_eq!(loads.agents.into_iter().map(|load| (load.holder, load.open)).collect::<BTreeMap<_, u64>>(), agents);
        assert_eq!(loads.teams.into_iter().map(|load| (load.holder, load.open)).collect::<BTreeMap<_, u64>>(), teams);
        for (agent, open) in agents {
            assert_eq!(listed(Filter::Agent(agent)).len() as u64, open);
        }
        for (team, open) in teams {
            assert_eq!(listed(Filter::Team(team)).len() as u64, open);
        }
    }
}
