//! The laws of evidence: predictions hold what was seen and no more than is allowed, no ratio passes its bound,
//! nothing flaps, nothing panics.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::Ratio;
use plimsoll_qos::evidence::{
    DecayingHistogram, Hearing, Hysteresis, Look, PeakPolicy, RatioPolicy, Sample, Standing, TaskUsage,
    Unheard, recommend_cpu, recommend_memory,
};
use proptest::prelude::*;

const NOW: u64 = 1_790_000_000;

fn task() -> impl Strategy<Value = TaskUsage> {
    (
        prop_oneof![1_u64..40, 1_u64..100_000],
        0_u64..=100,
        prop::collection::vec(prop_oneof![0_u64..9, 0_u64..120_000], 24..60),
        0_u64..600,
    )
        .prop_map(|(limit, share, values, age)| {
            let at = |back: usize| NOW - age - 300 * back as u64;
            let count = values.len();
            let samples = values
                .into_iter()
                .enumerate()
                .map(|(place, value)| Sample { at: at(count - 1 - place), value });
            TaskUsage { limit, request: limit * share / 100, samples: samples.collect() }
        })
}

fn any_ratio() -> impl Strategy<Value = Ratio> {
    prop::sample::select(vec!["1", "3/2", "2", "5", "10"]).prop_map(|text| text.parse().unwrap())
}

proptest! {
    #[test]
    fn a_peak_is_within_the_limits_and_not_below_the_mean(tasks in prop::collection::vec(task(), 0..4)) {
        let policy = PeakPolicy::default();
        let peak = policy.predict(&tasks, NOW).unwrap();
        prop_assert_eq!(peak.warm + peak.cold + peak.stale, tasks.len() as u64);
        prop_assert!(peak.value <= tasks.iter().map(|task| task.limit).sum());
        // The larger of two is neither below the one nor below the other.
        prop_assert!(peak.value >= peak.by_sigmas.max(peak.by_percentiles));
        // More deviations never predict less, nor does a higher percentile.
        let bolder = PeakPolicy { sigmas: "3".parse().unwrap(), per_mille: 950, ..policy };
        prop_assert!(bolder.predict(&tasks, NOW).unwrap().value <= peak.value);
    }

    #[test]
    fn by_sigmas_is_the_smallest_whole_number_that_is_not_below_the_formula(
        values in prop::collection::vec(0_u64..50, 24),
    ) {
        let samples = values.iter().zip(0..).map(|(value, back)| Sample { at: NOW - 300 * (23 - back), value: *value });
        let task = TaskUsage { limit: 100_000, request: 1, samples: samples.collect() };
        let found = i128::from(PeakPolicy::default().predict(&[task], NOW).unwrap().by_sigmas);
        // p ≥ mean and (p − mean)² ≥ 25 × variance.
        let (sum, squares) = values.iter().fold((0_i128, 0_i128), |(sum, squares), value| {
            (sum + i128::from(*value), squares + i128::from(value * value))
        });
        let holds = |p: i128| 24 * p >= sum && (24 * p - sum).pow(2) >= 25 * (24 * squares - sum * sum);
        prop_assert!(holds(found) && !holds(found - 1));
    }

    #[test]
    fn constant_use_is_predicted_as_it_is(value in 0_u64..1_000, count in 1_usize..5) {
        let samples: Vec<_> = (0..24).rev().map(|back| Sample { at: NOW - 300 * back, value }).collect();
        let tasks = vec![TaskUsage { limit: 1_000, request: 10, samples }; count];
        prop_assert_eq!(PeakPolicy::default().predict(&tasks, NOW).unwrap().value, value * count as u64);
    }

    #[test]
    fn a_supported_ratio_keeps_the_pool_below_its_capacity_and_falls_with_use(
        values in prop::collection::vec(0_u64..=1_000, 1..80), pods_per_node in 1_u32..200, more in 1_u64..300,
    ) {
        let policy = RatioPolicy { pods_per_node, spans: vec![86_400], ..RatioPolicy::default() };
        let of = |values: &[u64], headroom| {
            let samples = values.iter().rev().zip(0..).map(|(value, back)| Sample { at: NOW - 300 * back, value: *value });
            let mut samples: Vec<_> = samples.collect();
            samples.reverse();
            let pod = TaskUsage { limit: 2_000, request: 1, samples };
            let heard = Hearing { warm_up: 300, ..Hearing::default() }.listen(&[pod], 1, NOW).unwrap();
            let pool = policy.pool(2_000, &heard, NOW).unwrap().unwrap();
            policy.supported(&pool, Unheard::LeftOut, headroom)
        };
        let found = of(&values, 0);
        // The closed form in floating point.
        let count = f64::from(u32::try_from(values.len()).unwrap());
        let shares: Vec<_> = values.iter().map(|value| f64::from(u32::try_from(*value).unwrap()) / 2_000.0).collect();
        let mean = shares.iter().sum::<f64>() / count;
        let deviation = (shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / count).sqrt();
        let safe = 1.0 / (mean + 3.09 * deviation / f64::from(pods_per_node).sqrt());
        if let Some(thousandths) = found.safe_thousandths {
            let thousandths = f64::from(u32::try_from(thousandths).unwrap_or(u32::MAX));
            prop_assert!(thousandths <= safe * 1000.0 * (1.0 + 1e-9) + 1e-6);
            prop_assert!(thousandths + 1.001 >= safe * 1000.0 * (1.0 - 1e-9) || thousandths > 4e9);
            let ratio = f64::from(found.ratio.numerator()) / f64::from(found.ratio.denominator());
            prop_assert!(found.ratio == Ratio::ONE || ratio <= safe * (1.0 + 1e-9));
            // Nor does it pass what the peak allows.
            let within = found.peak_thousandths.is_none_or(|most| {
                u64::from(found.ratio.numerator()) * 1000 <= u64::from(found.ratio.denominator()) * most
            });
            prop_assert!(found.ratio == Ratio::ONE || within);
        }
        // Room to spare never supports more, and neither does more use of everybody.
        prop_assert!(of(&values, 10).ratio <= found.ratio);
        let busier: Vec<_> = values.iter().map(|value| value + more).collect();
        prop_assert!(of(&busier, 0).ratio <= found.ratio);
    }

    #[test]
    fn what_is_advised_never_exceeds_the_ratio_of_the_grade_and_never_flaps(
        looks in prop::collection::vec((any_ratio(), any_ratio(), 0_u64..200), 0..60), start in any_ratio(), most in any_ratio(),
        raise_after in 1_u32..8, lower_after in 1_u32..5,
    ) {
        let slow = Hysteresis { raise_after, lower_after, headroom_percent: 10, apart: 100 };
        let look = |at, supported, with_headroom| Look { at, supported, with_headroom, most };
        let mut standing = slow.look(Standing::new(start), look(0, start, start)).unwrap();
        let (mut now, mut counted, mut since) = (0, 0, 0);
        for (supported, roomy, later) in looks {
            let roomy = roomy.min(supported);
            now += later;
            let next = slow.look(standing, look(now, supported, roomy)).unwrap();
            // No more of them than fit into the time.
            if since == 0 || now - counted >= 100 {
                since += 1;
                counted = now;
            }
            prop_assert!(next.ratio <= most);
            if next.ratio != standing.ratio {
                let after = if next.ratio > standing.ratio { raise_after } else { lower_after };
                prop_assert!(since >= after, "changed after {} looks", since);
                // The look that changes it agrees with the change.
                let raised = next.ratio > standing.ratio;
                let agrees = if raised { next.ratio <= roomy } else { next.ratio >= supported.min(most) };
                prop_assert!(agrees);
                since = 0;
            }
            standing = next;
        }
    }

    #[test]
    fn a_percentile_is_never_below_the_true_one_and_at_most_a_bucket_above(
        values in prop::collection::vec(1_u32..50_000, 1..60), per_cent in 1_u32..=100,
    ) {
        let mut histogram = DecayingHistogram::cpu();
        let cores: Vec<_> = values.iter().map(|millis| f64::from(*millis) / 1e3).collect();
        for cores in &cores {
            histogram.add(*cores, 1.0, 0.0);
        }
        let mut sorted = cores;
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * per_cent as usize).div_ceil(100).max(1);
        let truth = sorted[rank - 1];
        let found = histogram.percentile(f64::from(per_cent) / 100.0 - 1e-9);
        prop_assert!(found >= truth, "{} below {}", found, truth);
        prop_assert!(found <= truth * 1.05 + 0.010_001, "{} far above {}", found, truth);
    }

    #[test]
    fn extremes_are_answered_or_refused(
        samples in prop::collection::vec((0_u64..=u64::MAX, 0_u64..=u64::MAX), 0..20),
        limit in prop::sample::select(vec![0, 1, 1 << 40, u64::MAX]), now in prop::sample::select(vec![0, NOW, u64::MAX]),
        policy in (0_u64..3, 0_u64..3, 0_usize..3, 0_u32..2_000),
    ) {
        let (window, interval, warm_up, per_mille) = policy;
        let policy = PeakPolicy { window: window << 40, interval, warm_up, per_mille, ..PeakPolicy::default() };
        let mut samples: Vec<_> = samples.into_iter().map(|(at, value)| Sample { at, value }).collect();
        let unsorted = TaskUsage { limit, request: 0, samples: samples.clone() };
        samples.sort_by_key(|sample| sample.at);
        let sorted = TaskUsage { limit, request: limit, samples };
        let tasks = [sorted, unsorted];
        if let Ok(peak) = policy.predict(&tasks[..1], now) {
            prop_assert!(peak.value <= limit);
        }
        let _ = policy.predict(&tasks, now);
        let _ = recommend_cpu(&tasks);
        let _ = recommend_memory(&tasks);
        let ratios = RatioPolicy { pods_per_node: per_mille, spans: vec![window, 1 << 40], peaks: policy, ..RatioPolicy::default() };
        let hearing = Hearing { window: window << 40, interval, warm_up: interval, ..Hearing::default() };
        if let Ok(heard) = hearing.listen(&tasks[..1], 1, now)
            && let Ok(Some(pool)) = ratios.pool(limit, &heard, now)
        {
            let supported = ratios.supported(&pool, Unheard::AtLimits, per_mille);
            let least = ratios.least_limit(&pool, supported.ratio, Unheard::AtLimits, per_mille, 1);
            prop_assert!(supported.ratio.is_one() || least.is_some_and(|least| least <= limit));
        }
        let _ = hearing.listen(&tasks, 1, now);
    }
}
