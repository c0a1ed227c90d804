//! A histogram that forgets: what the Vertical Pod Autoscaler's recommender keeps.
//!
//! Source: `kubernetes/autoscaler` `vertical-pod-autoscaler/pkg/recommender/util`. This is a predictor and counts
//! in floating point; a percentile is the upper edge of its bucket, so it is never below the true one and at
//! most 5 percent and one first bucket above it.

/// Each bucket is this much wider than the one before it.
const GROWTH: f64 = 1.05;
/// Weights below this are nothing.
const EPSILON: f64 = 0.0001;
/// After this many half-lives the weights are scaled down, so that they stay finite.
const MAX_HALF_LIVES: f64 = 100.0;

/// Weighted samples in buckets of growing width; the weight of a sample halves every half-life.
#[derive(Clone, Debug, PartialEq)]
pub struct DecayingHistogram {
    first: f64,
    half_life: f64,
    /// The moment, in seconds, at which a sample has its plain weight.
    reference: f64,
    weights: Vec<f64>,
    total: f64,
}

impl DecayingHistogram {
    /// For CPU in cores: the first bucket is a hundredth, the last one begins at a thousand; 24 hours half-life.
    pub fn cpu() -> Self {
        Self::new(0.01, 1_000.0, 86_400.0)
    }

    /// For memory in bytes: the first bucket is 10^7, the last one begins at 10^12; 24 hours half-life.
    pub fn memory() -> Self {
        Self::new(1e7, 1e12, 86_400.0)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few hundred, whichever of the two constructors above asks"
    )]
    fn new(first: f64, last: f64, half_life: f64) -> Self {
        let buckets = (last * (GROWTH - 1.0) / first + 1.0).log(GROWTH).ceil() as usize + 1;
        Self { first, half_life, reference: 0.0, weights: vec![0.0; buckets], total: 0.0 }
    }

    /// The bucket that a value falls into.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float as an integer saturates: what is below zero is 0, what is beyond all buckets the last"
    )]
    pub fn bucket(&self, value: f64) -> usize {
        let bucket = (value * (GROWTH - 1.0) / self.first + 1.0).log(GROWTH).floor() as usize;
        bucket.min(self.weights.len() - 1)
    }

    /// Where a bucket begins; it ends where the next one does.
    #[expect(clippy::cast_precision_loss, reason = "bucket numbers are a few hundred")]
    pub fn begin(&self, bucket: usize) -> f64 {
        self.first * (GROWTH.powf(bucket as f64) - 1.0) / (GROWTH - 1.0)
    }

    /// Adds a sample taken at that second; what is no number, below zero or without weight is left out.
    pub fn add(&mut self, value: f64, weight: f64, at: f64) {
        let usable =
            value.is_finite() && value >= 0.0 && weight.is_finite() && weight > 0.0 && at.is_finite();
        if !usable {
            return;
        }
        if at - self.reference > MAX_HALF_LIVES * self.half_life {
            let halves = ((at - self.reference) / self.half_life).round();
            let factor = (-halves).exp2();
            self.weights.iter_mut().for_each(|weight| *weight *= factor);
            self.total *= factor;
            self.reference += halves * self.half_life;
        }
        let weight = weight * ((at - self.reference) / self.half_life).exp2();
        let bucket = self.bucket(value);
        self.weights[bucket] += weight;
        self.total += weight;
    }

    /// Whether nothing that counts was added.
    pub fn is_empty(&self) -> bool {
        self.total < EPSILON
    }

    /// The upper edge of the bucket that holds the percentile (0 to 1); zero where nothing was added.
    pub fn percentile(&self, share: f64) -> f64 {
        let Some(last) = self.weights.iter().rposition(|weight| *weight >= EPSILON) else { return 0.0 };
        let threshold = share * self.total;
        let mut sum = 0.0;
        let found = self.weights[..last].iter().position(|weight| {
            sum += weight;
            sum >= threshold
        });
        let bucket = found.unwrap_or(last);
        self.begin(if bucket + 1 < self.weights.len() { bucket + 1 } else { bucket })
    }
}
