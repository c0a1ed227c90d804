//! A data center, whether it takes Orders, and if not, why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::breaker::{Cause, Guard, NAMES, Stop};
use crate::name::{AppRef, DcName};

/// A data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataCenter {
    /// Its name.
    pub name: DcName,
    /// The uid of its `kube-system` namespace: another answers for another cluster.
    pub cluster_uid: String,
    /// Whether it takes Orders.
    pub state: DcState,
    /// Why it is held, the oldest first; empty unless it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<Stop>,
    /// The state that it was held in, and goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_from: Option<DcState>,
    /// What an operator decided last about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// An operator has confirmed, and its worker is about to put back what was missing then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restoring: Option<Restoring>,
    /// It holds Orders that this ledger does not know of: the ledger was put back to an earlier state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Ahead>,
    /// When it was added.
    pub added: Timestamp,
}

/// Whether a data center takes Orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DcState {
    /// All of them.
    Active,
    /// All but publishes.
    Cordoned,
    /// None, until an operator decides.
    Held,
    /// Declared gone: none, and it is not counted.
    Lost,
}

/// What an operator decided about a data center that was held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// What.
    pub word: DecisionWord,
    /// Who.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The two words on a data center that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecisionWord {
    /// It is well: go on, and put back what is missing.
    Confirm,
    /// It is not: write nothing there, until somebody confirms.
    Refuse,
}

/// What was confirmed and is not carried out wholly yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restoring {
    /// The controller's stops that were confirmed and are to be lifted in its own cluster, by
    /// [`Guard::Controller`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lift: Vec<String>,
}

/// App resources above what the ledger ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ahead {
    /// How many.
    pub count: usize,
    /// How many Apps there are.
    pub apps: usize,
    /// Which; at most [`NAMES`].
    pub names: Vec<AppRef>,
    /// When it was noticed.
    pub since: Timestamp,
}

impl DataCenter {
    /// One that was just added.
    pub fn new(name: DcName, cluster_uid: String, now: Timestamp) -> Self {
        Self {
            name,
            cluster_uid,
            state: DcState::Active,
            stops: Vec::new(),
            held_from: None,
            decision: None,
            restoring: None,
            ahead: None,
            added: now,
        }
    }

    /// The same, held for one more reason; `None` where that changes nothing: it is declared lost, it is held
    /// for that already, or an operator has confirmed that very stop.
    #[must_use]
    pub fn held(&self, stop: Stop) -> Option<Self> {
        let same = |known: &Stop| {
            known.by == stop.by
                && match (&known.cause, &stop.cause) {
                    // Who has stopped writes nothing, so there is nothing to be added to it.
                    (Cause::Loss(_), Cause::Loss(_)) | (Cause::PutBack { .. }, Cause::PutBack { .. }) => true,
                    (one, two) => one == two,
                }
        };
        let is_confirmed = match (&stop.by, &self.restoring) {
            (Guard::Controller { kept }, Some(restoring)) => restoring.lift.contains(kept),
            _ => false,
        };
        if self.state == DcState::Lost || is_confirmed || self.stops.iter().any(same) {
            return None;
        }
        let mut held = self.clone();
        if self.state != DcState::Held {
            held.held_from = Some(self.state);
            held.state = DcState::Held;
            held.decision = None;
            held.stops.clear();
        }
        held.stops.push(stop);
        Some(held)
    }

    /// The same, after an operator's word; `None` where there is nothing to decide.
    #[must_use]
    pub fn decided(&self, decision: Decision) -> Option<Self> {
        if self.state != DcState::Held {
            return None;
        }
        let word = decision.word;
        let mut decided = Self { decision: Some(decision), ..self.clone() };
        if word == DecisionWord::Confirm {
            decided.state = self.held_from.unwrap_or(DcState::Active);
            decided.held_from = None;
            let stops = std::mem::take(&mut decided.stops);
            let mut restoring = self.restoring.clone().unwrap_or_default();
            for stop in stops {
                if let Cause::OtherCluster { found, .. } = stop.cause {
                    decided.cluster_uid = found;
                }
                if let Guard::Controller { kept } = stop.by
                    && !restoring.lift.contains(&kept)
                {
                    restoring.lift.push(kept);
                }
            }
            decided.restoring = Some(restoring);
        }
        Some(decided)
    }

    /// Why nothing may be written there, for people; `None` where something may.
    pub fn closed(&self) -> Option<String> {
        let name = &self.name;
        match self.state {
            DcState::Active | DcState::Cordoned => None,
            DcState::Lost => Some(format!("{name} is declared lost")),
            DcState::Held => {
                let why: Vec<String> = self.stops.iter().map(|stop| stop.cause.to_string()).collect();
                let why = if why.is_empty() { "nobody said why".to_owned() } else { why.join("; ") };
                Some(match &self.decision {
                    Some(Decision { word: DecisionWord::Refuse, by, .. }) => format!(
                        "{name} stays held, as {by} decided: {why}; when it is to go on, `plimsoll dc confirm {name}`"
                    ),
                    _ => format!(
                        "{name} is held until an operator decides: {why}; look with `plimsoll dc get {name}`, then \
                         `plimsoll dc confirm {name}` to go on and put back what is missing, or `plimsoll dc refuse \
                         {name}` to leave it as it is"
                    ),
                })
            }
        }
    }
}

impl Ahead {
    /// What is ahead, if that is more than may be.
    pub fn new(mut names: Vec<AppRef>, apps: usize, now: Timestamp) -> Option<Self> {
        let count = names.len();
        if !crate::breaker::is_ledger_behind(count, apps) {
            return None;
        }
        names.sort();
        names.truncate(NAMES);
        Some(Self { count, apps, names, since: now })
    }

    /// Why nothing is accepted and nothing delivered anywhere, for people.
    pub fn sentence(&self, dc: &DcName) -> String {
        let Self { count, apps, names, since: _ } = self;
        let first = names.first().map(|app| format!(", such as {app}")).unwrap_or_default();
        format!(
            "the ledger is older than the data centers: {count} of {apps} Apps in {dc} carry Orders that it never \
             wrote{first}; it was put back from a backup, so nothing is accepted and nothing delivered anywhere, and \
             what runs goes on; stop Plimsoll and put the newer ledger file back (a verb that reads the Orders back \
             from the data centers is not built yet)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::{Deed, Loss};

    fn by_worker(cause: Cause) -> Stop {
        Stop { by: Guard::Worker, cause, since: Timestamp::UNIX_EPOCH }
    }

    fn by_controller(kept: &str) -> Stop {
        Stop { by: Guard::Controller { kept: kept.to_owned() }, ..by_worker(loss()) }
    }

    fn loss() -> Cause {
        let app = AppRef { namespace: "demo".parse().unwrap(), name: "shop".parse().unwrap() };
        Cause::Loss(Loss { count: 4, limit: 3, apps: 9, deeds: vec![Deed::made_again("App", &app)] })
    }

    fn said(word: DecisionWord) -> Decision {
        Decision { word, by: "ann".to_owned(), reason: None, at: Timestamp::UNIX_EPOCH }
    }

    fn dc() -> DataCenter {
        DataCenter::new("dc-1".parse().unwrap(), "uid".to_owned(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_record_without_stops_is_written_as_it_always_was() {
        let json = serde_json::json!({
            "name": "dc-1", "clusterUid": "uid", "state": "Active", "added": "1970-01-01T00:00:00Z",
        });
        assert_eq!(serde_json::to_value(dc()).unwrap(), json);
        assert_eq!(serde_json::from_value::<DataCenter>(json).unwrap(), dc());
    }

    #[test]
    fn holding_it_twice_for_the_same_changes_nothing() {
        let held = dc().held(by_worker(loss())).unwrap();
        assert_eq!(held.state, DcState::Held);
        assert_eq!(held.held(by_worker(loss())), None);
        let both = held.held(by_controller("3")).unwrap();
        assert_eq!(both.stops.len(), 2);
        assert_eq!(both.held(by_controller("3")), None);
    }

    #[test]
    fn a_confirmed_stop_of_the_controller_does_not_hold_again_and_a_new_one_does() {
        let held = dc().held(by_controller("3")).unwrap();
        let confirmed = held.decided(said(DecisionWord::Confirm)).unwrap();
        assert_eq!((confirmed.state, confirmed.stops.len()), (DcState::Active, 0));
        assert_eq!(confirmed.held(by_controller("3")), None);
        assert!(confirmed.held(by_controller("4")).is_some());
        assert_eq!(confirmed.decided(said(DecisionWord::Confirm)), None, "there is nothing to decide");
    }

    #[test]
    fn refusing_leaves_it_held_and_confirming_later_still_works() {
        let held = dc().held(by_worker(loss())).unwrap();
        let refused = held.decided(said(DecisionWord::Refuse)).unwrap();
        assert_eq!((refused.state, refused.stops.len()), (DcState::Held, 1));
        assert!(refused.closed().unwrap().starts_with("dc-1 stays held, as ann decided: "));
        assert_eq!(refused.decided(said(DecisionWord::Confirm)).unwrap().state, DcState::Active);
    }

    #[test]
    fn confirming_another_cluster_takes_it_for_the_data_center() {
        let cause = Cause::OtherCluster { expected: "uid".to_owned(), found: "new".to_owned() };
        let confirmed = dc().held(by_worker(cause)).unwrap().decided(said(DecisionWord::Confirm)).unwrap();
        assert_eq!(confirmed.cluster_uid, "new");
    }

    #[test]
    fn one_that_was_cordoned_is_cordoned_again() {
        let cordoned = DataCenter { state: DcState::Cordoned, ..dc() };
        let held = cordoned.held(by_worker(loss())).unwrap();
        assert_eq!(held.decided(said(DecisionWord::Confirm)).unwrap().state, DcState::Cordoned);
    }
}
