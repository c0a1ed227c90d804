//! Grades, ratios and the requests that follow from a limit.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{
    Amounts, Container, Grade, HpaTargetError, Pod, QosClass, Quantity, Ratio, RatioError, Resources, Terms,
    hpa_target, qos_class, requests,
};
use proptest::prelude::*;

fn size(cpu: &str, memory: &str) -> Amounts {
    Amounts { cpu: cpu.parse().unwrap(), memory: memory.parse().unwrap() }
}

#[test]
fn requests_round_up_and_explain_themselves() {
    let table = [
        (Grade::General2, "333m", "1Gi", "167m", "683Mi"),
        (Grade::General5, "333m", "1Gi", "67m", "683Mi"),
        (Grade::General10, "333m", "1Gi", "34m", "683Mi"),
        (Grade::General10, "1m", "4Gi", "1m", "2731Mi"),
        (Grade::General10, "2500m", "3Mi", "250m", "2Mi"),
        (Grade::General2, "2", "1500M", "1", "954Mi"),
        (Grade::Important, "333m", "1000k", "333m", "1M"),
        (Grade::System, "2", "8Gi", "2", "8Gi"),
        // A fifth of it is more than 1m by less than the finest amount there is.
        (Grade::General5, "5000001n", "4Gi", "2m", "2731Mi"),
    ];
    for (grade, cpu, memory, cpu_request, memory_request) in table {
        let requests = requests(&size(cpu, memory), grade, &grade.terms());
        assert_eq!(requests.amounts(), size(cpu_request, memory_request), "{grade} {cpu} {memory}");
    }
    let explained = requests(&size("333m", "1Gi"), Grade::General5, &Grade::General5.terms());
    assert_eq!(explained.cpu.because, "ceil(333m / 5), grade general-5");
    assert_eq!(explained.memory.because, "ceil(1Gi × 2/3) to whole Mi, grade general-5");
    assert_eq!(explained.memory.value.to_string(), "683Mi");
    let plain = requests(&size("1", "1Gi"), Grade::System, &Grade::System.terms());
    assert_eq!(plain.cpu.because, "equal to the limit, grade system");
    let tiny = requests(&size("500u", "1Ki"), Grade::General2, &Grade::General2.terms());
    assert_eq!(tiny.amounts(), size("500u", "1Ki"));
    assert_eq!(tiny.memory.because, "ceil(1Ki × 2/3) to whole Mi but not above the limit, grade general-2");
}

#[test]
fn the_terms_of_the_release_count_not_those_of_today() {
    let old = Terms { cpu: Ratio::new(3, 1).unwrap(), memory: Ratio::ONE };
    assert_eq!(requests(&size("1", "1Gi"), Grade::General2, &old).amounts(), size("334m", "1Gi"));
}

#[test]
fn grades_have_names_terms_and_priorities() {
    for pair in Grade::ALL.windows(2) {
        assert!(pair[0] > pair[1]);
        assert!(pair[0].priority().1 > pair[1].priority().1);
        assert!(pair[0].terms().cpu <= pair[1].terms().cpu);
    }
    for grade in Grade::ALL {
        assert_eq!(grade.name().parse(), Ok(grade));
        assert_eq!(serde_json::to_string(&grade).unwrap(), format!("\"{grade}\""));
        assert_eq!(serde_json::from_str::<Grade>(&format!("\"{grade}\"")).unwrap(), grade);
        assert_eq!(grade.priority().0, format!("plimsoll-{grade}"));
        assert!((1..1_000_000_000).contains(&grade.priority().1));
        let terms = grade.terms();
        assert_eq!(grade.qos_class() == QosClass::Guaranteed, terms.cpu.is_one() && terms.memory.is_one());
        assert_eq!(serde_json::from_value::<Terms>(serde_json::to_value(terms).unwrap()).unwrap(), terms);
    }
    assert_eq!(
        "General-2".parse::<Grade>().unwrap_err().to_string(),
        "`General-2` is no grade; the grades are system, important, general-2, general-5 and general-10"
    );
}

#[test]
fn ratios_may_be_written_as_whole_numbers_and_nothing_else_is_guessed() {
    let read = |text: &str| serde_json::from_str::<Ratio>(text).map_err(|error| error.to_string());
    assert_eq!(read("5"), Ok(Ratio::new(5, 1).unwrap()));
    assert_eq!(read("\"3/2\""), Ok(Ratio::new(3, 2).unwrap()));
    let refused = |text: &str| read(text).unwrap_err();
    assert!(
        refused("1.5").starts_with("`1.5` is no ratio; write a whole number or a fraction"),
        "{}",
        refused("1.5")
    );
    assert!(refused("-2").starts_with("`-2` is no ratio"), "{}", refused("-2"));
    assert!(refused("0").starts_with("the ratio 0/1 is below 1"), "{}", refused("0"));
    assert!(
        refused("null").starts_with("a ratio must be a whole number or a fraction"),
        "{}",
        refused("null")
    );
}

#[test]
fn ratios_are_exact_and_at_least_one() {
    assert_eq!(serde_json::to_string(&Ratio::new(6, 4).unwrap()).unwrap(), "\"3/2\"");
    assert_eq!("5".parse(), Ratio::new(5, 1));
    assert_eq!("5/1".parse(), Ratio::new(10, 2));
    assert!(Ratio::new(3, 2).unwrap() < Ratio::new(5, 3).unwrap());
    assert_eq!(Ratio::new(2, 3), Err(RatioError::BelowOne { numerator: 2, denominator: 3 }));
    assert_eq!(Ratio::new(2, 0), Err(RatioError::ZeroDenominator));
    for text in ["", "1.5", "3/", "/2", "-3/2", "3/2/1", "+3", "4294967296"] {
        assert_eq!(text.parse::<Ratio>(), Err(RatioError::Malformed(text.to_owned())), "{text}");
    }
}

#[test]
fn an_autoscaler_counts_percent_of_the_request() {
    let target = |percent, limit: &str, request: &str| {
        hpa_target(percent, &limit.parse().unwrap(), &request.parse().unwrap())
    };
    assert_eq!(target(80, "1", "100m"), Ok(800));
    assert_eq!(target(80, "1", "1"), Ok(80));
    assert_eq!(target(75, "1500m", "1"), Ok(112));
    assert_eq!(target(85, "21m", "5m"), Ok(357), "the request is rounded up, the target follows");
    assert_eq!(target(0, "1", "1"), Err(HpaTargetError::PercentOutOfRange(0)));
    assert_eq!(target(101, "1", "1"), Err(HpaTargetError::PercentOutOfRange(101)));
    assert_eq!(target(80, "1", "0"), Err(HpaTargetError::NoRequest(Quantity::default())));
    assert!(matches!(target(100, "1e9", "1n"), Err(HpaTargetError::NotRepresentable { .. })));
    assert!(matches!(target(1, "1m", "1"), Err(HpaTargetError::NotRepresentable { .. })));
}

/// How many pods Kubernetes' autoscaler wants of so many that use so much each: by percent of the request, and nothing
/// within a tenth of the target (`pkg/controller/podautoscaler/replica_calculator.go`).
fn wanted(pods: u64, used: u64, request: u64, target: u64) -> u64 {
    let utilization = 100 * used / request;
    if utilization.abs_diff(target) * 10 <= target { pods } else { (pods * utilization).div_ceil(target) }
}

#[test]
fn an_oversold_app_is_scaled_when_it_uses_what_was_meant_of_its_limit() {
    let (limit, request) = ("1".parse().unwrap(), "100m".parse().unwrap());
    // Eighty percent of a request that is a tenth of the limit: 9 % of the limit is load enough for another pod.
    assert_eq!(wanted(4, 90, 100, 80), 5);
    let target = hpa_target(80, &limit, &request).unwrap().unsigned_abs().into();
    assert_eq!(wanted(4, 800, 100, target), 4);
    assert_eq!(wanted(4, 90, 100, target), 1);
    assert_eq!(wanted(4, 900, 100, target), 5);
}

/// `limit / request ≤ ratio` without dividing.
fn keeps(limit: &Quantity, request: &Quantity, ratio: Ratio) -> bool {
    limit.nanos() * ratio.denominator() <= request.nanos() * ratio.numerator()
}

proptest! {
    #[test]
    fn the_request_is_within_limit_and_ratio(
        micros in 1_u64..20_000_000_000, bytes in 1_u64..(1 << 46), numerator in 1_u32..100, denominator in 1_u32..100,
        grade in prop::sample::select(Grade::ALL.to_vec()),
    ) {
        prop_assume!(numerator >= denominator);
        let terms = Terms { cpu: Ratio::new(numerator, denominator).unwrap(), memory: grade.terms().memory };
        // Just beyond what is a whole number of thousandths after division is where rounding is easily lost.
        let edge = Quantity::from_millis(u64::from(numerator)) + "1n".parse::<Quantity>().unwrap();
        let edge = Amounts { cpu: edge, memory: Quantity::from_mebibytes(1) };
        prop_assert!(keeps(&edge.cpu, &requests(&edge, grade, &terms).cpu.value, terms.cpu));
        let limit = Amounts { cpu: format!("{micros}u").parse().unwrap(), memory: Quantity::from_bytes(bytes) };
        let asked = requests(&limit, grade, &terms).amounts();
        prop_assert!(asked.cpu <= limit.cpu && asked.memory <= limit.memory);
        prop_assert!(asked.cpu.is_positive() && asked.memory.is_positive());
        prop_assert!(keeps(&limit.cpu, &asked.cpu, terms.cpu));
        prop_assert!(keeps(&limit.memory, &asked.memory, terms.memory));
    }

    #[test]
    fn a_grade_gives_the_class_it_promises(
        millis in 1_u64..1_000_000, mebibytes in 4_u64..(1 << 26), grade in prop::sample::select(Grade::ALL.to_vec()),
    ) {
        let limit = Amounts { cpu: Quantity::from_millis(millis), memory: Quantity::from_mebibytes(mebibytes) };
        let asked = requests(&limit, grade, &grade.terms()).amounts();
        prop_assert_eq!(qos_class(&mk_pod(&asked, &limit).defaulted()).class, grade.qos_class());
    }
}

/// A pod of one container that asks for this and may use that.
fn mk_pod(asked: &Amounts, limit: &Amounts) -> Pod {
    let list = |Amounts { cpu, memory }: &Amounts| [("cpu", cpu.clone()), ("memory", memory.clone())].into();
    let mut main = Container::named("main");
    main.resources.requests = list(asked);
    main.resources.limits = list(limit);
    Pod { containers: vec![main], ..Pod::default() }
}

proptest! {
    /// The limit decides, and stays: whoever takes what a grade made of a size, and gives it in again, gets the same.
    #[test]
    fn what_a_grade_made_of_a_size_it_makes_again(
        millis in 1_u64..20_000_000, bytes in 1_u64..(1 << 46), mebibytes in any::<bool>(),
        terms in (1_u32..100, 1_u32..100, 1_u32..20, 1_u32..20), grade in prop::sample::select(Grade::ALL.to_vec()),
    ) {
        let (Ok(cpu), Ok(memory)) = (Ratio::new(terms.0, terms.1), Ratio::new(terms.2, terms.3)) else { return Ok(()) };
        let terms = Terms { cpu, memory };
        let memory = if mebibytes { Quantity::from_mebibytes(1 + bytes % (1 << 24)) } else { Quantity::from_bytes(bytes) };
        let limit = Amounts { cpu: Quantity::from_millis(millis), memory };
        let made = requests(&limit, grade, &terms);
        let pod = mk_pod(&made.amounts(), &limit);
        // As an API server fills it in, stores it, and prints it.
        let stored: Pod = serde_json::from_str(&serde_json::to_string(&pod.defaulted()).unwrap()).unwrap();
        prop_assert_eq!(&stored, &pod, "nothing is left to be filled in");
        let amounts = |list: &Resources| Amounts { cpu: list.amount("cpu").clone(), memory: list.amount("memory").clone() };
        let resources = &stored.containers[0].resources;
        let again = requests(&amounts(&resources.limits), grade, &terms);
        prop_assert_eq!(&again, &made, "in amounts and in words");
        prop_assert_eq!(again.amounts(), amounts(&resources.requests));
        prop_assert_eq!(amounts(&stored.requests()), made.amounts(), "and this is what the scheduler counts");
    }
}

proptest! {
    #[test]
    fn an_autoscalers_target_lies_within_the_limit_and_near_what_was_meant(
        cpu in 1_u64..100_000, grade in 0_usize..5, percent in 1_u32..=100,
    ) {
        let grade = Grade::ALL[grade];
        let limit = Amounts { cpu: Quantity::from_millis(cpu), memory: Quantity::from_mebibytes(64) };
        let request = requests(&limit, grade, &grade.terms()).amounts();
        if let Ok(target) = hpa_target(percent, &limit.cpu, &request.cpu) {
            let scales_at = request.cpu.nanos() * target;
            let meant = limit.cpu.nanos() * percent;
            prop_assert!(scales_at <= meant, "it is reached no later than meant");
            prop_assert!(meant - scales_at < request.cpu.nanos(), "by less than one percent of the request");
        }
    }
}
