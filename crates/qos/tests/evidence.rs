//! What use advises: the recommender's golden numbers, predictors, the ladder, hysteresis, sizes.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::evidence::{
    AdviseAnswer, AdviseRequest, DecayingHistogram, EvidenceError, Hearing, Hysteresis, Look, PeakPolicy,
    RatioPolicy, Sample, Standing, Supported, TaskUsage, Towards, Trend, Unheard, advise,
    after_out_of_memory, lower_factor, recommend_cpu, recommend_memory, upper_factor,
};
use plimsoll_qos::{Grade, Ratio};
use serde_json::{Value, json};

const NOW: u64 = 1_790_000_000;

fn mk_task(limit: u64, request: u64, values: &[u64]) -> TaskUsage {
    let samples = values.iter().rev().enumerate();
    let samples = samples.map(|(back, value)| Sample { at: NOW - 300 * back as u64, value: *value });
    let mut samples: Vec<_> = samples.collect();
    samples.reverse();
    TaskUsage { limit, request, samples }
}

fn ratio(text: &str) -> Ratio {
    text.parse().unwrap()
}

fn supports(policy: &RatioPolicy, limit: u64, pod: &TaskUsage) -> Option<Supported> {
    let heard = Hearing::default().listen(std::slice::from_ref(pod), 1, NOW).unwrap();
    let pool = policy.pool(limit, &heard, NOW).unwrap();
    pool.map(|pool| policy.supported(&pool, Unheard::LeftOut, 0))
}

#[test]
fn a_constant_core_is_in_bucket_36_and_1169m_are_recommended() {
    let mut histogram = DecayingHistogram::cpu();
    assert!(histogram.is_empty());
    histogram.add(1.0, 0.1, 0.0);
    assert_eq!(histogram.bucket(1.0), 36);
    assert!((histogram.begin(36) - 0.958_363).abs() < 1e-6);
    assert!((histogram.begin(37) - 1.016_281).abs() < 1e-6);
    assert!((histogram.percentile(0.9) - 1.016_281).abs() < 1e-6);
    let day = mk_task(4_000_000_000, 1, &[1_000_000_000; 289]);
    let recommended = recommend_cpu(&[day]).unwrap();
    assert_eq!((recommended.target, recommended.upper), (1_169, 2_338));
    assert_eq!(recommend_cpu(&[]), None);
}

#[test]
fn confidence_grows_with_the_days_that_were_seen() {
    for (days, factor) in [(0.5, 3.0), (1.0, 2.0), (7.0, 1.14)] {
        assert!((upper_factor(days) - factor).abs() < 0.005, "{days}");
    }
    for (minutes, factor) in [(5.0, 0.6), (30.0, 0.9), (60.0, 0.95)] {
        assert!((lower_factor(minutes / 1440.0) - factor).abs() < 0.011, "{minutes}");
    }
}

#[test]
fn an_old_sample_weighs_half_as_much_after_a_day() {
    let mut histogram = DecayingHistogram::cpu();
    let at = 1.79e9;
    // Three old samples against two of today: after a day, one and a half against two.
    for _ in 0..3 {
        histogram.add(8.0, 0.1, at - 86_400.0);
    }
    for _ in 0..2 {
        histogram.add(1.0, 0.1, at);
    }
    assert!(histogram.percentile(0.5) < 1.1);
    let mut fresh = DecayingHistogram::cpu();
    for value in [8.0, 8.0, 8.0, 1.0, 1.0] {
        fresh.add(value, 0.1, at);
    }
    assert!(fresh.percentile(0.5) > 8.0);
    for nonsense in [f64::NAN, f64::INFINITY, -1.0] {
        fresh.add(nonsense, 0.1, at);
        fresh.add(1.0, nonsense, at);
        fresh.add(1.0, 0.1, nonsense.min(f64::NAN));
    }
    assert!(fresh.percentile(0.5) > 8.0);
}

#[test]
fn memory_is_recommended_from_the_peaks_of_days_and_more_after_it_ran_out() {
    // One peak a day among low use: the peaks count, not the mean.
    let mut values = vec![300 << 20; 288 * 3];
    for day in 0..3 {
        values[day * 288 + 100] = 2 << 30;
    }
    let recommended = recommend_memory(&[mk_task(4 << 30, 1, &values)]).unwrap();
    let low = (2_u64 << 30) * 115 / 100;
    assert!((low..low * 106 / 100 + 12_000_000).contains(&recommended.target), "{recommended:?}");
    assert_eq!(after_out_of_memory(1 << 30), Ok((1 << 30) + (1_u64 << 30).div_ceil(5)));
    assert_eq!(after_out_of_memory(100 << 20), Ok(200 << 20));
    assert_eq!(after_out_of_memory(u64::MAX), Err(EvidenceError::TooLarge));
}

#[test]
fn the_peak_is_the_larger_of_sigmas_and_percentiles() {
    let policy = PeakPolicy { sigmas: ratio("3"), ..PeakPolicy::default() };
    // Twelve times 10 and twelve times 30: mean 20, standard deviation 10.
    let values: Vec<_> = [10, 30].repeat(12);
    let peak = policy.predict(&[mk_task(100, 50, &values)], NOW).unwrap();
    assert_eq!((peak.by_sigmas, peak.by_percentiles, peak.value), (50, 30, 50));
    // Two that alternate never peak together; their percentiles do not know that.
    let other: Vec<_> = [30, 10].repeat(12);
    let peak = policy.predict(&[mk_task(100, 50, &values), mk_task(100, 50, &other)], NOW).unwrap();
    assert_eq!((peak.by_sigmas, peak.by_percentiles, peak.value), (40, 60, 60));
    // What does not divide rounds up: mean 1/3 of a unit and a deviation of 0.4714.
    let peak = policy.predict(&[mk_task(100, 50, &[0, 0, 1].repeat(8))], NOW).unwrap();
    assert_eq!(peak.by_sigmas, 2);
}

#[test]
fn new_tasks_count_their_limits_and_silent_ones_their_requests() {
    let policy = PeakPolicy::default();
    let warm = mk_task(1_000, 500, &[100; 24]);
    let cold = mk_task(700, 300, &[100; 23]);
    let never = mk_task(40, 20, &[]);
    let mut silent = mk_task(9_000, 2_000, &[100; 24]);
    silent.samples.iter_mut().for_each(|sample| sample.at -= 901);
    let peak = policy.predict(&[warm, cold, never, silent], NOW).unwrap();
    assert_eq!((peak.value, peak.warm, peak.cold, peak.stale), (100 + 700 + 40 + 2_000, 1, 2, 1));
    assert_eq!(
        peak.because,
        "of 1 measured pod the larger of mean + 5 standard deviations of all together (100) and the sum of what each stays \
         within for 99 % of the time (100); and 2740 for 2 new pods at their limits and 1 silent pod at its request"
    );
}

#[test]
fn measurements_that_cannot_be_are_refused() {
    let policy = PeakPolicy::default();
    let refused = |task: TaskUsage| policy.predict(&[task], NOW).unwrap_err().to_string();
    let mut future = mk_task(1, 1, &[1]);
    future.samples[0].at += 1;
    assert_eq!(refused(future), "a sample at second 1790000001 lies after now, second 1790000000");
    let mut disorder = mk_task(1, 1, &[1, 1]);
    disorder.samples.swap(0, 1);
    assert_eq!(refused(disorder), "a sample at second 1789999700 follows one at second 1790000000");
    assert_eq!(refused(mk_task(1, 2, &[])), "a request of 2 is above the limit of 1");
    let many = [mk_task(u64::MAX, 0, &[]), mk_task(u64::MAX, 0, &[])];
    assert_eq!(policy.predict(&many, NOW), Err(EvidenceError::TooLarge));
    let absurd = PeakPolicy { interval: 0, ..policy };
    assert_eq!(absurd.predict(&[], NOW).unwrap_err().to_string(), "the interval must be at least a second");
}

#[test]
fn the_closed_form_gives_4_2_and_5_1_and_5_7_for_nodes_of_20_50_and_100() {
    // The mean of the reference's virtual machines, 12.3 %, and the deviation of 16.66 % that its numbers imply:
    // a share p of samples at h, the others at nothing, has p·h and h·√(p(1−p)).
    let high = 348_442;
    let values: Vec<u64> = (0..1000).map(|at| if at * 353 % 1000 < 353 { high } else { 0 }).collect();
    let pod = mk_task(1_000_000, 1, &values);
    for (pods_per_node, safe) in [(20, 42), (50, 51), (100, 57)] {
        let policy = RatioPolicy { pods_per_node, spans: vec![8 * 86_400], ..RatioPolicy::default() };
        let supported = supports(&policy, 1_000_000, &pod).unwrap();
        assert_eq!(supported.mean_basis_points, 1_231);
        assert_eq!(supported.safe_thousandths.unwrap() / 100, safe, "{pods_per_node}");
        // One pod by itself: its mean and five deviations of the last two hours are all but its limit.
        assert_eq!((supported.peak_thousandths, supported.ratio), (Some(1_066), Ratio::ONE));
    }
}

#[test]
fn the_ladder_follows_the_mean_and_never_passes_what_is_safe() {
    let policy = RatioPolicy::default();
    let supported = |values: &[u64]| supports(&policy, 1_000, &mk_task(1_000, 1, values));
    let steady = |value: u64| supported(&vec![value; 288]).unwrap();
    assert_eq!(steady(30).ratio, ratio("10"));
    assert_eq!(steady(31).ratio, ratio("5"));
    assert_eq!(steady(100).ratio, ratio("5"));
    assert_eq!(steady(101).ratio, ratio("2"));
    assert_eq!(steady(500).ratio, ratio("2"));
    assert_eq!(steady(501).ratio, Ratio::ONE);
    assert_eq!((steady(0).ratio, steady(0).safe_thousandths), (ratio("10"), None));
    // Idle on average, a tenth of the time at a tenth: neither its deviation nor its mean forbids ten times, its peak
    // does: two hours with 2 of 24 samples at 100 have a mean of 8.3 and a deviation of 27.6.
    let bursts: Vec<u64> = (0..1000).map(|at| if at % 10 == 0 { 100 } else { 0 }).collect();
    let uneven = supported(&bursts).unwrap();
    assert_eq!((uneven.ratio, uneven.safe_thousandths.unwrap() / 100), (ratio("5"), 325));
    assert_eq!(
        uneven.because,
        "1000 samples of 1 pod use 1.00 % of the limit on average; sold up to 32.543 times, what 20 such pods use \
         stays 3.09 standard deviations below what their node has, and the predicted peak allows up to 6.802; the highest \
         ratio of the ladder that all of it allows is 5"
    );
    assert_eq!(supported(&[30; 287]), None);
    let nobody = Hearing::default().listen(&[], 0, NOW).unwrap();
    assert!(policy.pool(0, &nobody, NOW).is_err());
    assert_eq!(policy.pool(1, &nobody, NOW), Ok(None));
}

#[test]
fn the_least_limit_is_the_smallest_that_supports_a_ratio() {
    let policy = RatioPolicy::default();
    let pod = mk_task(1_000, 1, &[30; 288]);
    let heard =
        Hearing::default().listen(&[pod.clone(), pod.clone(), pod.clone(), mk_task(1_000, 1, &[])], 4, NOW);
    let pool = policy.pool(1_000, &heard.unwrap(), NOW).unwrap().unwrap();
    assert_eq!((pool.heard(), pool.predicted_peak()), (3, 90));
    let least = |of: &str, unheard, headroom| policy.least_limit(&pool, ratio(of), unheard, headroom, 1);
    // Ten times for at most 3 %, five for at most 10 %, twice for at most half of it: and no more for what is not sold.
    for (of, limit) in [("10", 1_000), ("6", 1_000), ("5", 300), ("2", 60), ("1", 30)] {
        assert_eq!(least(of, Unheard::LeftOut, 0), Some(limit), "{of}");
    }
    assert_eq!(least("10", Unheard::LeftOut, 10), Some(1_100));
    assert_eq!(policy.least_limit(&pool, ratio("5"), Unheard::LeftOut, 0, 7), Some(301));
    // One of four at its limit leaves a quarter less, and never enough for more than four times.
    assert_eq!(least("10", Unheard::AtLimits, 0), None);
    assert_eq!(least("1", Unheard::AtLimits, 0), Some(30));
    assert_eq!(least("20", Unheard::LeftOut, 0), None, "the ladder ends at ten");
}

#[test]
fn a_ratio_is_raised_after_a_week_and_lowered_after_three_looks_that_agree() {
    let slow = Hysteresis::default();
    let mut day = 0;
    let mut look = |standing, supported: &str, roomy: &str| {
        day += 1;
        let (supported, with_headroom) = (ratio(supported), ratio(roomy));
        slow.look(standing, Look { at: NOW + 86_400 * day, supported, with_headroom, most: ratio("10") })
            .unwrap()
    };
    let mut standing = Standing::new(ratio("5"));
    for day in 1..7 {
        standing = look(standing, "10", "10");
        let last = NOW + 86_400 * u64::from(day);
        let trend = Some(Trend { towards: Towards::More, ratio: ratio("10"), looks: day, last });
        assert_eq!(standing, Standing { ratio: ratio("5"), trend });
    }
    assert_eq!(look(standing, "10", "10"), Standing::new(ratio("10")));
    // One look that does not agree, and all begins anew; without room to spare there is no raise.
    assert_eq!(look(standing, "10", "5"), Standing::new(ratio("5")));
    let first = look(Standing::new(ratio("5")), "2", "2");
    let busy = look(first, "1", "1");
    assert_eq!(busy.ratio, ratio("5"));
    // Lowered to what all three agree on, and no further.
    assert_eq!(look(busy, "1", "1"), Standing::new(ratio("2")));
    let [supported, with_headroom, most] = [ratio("10"), ratio("10"), ratio("5")];
    let capped =
        slow.look(Standing::new(ratio("10")), Look { at: NOW, supported, with_headroom, most }).unwrap();
    assert_eq!(capped, Standing::new(ratio("5")));
}

#[test]
fn a_look_that_comes_too_early_does_not_count_but_may_speak_against_a_raise() {
    let slow = Hysteresis::default();
    let look = |standing, at, supported: &str| {
        let supported = ratio(supported);
        slow.look(standing, Look { at, supported, with_headroom: supported, most: ratio("10") }).unwrap()
    };
    let up = look(Standing::new(ratio("2")), NOW, "10");
    assert_eq!(look(up, NOW + 22 * 3_600 - 1, "10"), up);
    assert_eq!(look(up, NOW + 22 * 3_600, "10").trend.unwrap().looks, 2);
    let less = look(up, NOW + 1, "5").trend.unwrap();
    assert_eq!((less.ratio, less.looks, less.last), (ratio("5"), 1, NOW));
    assert_eq!(look(up, NOW + 1, "2"), Standing::new(ratio("2")));
    // What is to be lowered is not held up by looking often.
    let down = look(Standing::new(ratio("10")), NOW, "2");
    assert_eq!(look(down, NOW + 1, "10"), down);
    assert_eq!(look(down, NOW + 86_400, "10"), Standing::new(ratio("10")));
    // Nor does a row count that points back to what stands.
    let trend = Some(Trend { towards: Towards::Less, ratio: ratio("5"), looks: 2, last: NOW - 86_400 });
    let odd = look(Standing { ratio: ratio("2"), trend }, NOW, "1");
    assert_eq!((odd.ratio, odd.trend.unwrap().looks), (ratio("2"), 1));
    // A clock that was wrong once does not stop it for ever.
    let again = look(up, NOW - 86_400, "10").trend.unwrap();
    assert_eq!((again.looks, again.last), (1, NOW - 86_400));
}

fn mk_app(grade: Grade, cpu: &str, count: usize) -> Value {
    let series = |value: &str| json!({"end": NOW, "interval": 300, "values": vec![value; count]});
    json!({"namespace": "demo", "name": "shop", "grade": grade, "size": {"cpu": "2", "memory": "4Gi"}, "replicas": 3,
           "pods": vec![json!({"cpu": series(cpu), "memory": series("1Gi")}); 3]})
}

fn ask(app: &Value) -> AdviseAnswer {
    let request: AdviseRequest = serde_json::from_value(json!({"now": NOW, "apps": [app]})).unwrap();
    advise(&request).unwrap()
}

#[test]
fn an_idle_application_is_advised_to_be_sold_more_often_and_to_be_smaller() {
    let mut app = mk_app(Grade::General2, "20m", 288);
    let first = &ask(&app).apps[0];
    assert_eq!((first.advised_grade.clone(), first.effective_ratio), (None, ratio("2")));
    assert!(
        first
            .because
            .starts_with("general-2 stays for now: 1 look points to 10; 864 samples of 3 pods use 1.00 %")
    );
    app["standing"] =
        json!({"ratio": "2", "trend": {"towards": "More", "ratio": "10", "looks": 6, "last": NOW - 86_400}});
    let answer = ask(&app);
    let seventh = &answer.apps[0];
    assert_eq!(
        (seventh.advised_grade.clone(), seventh.effective_ratio),
        (Some(Grade::General10.into()), ratio("2"))
    );
    assert!(seventh.because.starts_with("general-2 → general-10: "));
    let size = seventh.right_size.as_ref().unwrap();
    assert_eq!(
        (size.size.cpu.to_string().as_str(), size.size.memory.to_string().as_str()),
        ("734m", "2367Mi")
    );
    // So small that ten times of it holds the use with a tenth to spare, and no smaller: 20m are 3 % of 667m.
    assert_eq!(
        size.because,
        "cpu 2 → 734m: 95 % of what was seen take 48m with a margin (90 %: 25m), and 734m is the least that may be sold 10 \
         times; memory 4Gi → 2367Mi: 95 % of what was seen take 2367Mi with a margin (90 %: 1182Mi), and 1536Mi is the \
         least of which the request holds the predicted peak of 1Gi each"
    );
    assert_eq!(serde_json::to_value(&answer.saving).unwrap(), json!({"cpu": "2778m", "memory": "3459Mi"}));
    assert_eq!((seventh.peak_cpu.value, seventh.peak_memory.value), (60_000_000, 3 << 30));
}

#[test]
fn a_size_that_is_about_right_is_left_alone() {
    let mut app = mk_app(Grade::General2, "20m", 288);
    app["size"] = json!({"cpu": "50m", "memory": "2400Mi"});
    assert_eq!(ask(&app).apps[0].right_size, None);
    app["size"] = json!({"cpu": "50m", "memory": "4Gi"});
    let answer = ask(&app);
    let size = answer.apps[0].right_size.as_ref().unwrap();
    assert_eq!(
        (size.size.cpu.to_string().as_str(), size.size.memory.to_string().as_str()),
        ("50m", "2367Mi")
    );
    assert!(
        size.because
            .starts_with("cpu 50m is about right; memory 4Gi → 2367Mi: 95 % of what was seen take 2367Mi")
    );
    // Too small is what does not hold what was seen; that a day is not long is no reason for more.
    app["size"] = json!({"cpu": "50m", "memory": "1600Mi"});
    assert_eq!(ask(&app).apps[0].right_size, None);
    app["size"] = json!({"cpu": "50m", "memory": "1200Mi"});
    let answer = ask(&app);
    let size = answer.apps[0].right_size.as_ref().unwrap();
    assert_eq!(
        (size.size.memory.to_string().as_str(), size.requests.memory.to_string().as_str()),
        ("1536Mi", "1Gi")
    );
}

#[test]
fn importance_is_no_question_of_use_and_without_evidence_nothing_changes() {
    let important = &ask(&mk_app(Grade::Important, "20m", 288)).apps[0];
    assert_eq!((important.advised_grade.clone(), important.effective_ratio), (None, Ratio::ONE));
    assert!(
        important.because.starts_with("important stays: it is not oversold for its importance; 864 samples")
    );
    let new = &ask(&mk_app(Grade::General2, "20m", 200)).apps[0];
    assert_eq!(
        (new.advised_grade.clone(), new.right_size.as_ref(), new.supported.as_ref()),
        (None, None, None)
    );
    assert_eq!(
        new.because,
        "general-2 stays and counts what it requests, for the use of too many pods is unknown: of 3 pods 3 measured for less than a day; at most 25 % may be"
    );
    let mut stale = mk_app(Grade::General10, "1900m", 400);
    for pod in 0..3 {
        stale["pods"][pod]["cpu"]["end"] = json!(NOW - 1_000);
    }
    let stale = &ask(&stale).apps[0];
    assert_eq!(
        (stale.effective_ratio, stale.peak_cpu.value, stale.peak_cpu.stale),
        (ratio("10"), 600_000_000, 3)
    );
    assert_eq!(
        stale.because,
        "general-10 stays and counts what it requests, for the use of too many pods is unknown: of 3 pods 3 not measured in the last 15 minutes; at most 25 % may be"
    );
}

#[test]
fn a_busy_application_counts_less_than_it_is_sold_once_three_looks_agree() {
    let mut app = mk_app(Grade::General10, "400m", 288);
    app["standing"] =
        json!({"ratio": "10", "trend": {"towards": "Less", "ratio": "2", "looks": 2, "last": NOW - 86_400}});
    let busy = &ask(&app).apps[0];
    assert_eq!(
        (busy.advised_grade.clone(), busy.effective_ratio),
        (Some(Grade::General2.into()), ratio("2"))
    );
}

#[test]
fn the_busiest_application_never_keeps_a_ratio_that_its_use_does_not_support() {
    let advice = |grade: Grade, sold: &str| {
        let mut app = mk_app(grade, "1900m", 288);
        app["standing"] = json!({"ratio": sold, "trend": {"towards": "Less", "ratio": "1", "looks": 2, "last": NOW - 86_400}});
        ask(&app).apps[0].clone()
    };

    let busy = advice(Grade::General10, "10");
    assert_eq!(
        (busy.advised_grade.clone(), busy.effective_ratio),
        (Some(Grade::General2.into()), ratio("1"))
    );
    // Sold twice its use needs more than it has: grade and size go together.
    let together = busy.right_size.as_ref().unwrap();
    assert_eq!(
        (together.size.cpu.to_string(), together.requests.cpu.to_string()),
        ("4180m".into(), "2090m".into())
    );
    assert!(busy.because.starts_with("general-10 → general-2: "), "{}", busy.because);
    let lowest = advice(Grade::General2, "2");
    assert_eq!((lowest.advised_grade.clone(), lowest.effective_ratio), (None, ratio("1")));
    assert!(
        lowest
            .because
            .starts_with("general-2 is sold more often than its use supports, and no oversold grade"),
        "{}",
        lowest.because
    );
}

#[test]
fn absurd_use_is_refused_by_name() {
    let refused = |place: &str, value: Value| {
        let mut app = mk_app(Grade::General2, "20m", 2);
        *app.pointer_mut(place).unwrap() = value;
        let request: AdviseRequest = serde_json::from_value(json!({"now": NOW, "apps": [app]})).unwrap();
        advise(&request).unwrap_err().to_string()
    };
    assert_eq!(refused("/pods/0/cpu/values/0", json!("-1")), "demo/shop: cpu is -1, which no one can use");
    assert_eq!(
        refused("/pods/0/memory/values/0", json!("20E")),
        "demo/shop: memory is 20E, which no one can use"
    );
    assert_eq!(refused("/size/cpu", json!("-1")), "demo/shop: cpu is -1, which no one can use");
    assert_eq!(
        refused("/pods/0/cpu/interval", json!(0)),
        "demo/shop: the interval of a series must be at least a second"
    );
    assert_eq!(
        refused("/pods/0/cpu/interval", json!(u64::MAX)),
        "demo/shop: the end of a series must be late enough for all its values to lie after 1970"
    );
    assert_eq!(
        refused("/pods/0/cpu/end", json!(NOW + 1)),
        "demo/shop: a sample at second 1790000001 lies after now, second 1790000000"
    );
    assert_eq!(refused("/size/cpu", json!("0")), "demo/shop: the limit must be above zero");
}
