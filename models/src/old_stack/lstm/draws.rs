//! The random numbers of a training: first weights, orders of epochs, what dropout leaves.
//!
//! They come from SplitMix64 (Steele, Lea & Flood 2014), which is a few lines in any language: the fixture's program draws the
//! same ones, so that the two trainings can be compared number by number.

/// A sequence of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    state: u64,
}

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Evenly from 0, inclusive, to 1, exclusive.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// With mean 0 and deviation 1, by Box & Muller (1958).
    pub(super) fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// The numbers below `len` in random order.
    pub(super) fn order(&mut self, len: usize) -> Vec<usize> {
        let keys: Vec<u64> = (0..len).map(|_| self.next()).collect();
        let mut order: Vec<usize> = (0..len).collect();
        order.sort_by_key(|index| keys[*index]);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_program() {
        // The first five of https://prng.di.unimi.it/splitmix64.c with the state 1234567.
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        let mut draws = Draws::new(1_234_567);
        assert_eq!(published.map(|_| draws.next()), published);
    }

    #[test]
    fn normal_numbers_have_mean_0_and_deviation_1() {
        let mut draws = Draws::new(1);
        let numbers: Vec<f64> = (0..100_000).map(|_| draws.normal()).collect();
        let mean = |power: i32| numbers.iter().map(|number| number.powi(power)).sum::<f64>() / 1e5;
        // Four deviations of what such a mean is.
        assert!(mean(1).abs() < 0.013 && (mean(2) - 1.0).abs() < 0.018 && (mean(4) - 3.0).abs() < 0.13);
    }

    #[test]
    fn an_order_has_every_index_once() {
        let mut draws = Draws::new(1);
        let order = draws.order(100);
        assert!(!order.is_sorted() && order != draws.order(100));
        let mut sorted = order;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..100));
    }
}
