//! Which samples an epoch is made of.

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use crate::lstm::architecture::HORIZONS;
use crate::lstm::loss::weight_sum;
use crate::samples::Samples;

/// What random numbers are drawn for. Each has a stream of its own, so that none depends on how many the others took.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The first weights.
    Weights,
    /// The draws of an epoch.
    Epoch(usize),
    /// What dropout leaves of a block of a step.
    Dropout { step: u64, block: usize },
}

/// The random numbers of a training with this seed for one purpose.
pub(crate) fn random(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // The highest bits tell the purposes apart; a step has up to 2^16 blocks.
    random.set_stream(match purpose {
        Purpose::Weights => 0,
        Purpose::Epoch(epoch) => 1 << 62 | epoch as u64,
        Purpose::Dropout { step, block } => 2 << 62 | step << 16 | block as u64,
    });
    random
}

/// The samples of each video that have something to learn from.
pub(crate) fn by_video(samples: &Samples) -> Vec<Vec<u32>> {
    let mut videos = Vec::new();
    for (sample, video) in samples.video.iter().enumerate() {
        let of_sample = sample * HORIZONS..(sample + 1) * HORIZONS;
        if weight_sum(&samples.target[of_sample.clone()], &samples.weight[of_sample]) > 0.0 {
            videos.push((*video, sample as u32));
        }
    }
    videos.sort_unstable();
    videos.chunk_by(|a, b| a.0 == b.0).map(|run| run.iter().map(|(_, sample)| *sample).collect()).collect()
}

/// `draws` samples of every video, in random order: without repetition where a video has so many, else each as often as
/// the others, give or take one.
pub(crate) fn epoch(videos: &[Vec<u32>], draws: usize, random: &mut impl Rng) -> Vec<u32> {
    let mut drawn = Vec::with_capacity(videos.len() * draws);
    for samples in videos {
        let mut samples = samples.clone();
        let mut missing = draws;
        while missing > 0 {
            samples.shuffle(random);
            let taken = missing.min(samples.len());
            drawn.extend_from_slice(&samples[..taken]);
            missing -= taken;
        }
    }
    drawn.shuffle(random);
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(videos: &[u32]) -> Samples {
        Samples {
            target: vec![1.0; videos.len() * HORIZONS],
            weight: vec![1.0; videos.len() * HORIZONS],
            video: videos.to_vec(),
            ..Samples::default()
        }
    }

    #[test]
    fn every_video_has_the_same_share() {
        let videos: Vec<u32> = (0..50).map(|i| if i < 40 { 7 } else { 3 }).collect();
        let videos = by_video(&samples(&videos));
        let drawn = epoch(&videos, 25, &mut random(1, Purpose::Epoch(0)));
        let mut times = [0; 50];
        drawn.iter().for_each(|sample| times[*sample as usize] += 1);
        assert_eq!(times[..40].iter().sum::<i32>(), 25);
        assert!(times[..40].iter().all(|times| *times <= 1));
        assert!(times[40..].iter().all(|times| (2..=3).contains(times)));
        assert_eq!(times[40..].iter().sum::<i32>(), 25);
        // In random order, and in another one in each epoch.
        assert!(!drawn.is_sorted());
        assert_ne!(drawn, epoch(&videos, 25, &mut random(1, Purpose::Epoch(1))));
        assert_ne!(drawn, epoch(&videos, 25, &mut random(2, Purpose::Epoch(0))));
        assert_eq!(drawn, epoch(&videos, 25, &mut random(1, Purpose::Epoch(0))));
    }

    #[test]
    fn samples_without_a_target_are_never_drawn() {
        let mut samples = samples(&[0, 0, 0, 1]);
        samples.target[3..6].fill(f32::NAN);
        samples.target[6..8].fill(f32::NAN);
        samples.weight[9..12].fill(0.0);
        assert_eq!(by_video(&samples), [vec![0, 2]]);
    }
}
