//! Companions never refuse what the grades make.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use num_traits::ToPrimitive;
use plimsoll_qos::{
    Amounts, Budget, BudgetError, Grade, GradeRule, Policy, QosClass, Quantity, Ratio, Resources, Terms,
    best_effort_quota, limit_range, priority_classes, processors, requests, resource_quota,
};
use proptest::prelude::*;

fn q(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn mk_rule(cpu: Ratio, memory: Ratio) -> GradeRule {
    let sold = !cpu.is_one() || !memory.is_one();
    let qos_class = if sold { QosClass::Burstable } else { QosClass::Guaranteed };
    GradeRule { name: "iron".parse().unwrap(), qos_class, cpu, memory, priority: 100 }
}

/// `LimitRanger`'s own comparison of limit over request with the bound, of Kubernetes v1.37.
fn is_let_through(limit: &Quantity, request: &Quantity, bound: &Quantity) -> bool {
    let number = |amount: &Quantity| amount.millis().to_i64().unwrap().to_f64().unwrap();
    number(limit) / number(request) * 1000.0 <= number(bound)
}

#[test]
fn the_range_of_the_own_grades_is_ten_and_one_and_a_half() {
    let range = limit_range(&Policy::default());
    assert_eq!(range.max_limit_request_ratio, Resources::from([("cpu", q("10")), ("memory", q("1500m"))]));
    assert_eq!(range.default, range.default_request);
    assert_eq!(range.default, Resources::from([("cpu", q("100m")), ("memory", q("128Mi"))]));
}

/// A policy may be made stricter; what runs by the old one goes on.
#[test]
fn a_range_lets_through_what_older_releases_were_sold_at() {
    let policy = Policy::new(vec![mk_rule(Ratio::new(2, 1).unwrap(), Ratio::ONE)]).unwrap();
    let ratios = |terms: Terms| limit_range(&policy).admitting(&terms).max_limit_request_ratio;
    let ratio = |text: &str| text.parse::<Ratio>().unwrap();
    let older = Terms { cpu: ratio("161/10"), memory: ratio("3/2") };
    assert_eq!(ratios(older), Resources::from([("cpu", q("16101m")), ("memory", q("1500m"))]));
    let milder = Terms { cpu: ratio("3/2"), memory: Ratio::ONE };
    assert_eq!(ratios(milder), Resources::from([("cpu", q("2")), ("memory", q("1"))]));
}

#[test]
fn a_ratio_that_floating_point_overstates_is_let_through() {
    for (ratio, bound) in [("161/10", "16101m"), ("10/3", "3334m"), ("7/2", "3500m"), ("100", "100")] {
        let policy = Policy::new(vec![mk_rule(ratio.parse().unwrap(), Ratio::ONE)]).unwrap();
        assert_eq!(limit_range(&policy).max_limit_request_ratio.amount("cpu"), &q(bound), "{ratio}");
    }
    assert!(!is_let_through(&q("161m"), &q("10m"), &q("16100m")), "Kubernetes would have refused it");
}

#[test]
fn every_grade_has_its_priority_class() {
    let classes = priority_classes(&Policy::default());
    let found: Vec<_> = classes.iter().map(|class| (class.name.as_str(), class.value)).collect();
    assert_eq!(found, Grade::ALL.map(Grade::priority));
    assert_eq!(
        classes[3].description,
        "Applications of grade general-5: Burstable, CPU sold 5 times, memory 3/2 times."
    );
}

#[test]
fn runtimes_believe_in_the_limit_rounded_up() {
    for (limit, count) in
        [("1m", Some(1)), ("1", Some(1)), ("1001m", Some(2)), ("2500m", Some(3)), ("0", None)]
    {
        assert_eq!(processors(&q(limit)), count, "{limit}");
    }
    assert_eq!(processors(&q("-1")), None);
    assert_eq!(processors(&q("65536")), Some(65_536));
    assert_eq!(processors(&q("65537")), None);
    assert_eq!(processors(&q("1e9")), None);
}

#[test]
fn a_budget_in_limits_bounds_the_requests_too() {
    let budget =
        Budget { limits: Amounts { cpu: q("100"), memory: q("200Gi") }, pods: 50, containers_per_pod: 2 };
    let policy = Policy::default();
    let quota = resource_quota(&budget, policy.grade("general-10").unwrap()).unwrap();
    assert_eq!(quota.priority_class.as_deref(), Some("plimsoll-general-10"));
    assert_eq!(
        quota.hard,
        Resources::from([
            ("limits.cpu", q("100")),
            ("limits.memory", q("200Gi")),
            ("requests.cpu", q("10100m")),
            ("requests.memory", q("136634Mi")),
            ("pods", q("50")),
        ])
    );
    assert_eq!(
        quota.because[0],
        "requests.cpu: ceil(100 / 10), grade general-10, and 100m for rounding up 100 containers"
    );
    let guaranteed = resource_quota(&budget, policy.grade("important").unwrap()).unwrap();
    assert_eq!(guaranteed.hard.amount("requests.cpu"), &q("100"));
    assert_eq!(guaranteed.hard.amount("requests.memory"), &q("200Gi"));
    assert_eq!(guaranteed.because[0], "requests.cpu: equal to the limit, grade important");
    // Of very small pods the rounding alone is more than what was promised.
    let small = Budget { limits: Amounts { cpu: q("50m"), memory: q("200Gi") }, ..budget };
    let quota = resource_quota(&small, policy.grade("general-10").unwrap()).unwrap();
    assert_eq!(quota.hard.amount("requests.cpu"), &q("50m"));
    assert_eq!(best_effort_quota().hard, Resources::from([("pods", q("0"))]));
}

#[test]
fn a_budget_of_nothing_is_refused_by_field() {
    let policy = Policy::default();
    let budget = |cpu: &str, memory: &str, containers_per_pod| {
        let limits = Amounts { cpu: q(cpu), memory: q(memory) };
        let budget = Budget { limits, pods: 1, containers_per_pod };
        resource_quota(&budget, &policy.grades()[2]).unwrap_err()
    };
    assert_eq!(budget("0", "1Gi", 1), BudgetError::NotPositive("cpu"));
    assert_eq!(budget("1", "-1Gi", 1), BudgetError::NotPositive("memory"));
    assert_eq!(budget("1", "1Gi", 0), BudgetError::NoContainer);
}

/// The ratios that a policy takes.
fn ratios(most: u32) -> impl Strategy<Value = Ratio> {
    let least = Ratio::new(11, 10).unwrap();
    (1_u32..200, 1_u32..200)
        .prop_filter_map("at least one", |(a, b)| Ratio::new(a, b).ok())
        .prop_filter("one, or enough to be felt", move |ratio| ratio.is_one() || *ratio >= least)
        .prop_filter("within the bound", move |ratio| *ratio <= Ratio::new(most, 1).unwrap())
}

fn rules() -> impl Strategy<Value = GradeRule> {
    (ratios(100), ratios(2)).prop_filter_map("memory is sold less often than CPU", |(cpu, memory)| {
        (memory <= cpu).then(|| mk_rule(cpu, memory))
    })
}

proptest! {
    #[test]
    fn the_limit_range_lets_every_size_of_every_grade_through(
        rule in rules(), cpu in 1_u64..1_000_000, memory in 1_u64..1 << 50,
    ) {
        let range = limit_range(&Policy::new(vec![rule.clone()]).unwrap());
        let limit = Amounts { cpu: Quantity::from_millis(cpu), memory: Quantity::from_bytes(memory) };
        let made = requests(&limit, &rule.name, &rule.terms()).amounts();
        let bound = &range.max_limit_request_ratio;
        prop_assert!(is_let_through(&limit.cpu, &made.cpu, bound.amount("cpu")));
        prop_assert!(is_let_through(&limit.memory, &made.memory, bound.amount("memory")));
    }

    #[test]
    fn the_quota_takes_all_pods_that_the_promised_limits_allow(
        rule in rules(), sizes in prop::collection::vec((1_u64..5_000, 1_u64..1 << 36), 1..20), containers in 1_u32..3,
    ) {
        let size = |(cpu, memory): (u64, u64)| Amounts {
            cpu: Quantity::from_millis(cpu),
            memory: Quantity::from_bytes(memory),
        };
        let each = sizes.iter().copied().map(size).map(|limit| {
            let asked = requests(&limit, &rule.name, &rule.terms()).amounts();
            (limit, asked)
        });
        let mut limits = Amounts::default();
        let mut asked = Amounts::default();
        for (limit, request) in each {
            for _ in 0..containers {
                limits.cpu += &limit.cpu;
                limits.memory += &limit.memory;
                asked.cpu += &request.cpu;
                asked.memory += &request.memory;
            }
        }
        let pods = u32::try_from(sizes.len()).unwrap();
        let quota = resource_quota(&Budget { limits, pods, containers_per_pod: containers }, &rule).unwrap();
        prop_assert!(asked.cpu <= *quota.hard.amount("requests.cpu"));
        prop_assert!(asked.memory <= *quota.hard.amount("requests.memory"));
        prop_assert!(quota.hard.amount("requests.cpu") <= quota.hard.amount("limits.cpu"));
        prop_assert!(quota.hard.amount("requests.memory") <= quota.hard.amount("limits.memory"));
    }
}
