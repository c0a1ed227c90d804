//! plimsoll-qos against Kubernetes' own code: the same random requests to both, and every difference is a failure.
//!
//! `PLIMSOLL_SEED` repeats a run, `PLIMSOLL_CASES` makes it longer.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod cases;
mod compare;
mod oracle;
mod shrink;

use std::collections::BTreeMap;

use plimsoll_qos::eval;
use serde_json::Value;

use crate::oracle::Oracle;

/// How many requests are compared, unless `PLIMSOLL_CASES` says otherwise.
const CASES: usize = 120_000;

/// What both sides see in the same words.
fn ours(request: &Value) -> Value {
    serde_json::from_str(&eval::line(request.to_string().as_bytes())).unwrap()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

#[test]
fn kubernetes_own_code_gives_the_same_answers() {
    let seed = number("PLIMSOLL_SEED").unwrap_or_else(|| fastrand::u64(..));
    let count = number("PLIMSOLL_CASES").map_or(CASES, |cases| usize::try_from(cases).unwrap());
    println!("PLIMSOLL_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let requests: Vec<Value> = (0..count).map(|_| cases::request(&mut random)).collect();

    let mut oracle = Oracle::start();
    let answers = oracle.ask_all(&requests);

    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for (request, theirs) in requests.iter().zip(&answers) {
        *outcomes.entry(compare::outcome(request, theirs)).or_default() += 1;
        if compare::difference(request, &ours(request), theirs).is_some() {
            let least = shrink::least(request, |smaller| {
                compare::difference(smaller, &ours(smaller), &oracle.ask(smaller)).is_some()
            });
            let theirs = oracle.ask(&least);
            let difference = compare::difference(&least, &ours(&least), &theirs).unwrap();
            panic!(
                "PLIMSOLL_SEED={seed}: {difference}\nrequest: {least}\nours: {}\ntheirs: {theirs}",
                ours(&least)
            );
        }
    }

    println!("{outcomes:#?}");
    // Random cases that are all refused, or all of one class, would show nothing.
    for outcome in cases::OUTCOMES {
        let cases = outcomes.get(*outcome).copied().unwrap_or_default();
        assert!(cases * 1000 >= count, "PLIMSOLL_SEED={seed}: {outcome} came up {cases} times in {count}");
    }
}

/// The answers that upstream gives and we do not, on purpose. One that changes upstream is to be noticed.
#[test]
fn what_differs_on_purpose_differs_as_documented() {
    let mut oracle = Oracle::start();
    let mut both = |value: &str| {
        let request = serde_json::json!({"op": "quantity", "value": value});
        (ours(&request)["canonical"].clone(), oracle.ask(&request)["canonical"].clone())
    };
    // Beyond the largest suffix upstream prints none, which is another amount.
    assert_eq!(both("1000E"), ("1000E".into(), "1".into()));
    // Upstream takes an exponent modulo 2^32; we refuse it.
    assert_eq!(both("1e4294967296"), (Value::Null, "1".into()));
    assert_eq!(both("1e513").0, Value::Null);
    assert_eq!(both(&"1".repeat(513)).0, Value::Null);
}
