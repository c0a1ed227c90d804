//! Advice is never too risky: not from stale data, not from too little, not by its parts together.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::evidence::{AdviseRequest, AppAdvice, AppUsage, PodUsage, Series, Standing, advise};
use plimsoll_qos::{Amounts, Grade, Policy, Quantity, Ratio, Terms, requests};
use proptest::prelude::*;
use serde_json::json;

const NOW: u64 = 1_790_000_000;
const DAY: usize = 288;

fn ratio(text: &str) -> Ratio {
    text.parse().unwrap()
}

/// A series that ended so many seconds ago.
fn mk_series(age: u64, values: impl IntoIterator<Item = Quantity>) -> Series {
    Series { end: NOW - age, interval: 300, values: values.into_iter().map(Some).collect() }
}

/// A pod that used so many millicores and Mi.
fn mk_pod(age: u64, cpu: &[u32], memory: &[u32]) -> PodUsage {
    PodUsage {
        cpu: mk_series(age, cpu.iter().map(|millis| Quantity::from_millis(*millis))),
        memory: mk_series(age, memory.iter().map(|mebibytes| Quantity::from_mebibytes(*mebibytes))),
    }
}

fn mk_steady(age: u64, cpu: u32, samples: usize) -> PodUsage {
    mk_pod(age, &vec![cpu; samples], &vec![300; samples])
}

fn mk_app(grade: Grade, pods: Vec<PodUsage>) -> AppUsage {
    AppUsage {
        namespace: "demo".to_owned(),
        name: "shop".to_owned(),
        grade: grade.into(),
        terms: None,
        size: Amounts { cpu: Quantity::from_millis(1_000), memory: Quantity::from_mebibytes(1_024) },
        replicas: u32::try_from(pods.len()).unwrap(),
        pods,
        standing: None,
    }
}

fn ask_at(now: u64, app: &AppUsage) -> AppAdvice {
    let request = AdviseRequest { now, apps: vec![app.clone()], policy: Policy::default() };
    advise(&request).unwrap().apps.remove(0)
}

fn ask(app: &AppUsage) -> AppAdvice {
    ask_at(NOW, app)
}

/// An application for which all but one look were made already.
fn mk_almost(mut app: AppUsage, towards: &str, ratio: &str) -> AppUsage {
    let looks = if towards == "More" { 6 } else { 2 };
    let own = Policy::default().named(app.grade.as_str()).unwrap().cpu;
    let trend = json!({"towards": towards, "ratio": ratio, "looks": looks, "last": NOW - 86_400});
    app.standing = Some(serde_json::from_value(json!({"ratio": own, "trend": trend})).unwrap());
    app
}

fn supported(advice: &AppAdvice) -> Option<Ratio> {
    advice.supported.as_ref().map(|supported| supported.ratio)
}

#[test]
fn one_pod_that_is_heard_does_not_make_twenty_silent_ones_evidence() {
    let mut pods = vec![mk_steady(3_600, 10, 2 * DAY); 20];
    pods.push(mk_steady(0, 900, DAY));
    let advice = ask(&mk_almost(mk_app(Grade::General2, pods), "More", "10"));
    assert_eq!((supported(&advice), advice.advised_grade, advice.right_size), (None, None, None));
    assert_eq!(
        advice.because,
        "general-2 stays and counts what it requests, for the use of too many pods is unknown: of 21 pods 20 not measured in the last 15 minutes; at most 25 % may be"
    );
}

#[test]
fn pods_that_are_ordered_and_were_never_measured_are_unheard() {
    let mut app = mk_almost(mk_app(Grade::General2, vec![mk_steady(0, 10, DAY)]), "More", "10");
    app.replicas = 3;
    let advice = ask(&app);
    assert_eq!((supported(&advice), advice.advised_grade, advice.right_size), (None, None, None));
    assert!(advice.because.contains("of 3 pods 2 ordered but never measured"), "{}", advice.because);
    // At their peak they are counted as what they may use.
    assert_eq!((advice.peak_cpu.value, advice.peak_cpu.cold), (2_010_000_000, 2));
}

#[test]
fn twelve_pods_of_two_hours_are_not_a_day_of_evidence() {
    let app = |samples| mk_almost(mk_app(Grade::General2, vec![mk_steady(0, 10, samples); 12]), "More", "10");
    let young = ask(&app(24));
    assert_eq!((supported(&young), young.advised_grade), (None, None));
    assert!(young.because.contains("of 12 pods 12 measured for less than a day"), "{}", young.because);
    assert_eq!(supported(&ask(&app(DAY - 1))), None);
    assert_eq!(ask(&app(DAY)).advised_grade, Some(Grade::General10.into()));
    // Nor are two samples that lie a day apart.
    let mut gaps = app(DAY);
    for pod in &mut gaps.pods {
        pod.cpu.values[1..DAY - 1].fill(None);
    }
    assert_eq!(supported(&ask(&gaps)), None);
}

#[test]
fn seven_looks_within_one_second_count_as_one() {
    let mut app = mk_app(Grade::General2, vec![mk_steady(0, 10, DAY)]);
    for _ in 0..7 {
        let advice = ask(&app);
        assert_eq!((advice.advised_grade, advice.standing.trend.unwrap().looks), (None, 1));
        app.standing = Some(advice.standing);
    }
    // A day apart they count, also if one of them comes an hour early.
    for (day, hours) in (1_u64..7).map(|day| (day, 24 * day - day % 2)) {
        let now = NOW + hours * 3_600;
        for pod in &mut app.pods {
            (pod.cpu.end, pod.memory.end) = (now, now);
        }
        let advice = ask_at(now, &app);
        let expected = (day == 6).then(|| Grade::General10.into());
        assert_eq!(advice.advised_grade, expected, "day {day}: {:?}", advice.standing);
        app.standing = Some(advice.standing);
    }
}

#[test]
fn what_was_advised_before_is_not_repeated_without_evidence_of_today() {
    let mut app = mk_app(Grade::General2, vec![mk_steady(3_600, 10, DAY)]);
    app.standing = Some(Standing::new(ratio("10")));
    assert_eq!(ask(&app).advised_grade, None);
    // Nor where the use of today supports less than that of the week before.
    app.pods = vec![mk_steady(0, 90, DAY)];
    assert_eq!(ask(&app).advised_grade, Some(Grade::General5.into()));
    app.pods = vec![mk_steady(0, 400, DAY)];
    assert_eq!(ask(&app).advised_grade, None);
}

#[test]
fn a_busy_day_counts_beside_a_calm_week() {
    let mut values = vec![10; 7 * DAY];
    values.extend([300; DAY]);
    let advice = ask(&mk_app(Grade::General2, vec![mk_pod(0, &values, &vec![300; 8 * DAY])]));
    // The mean of all eight days is 4.6 %, that of the last one 30 %.
    assert_eq!(supported(&advice), Some(ratio("2")));
    // And what was longer ago than eight days is forgotten.
    values.extend([10; 8 * DAY]);
    let advice = ask(&mk_app(Grade::General2, vec![mk_pod(0, &values, &vec![300; 16 * DAY])]));
    assert_eq!(supported(&advice), Some(ratio("10")));
}

#[test]
fn a_predicted_peak_beyond_what_a_ratio_leaves_is_not_supported() {
    // Three minutes of every hour at full use: the mean is 1.7 %, but all pods do it together.
    let values: Vec<u32> = (0..DAY).map(|at| if at % 60 == 0 { 1_000 } else { 1 }).collect();
    let advice = ask(&mk_app(Grade::General2, vec![mk_pod(0, &values, &[300; DAY]); 4]));
    let found = advice.supported.unwrap();
    assert_eq!((found.ratio, found.peak_thousandths), (Ratio::ONE, Some(1_000)));
}

#[test]
fn amounts_are_said_as_people_write_them() {
    let mut app = mk_almost(mk_app(Grade::General2, vec![mk_steady(0, 10, DAY); 3]), "More", "10");
    app.size.memory = "8Gi".parse().unwrap();
    let advice = ask(&app);
    let size = advice.right_size.unwrap();
    let said = [&advice.because, &advice.peak_cpu.because, &advice.peak_memory.because, &size.because];
    for text in said {
        let digits = |word: &&str| word.len() > 6 && word.bytes().all(|byte| byte.is_ascii_digit());
        let raw: Vec<_> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(digits).collect();
        assert!(raw.is_empty(), "{raw:?} in {text}");
    }
    assert!(size.because.contains("memory 8Gi → "), "{}", size.because);
    assert!(advice.peak_memory.because.contains("(900Mi)"), "{}", advice.peak_memory.because);
}

/// What a pod uses: so much, and every so many samples so much else.
#[derive(Clone, Copy, Debug)]
struct Use {
    low: u32,
    high: u32,
    every: usize,
}

/// What one application is, in few words: so that a failure is readable.
#[derive(Clone, Debug)]
struct Plan {
    grade: Grade,
    /// CPU and memory of each pod, and of how many samples.
    pods: Vec<(Use, Use, usize)>,
    trend: (&'static str, &'static str),
}

impl Use {
    fn values(self, count: usize) -> Vec<u32> {
        (0..count).map(|at| if at % self.every == 0 { self.high } else { self.low }).collect()
    }
}

impl Plan {
    /// The application before the look that may change something.
    fn app(&self) -> AppUsage {
        let pods = self
            .pods
            .iter()
            .map(|(cpu, memory, count)| mk_pod(0, &cpu.values(*count), &memory.values(*count)));
        mk_almost(mk_app(self.grade, pods.collect()), self.trend.0, self.trend.1)
    }
}

/// Use of every kind, calm or with bursts, by pods that were there for one to one and a half days.
fn plan() -> impl Strategy<Value = Plan> {
    let used = |most: u32| {
        let every = prop_oneof![3 => 1_usize..400, 1 => Just(1_000)];
        (1..=most, 1..=most, every).prop_map(|(low, high, every)| Use { low, high, every })
    };
    let cpu = prop_oneof![used(40), used(150), used(1_000)];
    let grade =
        prop::sample::select(vec![Grade::Important, Grade::General2, Grade::General5, Grade::General10]);
    let trend = prop::sample::select(vec![
        ("More", "5"),
        ("More", "10"),
        ("Less", "1"),
        ("Less", "2"),
        ("Less", "5"),
    ]);
    (grade, prop::collection::vec((cpu, prop_oneof![used(200), used(1_000)], DAY..DAY + 150), 1..6), trend)
        .prop_map(|(grade, pods, trend)| Plan { grade, pods, trend })
}

/// The highest ratio that following the advice leads to.
fn sold(app: &AppUsage, advice: &AppAdvice) -> Ratio {
    let grade = advice.advised_grade.as_ref().unwrap_or(&app.grade);
    Policy::default().named(grade.as_str()).unwrap().cpu
}

fn size<'a>(app: &'a AppUsage, advice: &'a AppAdvice) -> &'a Amounts {
    advice.right_size.as_ref().map_or(&app.size, |right| &right.size)
}

/// A pod of which the last hour is not known, and no matter what was before: any values.
fn silent() -> impl Strategy<Value = (u64, u32, usize)> {
    (901_u64..100_000, 0_u32..1_000, 0..400_usize)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_a_silent_pod_once_used_changes_no_advice(
        plan in plan(), one in silent(), other in silent(), place in any::<prop::sample::Index>(),
    ) {
        let app = plan.app();
        let with = |(age, cpu, samples): (u64, u32, usize)| {
            let mut app = app.clone();
            app.pods.insert(place.index(app.pods.len()), mk_steady(age, cpu, samples));
            app.replicas += 1;
            ask(&app)
        };
        let (mut one, other) = (with(one), with(other));
        // One that never said a thing is called new in the words of the peak, and counts more there.
        one.peak_cpu = other.peak_cpu.clone();
        one.peak_memory = other.peak_memory.clone();
        prop_assert_eq!(one, other);
    }

    #[test]
    fn more_silence_never_makes_advice_bolder(plan in plan(), who in any::<prop::sample::Index>(), more in 0_usize..3) {
        let app = plan.app();
        let before = ask(&app);
        let mut quiet = app.clone();
        let place = who.index(quiet.pods.len());
        let pod = &mut quiet.pods[place];
        for series in [&mut pod.cpu, &mut pod.memory] {
            series.end -= 901;
        }
        quiet.pods.extend(vec![mk_steady(1_000, 1, DAY); more]);
        quiet.replicas += u32::try_from(more).unwrap();
        let after = ask(&quiet);
        // At most as it is, or as it would be advised if everybody were heard.
        let stands = Policy::default().named(app.grade.as_str()).unwrap().cpu;
        prop_assert!(sold(&quiet, &after) <= sold(&app, &before).max(stands));
        prop_assert!(after.standing.ratio <= before.standing.ratio.max(stands));
        let (size, grown) = (size(&quiet, &after), &app.size);
        prop_assert!(size.cpu >= grown.cpu && size.memory >= grown.memory, "nothing shrinks: {}", after.because);
    }

    #[test]
    fn silence_of_more_than_a_quarter_says_nothing(plan in plan(), more in 1_usize..4) {
        let app = plan.app();
        let mut quiet = app.clone();
        let count = quiet.pods.len().div_ceil(3) + more;
        quiet.pods.extend(vec![mk_steady(1_000, 1, DAY); count]);
        quiet.replicas += u32::try_from(count).unwrap();
        let advice = ask(&quiet);
        prop_assert_eq!(supported(&advice), None);
        prop_assert_eq!((advice.advised_grade, advice.right_size), (None, None));
        prop_assert_eq!(advice.standing, app.standing.unwrap());
    }

    #[test]
    fn the_order_of_pods_does_not_matter_and_cutting_them_up_warms_nothing(
        plan in plan(), turn in any::<prop::sample::Index>(), parts in 2_usize..12,
    ) {
        let app = plan.app();
        let mut turned = app.clone();
        turned.pods.rotate_left(turn.index(app.pods.len()));
        prop_assert_eq!(ask(&turned), ask(&app));
        // The same samples as of many pods, each of which was there for a part of the time, and all until now.
        let mut cut = app.clone();
        cut.pods = app.pods.iter().flat_map(|pod| {
            let part = |series: &Series, number: usize| {
                let length = series.values.len() / parts;
                let values = series.values.get(number * length..(number + 1) * length).unwrap();
                Series { values: values.to_vec(), ..series.clone() }
            };
            (0..parts).map(move |number| PodUsage { cpu: part(&pod.cpu, number), memory: part(&pod.memory, number) })
        }).collect();
        cut.replicas = u32::try_from(cut.pods.len()).unwrap();
        let advice = ask(&cut);
        prop_assert_eq!((supported(&advice), advice.advised_grade, advice.right_size), (None, None, None));
    }

    /// Grade and size that are advised together are followed together; each may be followed alone.
    #[test]
    fn whoever_follows_all_of_an_advice_has_requests_that_hold_the_predicted_peak(plan in plan()) {
        let app = plan.app();
        let advice = ask(&app);
        let (new_size, own) = (size(&app, &advice), Policy::default().named(app.grade.as_str()).unwrap().terms());
        let next = advice.advised_grade.clone().unwrap_or_else(|| app.grade.clone());
        let terms = Policy::default().named(next.as_str()).unwrap().terms();
        let pods = u64::try_from(app.pods.len()).unwrap();
        let promised = |size: &Amounts, terms: &Terms| {
            let asked = requests(size, "any", terms).amounts();
            (nanos(&asked.cpu) * u128::from(pods), nanos(&asked.memory) * u128::from(pods))
        };
        let (cpu, memory) = promised(new_size, &terms);
        let peak_cpu = u128::from(advice.peak_cpu.value);
        let peak_memory = u128::from(advice.peak_memory.value) * 1_000_000_000;
        if advice.advised_grade.is_some() || new_size.cpu != app.size.cpu {
            prop_assert!(cpu >= peak_cpu, "{cpu} < {peak_cpu}: {}; {:?}", advice.because, advice.right_size);
            // Asked again with the same use, it is not taken back.
            let mut followed = app.clone();
            (followed.grade, followed.size, followed.standing) = (next.clone(), new_size.clone(), None);
            let again = ask(&followed);
            prop_assert!(supported(&again).unwrap() >= terms.cpu, "{} after {}", again.because, advice.because);
            prop_assert!(again.standing.trend.is_none_or(|trend| trend.ratio > terms.cpu), "{:?}", again.standing);
        }
        if new_size.memory != app.size.memory {
            prop_assert!(memory >= peak_memory, "{memory} < {peak_memory}: {:?}", advice.right_size);
            let most = app.pods.iter().flat_map(|pod| pod.memory.values.iter().flatten()).max().unwrap();
            prop_assert!(new_size.memory >= *most);
        }
        // One without the other: no worse than what stands.
        if let (Some(_), Some(right)) = (&advice.advised_grade, &advice.right_size) {
            let (before, _) = promised(&app.size, &own);
            let (grade_alone, _) = promised(&app.size, &terms);
            let (size_alone, _) = promised(&right.size, &own);
            prop_assert!(grade_alone >= peak_cpu || grade_alone >= before);
            prop_assert!(size_alone >= peak_cpu || size_alone >= before);
        }
    }
}

fn nanos(quantity: &Quantity) -> u128 {
    u128::try_from(quantity.nanos_i128().unwrap()).unwrap()
}
