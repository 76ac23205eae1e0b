//! How fast networks forecast and train, beside the same in PyTorch, in one run.
//!
//!     cargo bench -p viewtide-models --bench lstm
//!
//! PyTorch is installed from PyPI below the target folder, once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use viewtide_models::lstm::{Architecture, HORIZONS, Inputs, Network, Outcome, Recipe, Training};
use viewtide_models::samples::Samples;

const PYTORCH: &str = "2.15.0";
/// Values of the context; the LSTM itself is what takes the time.
const CONTEXT: usize = 23;
const BATCHES: [usize; 4] = [1, 64, 1_024, 8_192];
/// The machine is rarely quiet: the best of these, ours and PyTorch's in turns.
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(400);

/// What one side reaches.
#[derive(Clone, Copy, Default, serde::Deserialize)]
struct Figures {
    /// Sequences a second, of each of [`BATCHES`].
    forecast: [f64; BATCHES.len()],
    /// Seconds for 100,000 sequences, in batches of 256.
    train: f64,
}

impl Figures {
    fn best(self, other: Self) -> Self {
        let mut forecast = self.forecast;
        forecast.iter_mut().zip(other.forecast).for_each(|(best, other)| *best = best.max(other));
        Self { forecast, train: if self.train == 0.0 { other.train } else { self.train.min(other.train) } }
    }
}

fn main() {
    let python = pytorch();
    let of_one_layer = Architecture::with_context(CONTEXT);
    let architectures =
        [("1 layer of 48", of_one_layer), ("2 layers of 50", Architecture { hidden: 50, layers: 2, ..of_one_layer })];
    println!("{:<58} {:>12} {:>12} {:>8}", "", "viewtide", "PyTorch", "times");
    for (name, architecture) in architectures {
        for threads in [1, 2] {
            let (mut ours, mut theirs) = (Figures::default(), Figures::default());
            for _ in 0..ROUNDS {
                ours = ours.best(measure(architecture, threads));
                theirs = theirs.best(measure_pytorch(&python, architecture, threads));
            }
            let of = format!("{name}, {threads} thread{}", if threads == 1 { "" } else { "s" });
            for ((batch, ours), theirs) in BATCHES.iter().zip(ours.forecast).zip(theirs.forecast) {
                row(&format!("{of}: sequences/s, batch {batch}"), ours, theirs, ours / theirs, 0);
            }
            let what = format!("{of}: training, s per 100 k");
            row(&what, ours.train, theirs.train, theirs.train / ours.train, 2);
        }
    }
}

fn row(figure: &str, ours: f64, theirs: f64, times: f64, digits: usize) {
    println!("{figure:<58} {ours:>12.digits$} {theirs:>12.digits$} {times:>8.2}");
}

/// Values without a pattern.
fn values(len: usize) -> Vec<f32> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

fn measure(architecture: Architecture, threads: usize) -> Figures {
    let network = Network::untrained(architecture, 1).expect("the sizes are good");
    let forecast = BATCHES.map(|batch| {
        let (window, context, base) = (values(batch * 120), values(batch * CONTEXT), values(batch * HORIZONS));
        let inputs = Inputs { window: &window, context: &context, base: &base };
        let forecast = || std::hint::black_box(network.forecast(inputs, threads)).expect("the lengths are right");
        forecast();
        let (begin, mut calls) = (Instant::now(), 0);
        while begin.elapsed() < ROUND {
            forecast();
            calls += 1;
        }
        (calls * batch) as f64 / begin.elapsed().as_secs_f64()
    });
    Figures { forecast, train: train(architecture, threads) }
}

/// Seconds for 100,000 sequences, from one epoch of as many as the script for PyTorch takes.
fn train(architecture: Architecture, threads: usize) -> f64 {
    const VIDEOS: usize = 32;
    const ROWS: usize = 12_800;
    let samples = Samples {
        window: values(ROWS * 120),
        context: values(ROWS * CONTEXT),
        base: values(ROWS * HORIZONS),
        target: values(ROWS * HORIZONS).into_iter().rev().collect(),
        weight: vec![1.0; ROWS * HORIZONS],
        video: (0..ROWS).map(|row| (row % VIDEOS) as u32).collect(),
    };
    let recipe = Recipe { epochs: 1, draws_per_video: ROWS / VIDEOS, ..Recipe::default() };
    let mut training = Training::begin(architecture, recipe, &samples, None, 1).expect("the samples are good");
    let begin = Instant::now();
    let outcome = training.run(threads, &AtomicBool::new(false), &mut |_| ());
    let seconds = begin.elapsed().as_secs_f64();
    assert!(matches!(outcome, Ok(Outcome::Finished(_))), "{outcome:?}");
    seconds * 100_000.0 / ROWS as f64
}

fn measure_pytorch(python: &Path, architecture: Architecture, threads: usize) -> Figures {
    let Architecture { context, hidden, layers, dense, .. } = architecture;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/lstm/pytorch.py");
    let arguments = [threads, context, hidden, layers, dense].map(|argument| argument.to_string());
    let output = Command::new(python)
        .arg(script)
        .args(arguments)
        .env("OMP_NUM_THREADS", threads.to_string())
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the script prints its figures")
}

/// The Python of an environment with PyTorch, which is made where it is not there.
fn pytorch() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pytorch-{PYTORCH}"));
    let (python, is_whole) = (environment.join("bin/python"), environment.join("is-whole"));
    if !is_whole.exists() {
        eprintln!("installing PyTorch {PYTORCH} into {}: some minutes", environment.display());
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
        let torch = format!("torch=={PYTORCH}");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", &torch, "numpy"]));
        std::fs::write(is_whole, "").expect("the target folder can be written to");
    }
    python
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
