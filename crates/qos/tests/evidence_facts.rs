//! Each rule of the evidence where it alone decides.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::Ratio;
use plimsoll_qos::evidence::{
    DecayingHistogram, Hearing, PeakPolicy, RatioPolicy, Sample, Supported, TaskUsage, Unheard, advise,
    recommend_memory,
};
use serde_json::json;

const NOW: u64 = 1_790_000_000;
const INTERVAL: u64 = 300;
const DAY: u64 = 86_400;
const LIMIT: u64 = 1_000_000;

/// A pod that used so much at those times before now, the oldest first.
fn mk_pod(used: impl IntoIterator<Item = (u64, u64)>) -> TaskUsage {
    let samples = used.into_iter().map(|(ago, value)| Sample { at: NOW - ago, value }).collect();
    TaskUsage { limit: LIMIT, request: LIMIT / 2, samples }
}

/// A pod that was measured in each interval of so many days; `use_of` tells by how many intervals ago.
fn mk_days(days: u64, use_of: impl Fn(u64) -> u64) -> TaskUsage {
    mk_pod((0..days * DAY / INTERVAL).rev().map(|ago| (ago * INTERVAL, use_of(ago))))
}

fn supported_by(policy: &RatioPolicy, pod: &TaskUsage) -> Supported {
    let heard = Hearing::default().listen(std::slice::from_ref(pod), 1, NOW).unwrap();
    policy.supported(&policy.pool(LIMIT, &heard, NOW).unwrap().unwrap(), Unheard::LeftOut, 0)
}

fn whole(ratio: u32) -> Ratio {
    Ratio::new(ratio, 1).unwrap()
}

#[test]
fn a_pod_is_silent_after_fifteen_minutes_and_not_at_them() {
    let heard = |ago: u64| {
        let mut pod = mk_days(1, |_| 1);
        pod.samples.iter_mut().for_each(|sample| sample.at -= ago);
        let heard = Hearing::default().listen(&[pod.clone()], 1, NOW).unwrap();
        let peak = PeakPolicy::default().predict(&[pod], NOW).unwrap();
        (heard.warm.len(), heard.silent, peak.stale)
    };
    assert_eq!(heard(900), (1, 0, 0));
    assert_eq!(heard(901), (0, 1, 1));
}

#[test]
fn many_samples_of_one_interval_are_one_measurement() {
    let heard = |used: Vec<(u64, u64)>| Hearing::default().listen(&[mk_pod(used)], 1, NOW).unwrap();
    let crowd: Vec<_> = [(DAY, 1)].into_iter().chain((0..300).rev().map(|_| (0, 1))).collect();
    assert_eq!((heard(crowd).warm.len(), heard(vec![(DAY, 1), (0, 1)]).warm.len()), (0, 0));
    // Three quarters of the 288 intervals are enough, one less is not.
    let share = |measured: u64| {
        let recent = (0..measured - 1).rev().map(|ago| (ago * INTERVAL, 1));
        heard([(DAY - INTERVAL, 1)].into_iter().chain(recent).collect()).warm.len()
    };
    assert_eq!((share(216), share(215)), (1, 0));
}

#[test]
fn a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() {
    let pod = mk_pod((1..=24).rev().map(|rank| ((rank - 1) * INTERVAL, 25 - rank)));
    let percentile = |per_mille| {
        PeakPolicy { per_mille, ..PeakPolicy::default() }
            .predict(std::slice::from_ref(&pod), NOW)
            .unwrap()
            .by_percentiles
    };
    // 24 values: each is a twenty-fourth of them, 41.7 thousandths.
    let table = [(1000, 24), (990, 24), (959, 24), (958, 23), (500, 12), (501, 13), (41, 1), (42, 2), (1, 1)];
    for (per_mille, value) in table {
        assert_eq!(percentile(per_mille), value, "{per_mille}");
    }
}

/// Two spikes in a day are in no 99th percentile and no mean; on a node with one pod they are what matters.
#[test]
fn deviations_alone_may_forbid_a_ratio() {
    let pod = mk_days(8, |ago| if ago % 288 == 100 || ago % 288 == 200 { LIMIT } else { 0 });
    let with =
        |pods_per_node| supported_by(&RatioPolicy { pods_per_node, ..RatioPolicy::default() }, &pod).ratio;
    assert_eq!(with(1), whole(2));
    assert_eq!(with(20), whole(10));
}

#[test]
fn a_ratio_must_hold_over_every_span() {
    let calm_today = mk_days(8, |ago| if ago < 288 { LIMIT / 100 } else { LIMIT * 4 / 100 });
    let busy_today = mk_days(8, |ago| if ago < 288 { LIMIT * 4 / 100 } else { LIMIT / 100 });
    for pod in [calm_today, busy_today] {
        assert_eq!(supported_by(&RatioPolicy::default(), &pod).ratio, whole(5));
    }
    let calm = mk_days(8, |_| LIMIT / 100);
    assert_eq!(supported_by(&RatioPolicy::default(), &calm).ratio, whole(10));
}

#[test]
fn of_several_samples_in_one_interval_the_largest_counts() {
    let pod = |first: u64, second: u64| {
        let pairs = (0..288).rev().flat_map(|ago| {
            // Both within one interval, which begins at a multiple of its length.
            let begin = NOW % INTERVAL + ago * INTERVAL;
            [(begin, LIMIT * first / 100), (begin - 60, LIMIT * second / 100)]
        });
        supported_by(&RatioPolicy::default(), &mk_pod(pairs)).mean_basis_points
    };
    assert_eq!(NOW % INTERVAL, 200);
    assert_eq!((pod(1, 9), pod(9, 1), pod(9, 9), pod(1, 1)), (900, 900, 900, 100));
}

/// A day weighs half as much as the next one. Those of four to six days ago are not yet a tenth of all, which is what the
/// target leaves out; with one of seven days ago they are, and one of eight days ago is forgotten.
#[test]
fn memory_is_recommended_from_eight_days_and_no_more() {
    let target = |oldest: u64| {
        let used = [(oldest, 900), (6, 900), (5, 900), (4, 900), (0, 300)];
        let samples = used.map(|(days, mebis)| Sample { at: NOW - days * DAY, value: mebis << 20 }).to_vec();
        recommend_memory(&[TaskUsage { limit: 1 << 40, request: 0, samples }]).unwrap().target
    };
    assert!(target(7) > 900 << 20, "{}", target(7));
    assert!(target(8) < 500 << 20, "{}", target(8));
}

#[test]
fn a_percentile_that_a_bucket_reaches_exactly_is_in_it() {
    let mut histogram = DecayingHistogram::cpu();
    histogram.add(1.0, 1.0, 0.0);
    histogram.add(2.0, 1.0, 0.0);
    assert!((1.0..1.1).contains(&histogram.percentile(0.5)), "{}", histogram.percentile(0.5));
    assert!((2.0..2.2).contains(&histogram.percentile(0.51)), "{}", histogram.percentile(0.51));
}

/// No percentile sees it, but whoever needs it again is killed without it.
#[test]
fn a_memory_limit_holds_the_largest_use_that_was_seen_and_fifteen_percent_more() {
    let series = |values: Vec<&str>| json!({"end": NOW, "interval": INTERVAL, "values": values});
    let mut memory = vec!["1Gi"; 2016];
    memory[0] = "3Gi";
    let pod = json!({"cpu": series(vec!["400m"; 2016]), "memory": series(memory)});
    let app = json!({"namespace": "demo", "name": "shop", "grade": "general-2", "replicas": 2,
        "size": {"cpu": "1", "memory": "4Gi"}, "pods": [pod, pod]});
    let request = serde_json::from_value(json!({"now": NOW, "apps": [app]})).unwrap();
    let advice = advise(&request).unwrap().apps.remove(0);
    let size = advice.right_size.unwrap().size;
    assert_eq!(size.memory.to_string(), "3533Mi");
}
