//! What use advises: the recommender's golden numbers, predictors, the ladder, hysteresis, sizes.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::evidence::{
    AdviseAnswer, AdviseRequest, DecayingHistogram, EvidenceError, Hysteresis, PeakPolicy, RatioPolicy,
    Sample, Standing, TaskUsage, Towards, Trend, advise, after_out_of_memory, lower_factor, recommend_cpu,
    recommend_memory, upper_factor,
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
        "the larger of mean + 5 standard deviations (100) and the sum of the 990/1000 percentiles (100) of 1 tasks, \
         and 2740 for 2 new ones at their limits and 1 silent ones at their requests"
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
    let (busy, idle) = (353, 647);
    let high = 348_442;
    let mut values = vec![0; idle];
    values.extend(vec![high; busy]);
    let pod = mk_task(1_000_000, 1, &values);
    for (pods_per_node, safe) in [(20, 42), (50, 51), (100, 57)] {
        let policy = RatioPolicy { pods_per_node, ..RatioPolicy::default() };
        let supported = policy.supported(1_000_000, std::slice::from_ref(&pod), 0).unwrap().unwrap();
        assert_eq!(supported.mean_basis_points, 1_231);
        assert_eq!(supported.safe_thousandths.unwrap() / 100, safe, "{pods_per_node}");
        assert_eq!(supported.ratio, ratio("2"));
    }
}

#[test]
fn the_ladder_follows_the_mean_and_never_passes_what_is_safe() {
    let policy = RatioPolicy::default();
    let supported = |values: &[u64]| policy.supported(1_000, &[mk_task(1_000, 1, values)], 0).unwrap();
    let steady = |value: u64| supported(&vec![value; 288]).unwrap();
    assert_eq!(steady(30).ratio, ratio("10"));
    assert_eq!(steady(31).ratio, ratio("5"));
    assert_eq!(steady(100).ratio, ratio("5"));
    assert_eq!(steady(101).ratio, ratio("2"));
    assert_eq!(steady(500).ratio, ratio("2"));
    assert_eq!(steady(501).ratio, Ratio::ONE);
    assert_eq!((steady(0).ratio, steady(0).safe_thousandths), (ratio("10"), None));
    // Idle on average, but all at once: 29 of a thousand at full use. 1 / (0.029 + 3.09 × 0.168 / √20) = 6.9.
    let mut bursts = vec![0; 971];
    bursts.extend([1_000; 29]);
    let uneven = supported(&bursts).unwrap();
    assert_eq!((uneven.ratio, uneven.safe_thousandths.unwrap() / 100), (ratio("5"), 68));
    assert_eq!(
        uneven.because,
        "1000 samples use 2.90 % of the limit on average; with 20 pods on a node up to 6.899 stays 309/100 standard \
         deviations below what there is; the highest ratio of the ladder that both allow is 5"
    );
    assert_eq!(supported(&[30; 287]), None);
    assert!(policy.supported(0, &[], 0).is_err());
}

#[test]
fn a_ratio_is_raised_after_a_week_and_lowered_after_three_looks_that_agree() {
    let slow = Hysteresis::default();
    let look = |standing, supported: &str, roomy: &str| {
        slow.look(standing, ratio(supported), ratio(roomy), ratio("10")).unwrap()
    };
    let mut standing = Standing::new(ratio("5"));
    for day in 1..7 {
        standing = look(standing, "10", "10");
        let trend = Some(Trend { towards: Towards::More, ratio: ratio("10"), looks: day });
        assert_eq!(standing, Standing { ratio: ratio("5"), trend });
    }
    assert_eq!(look(standing, "10", "10"), Standing::new(ratio("10")));
    // One look that does not agree, and all begins anew; without room to spare there is no raise.
    assert_eq!(look(standing, "10", "5"), Standing::new(ratio("5")));
    let busy = look(look(Standing::new(ratio("5")), "2", "2"), "1", "1");
    assert_eq!(busy.ratio, ratio("5"));
    // Lowered to what all three agree on, and no further.
    assert_eq!(look(busy, "1", "1"), Standing::new(ratio("2")));
    let capped = slow.look(Standing::new(ratio("10")), ratio("10"), ratio("10"), ratio("5")).unwrap();
    assert_eq!(capped, Standing::new(ratio("5")));
}

fn mk_app(grade: Grade, cpu: &str, count: usize) -> Value {
    let series = |value: &str| json!({"end": NOW, "interval": 300, "values": vec![value; count]});
    json!({"namespace": "demo", "name": "shop", "grade": grade, "size": {"cpu": "2", "memory": "4Gi"}, "replicas": 3,
           "pods": [{"cpu": series(cpu), "memory": series("1Gi")}]})
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
            .starts_with("general-2 stays for now: 1 looks in a row point to 10; 288 samples use 1.00 %")
    );
    app["standing"] = json!({"ratio": "2", "trend": {"towards": "More", "ratio": "10", "looks": 6}});
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
        ("48m", "2367Mi")
    );
    assert_eq!(serde_json::to_value(&answer.saving).unwrap(), json!({"cpu": "2928m", "memory": "3459Mi"}));
    assert_eq!((seventh.peak_cpu.value, seventh.peak_memory.value), (20_000_000, 1 << 30));
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
            .starts_with("cpu 50m is about right; memory 4Gi → 2367Mi, which holds 95 % of what was seen")
    );
}

#[test]
fn importance_is_no_question_of_use_and_without_evidence_nothing_changes() {
    let important = &ask(&mk_app(Grade::Important, "20m", 288)).apps[0];
    assert_eq!((important.advised_grade.clone(), important.effective_ratio), (None, Ratio::ONE));
    assert!(
        important.because.starts_with("important stays: it is not oversold for its importance; 288 samples")
    );
    let new = &ask(&mk_app(Grade::General2, "20m", 200)).apps[0];
    assert_eq!(
        (new.advised_grade.clone(), new.right_size.as_ref(), new.supported.as_ref()),
        (None, None, None)
    );
    assert_eq!(new.because, "general-2 stays: there is not enough evidence, or it is stale");
    let mut stale = mk_app(Grade::General10, "1900m", 400);
    stale["pods"][0]["cpu"]["end"] = json!(NOW - 1_000);
    let stale = &ask(&stale).apps[0];
    assert_eq!(
        (stale.effective_ratio, stale.peak_cpu.value, stale.peak_cpu.stale),
        (ratio("10"), 200_000_000, 1)
    );
    assert_eq!(stale.because, "general-10 stays: there is not enough evidence, or it is stale");
}

#[test]
fn a_busy_application_counts_less_than_it_is_sold_once_three_looks_agree() {
    let mut app = mk_app(Grade::General10, "400m", 288);
    app["standing"] = json!({"ratio": "10", "trend": {"towards": "Less", "ratio": "2", "looks": 2}});
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
        app["standing"] = json!({"ratio": sold, "trend": {"towards": "Less", "ratio": "1", "looks": 2}});
        ask(&app).apps[0].clone()
    };

    let busy = advice(Grade::General10, "10");
    assert_eq!(
        (busy.advised_grade.clone(), busy.effective_ratio),
        (Some(Grade::General2.into()), ratio("1"))
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
    assert_eq!(refused("/pods/0/cpu/values/0", json!("-1")), "cpu of demo/shop is -1, which no one can use");
    assert_eq!(
        refused("/pods/0/memory/values/0", json!("20E")),
        "memory of demo/shop is 20E, which no one can use"
    );
    assert_eq!(refused("/size/cpu", json!("-1")), "cpu of demo/shop is -1, which no one can use");
    assert_eq!(
        refused("/pods/0/cpu/interval", json!(0)),
        "the interval of a series must be at least a second"
    );
    assert_eq!(
        refused("/pods/0/cpu/interval", json!(u64::MAX)),
        "the end of a series must be late enough for all its values to lie after 1970"
    );
    assert_eq!(
        refused("/pods/0/cpu/end", json!(NOW + 1)),
        "a sample at second 1790000001 lies after now, second 1790000000"
    );
    assert_eq!(refused("/size/cpu", json!("0")), "the limit must be above zero");
}
