//! The scores and some forecasts as a picture.

use anyhow::Context as _;
use viewtide_models::evaluate::{Line, Method, fans};
use viewtide_models::task::Videos;

use super::Sample;
use super::networks::Networks;
use crate::destination::Destination;
use crate::picture::{Part, VIDEOS_MAX, draw};

/// Said of what would otherwise look like skill.
const IN_SAMPLE: &str = "In sample: the networks were trained on these videos, and forecast others less well";

/// What is drawn of a sample: all methods but networks of one seed alone. The forecasts shown are those of the last blend.
pub(super) fn part(sample: Sample, networks: &Networks, videos: &Videos, methods: &[Method], lines: &[Line]) -> Part {
    let is_shown = |method: &str| networks.seed_of(method).is_none();
    let blended = methods.iter().rfind(|method| method.is_blended && is_shown(&method.name));
    let lines = lines.iter().filter(|line| is_shown(&line.method)).cloned().collect();
    let caveat = (sample == Sample::InSample).then_some(IN_SAMPLE);
    Part::new(videos, lines, fans(videos, blended, VIDEOS_MAX), caveat)
}

/// Draws `parts` into the file of this name, which `destination` stands for.
pub(super) fn write(name: &str, destination: &Destination, parts: &[Part]) -> anyhow::Result<()> {
    destination.write(draw(parts).as_bytes()).with_context(|| format!("cannot write the picture to {name}"))
}
