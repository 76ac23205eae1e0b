//! What the property tests have in common: how many cases they run, and the distribution of what those were made of.

use std::cell::RefCell;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

const CASES: u32 = 10_000;

/// The shapes of all cases that were run.
pub struct Shapes<S>(Vec<S>);

/// Runs `check` on cases of `strategy`; panics with the smallest one on which it does.
pub fn check_all<C: std::fmt::Debug, S>(strategy: impl Strategy<Value = C>, check: impl Fn(&C) -> S) -> Shapes<S> {
    let shapes = RefCell::new(Vec::new());
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 5_000, ..Config::default() };
    let result = TestRunner::new(config).run(&strategy, |case| {
        let shape = check(&case);
        shapes.borrow_mut().push(shape);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let shapes = shapes.into_inner();
    println!("{} cases        least    p10 median    p90   most", shapes.len());
    Shapes(shapes)
}

impl<S> Shapes<S> {
    /// Prints the distribution of `of`, and returns its median.
    pub fn median(&self, name: &str, of: fn(&S) -> usize) -> usize {
        let mut values: Vec<usize> = self.0.iter().map(of).collect();
        values.sort_unstable();
        let at = |percent: usize| values[(values.len() - 1) * percent / 100];
        println!("{name:<16} {:>8} {:>6} {:>6} {:>6} {:>6}", at(0), at(10), at(50), at(90), at(100));
        at(50)
    }

    /// Prints the distribution of `of`, and returns the share of cases that have any of it.
    pub fn share(&self, name: &str, of: fn(&S) -> usize) -> f64 {
        self.median(name, of);
        self.0.iter().filter(|shape| of(shape) > 0).count() as f64 / self.0.len() as f64
    }
}
