//! The models that come with the program: one for each counter, trained on the bundled data but for the eight videos of the
//! first fold, by `make pretrained`.

use crate::artifact::{Artifact, ArtifactError};

const FILES: [&[u8]; 3] = [
    include_bytes!("../pretrained/views.safetensors"),
    include_bytes!("../pretrained/likes.safetensors"),
    include_bytes!("../pretrained/comments.safetensors"),
];

/// The files themselves, as [`Artifact::from_bytes`] reads them.
pub fn pretrained_files() -> [&'static [u8]; 3] {
    FILES
}

/// In the order of [`crate::task::Metric::ALL`].
///
/// # Errors
/// [`ArtifactError`] where a file does not fit the program that it is built into, which a test excludes.
pub fn pretrained() -> Result<Vec<Artifact>, ArtifactError> {
    FILES.into_iter().map(Artifact::from_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::folds::fold_of;
    use crate::task::Metric;
    use viewtide_dataflows::video_id::VideoId;

    #[test]
    fn each_counter_has_a_model_that_never_saw_the_first_fold() {
        let models = pretrained().unwrap();
        assert_eq!(models.iter().map(|model| model.manifest.metric).collect::<Vec<_>>(), Metric::ALL);
        for model in models {
            let videos = &model.manifest.training_videos;
            assert!(videos.len() > 30, "{} videos", videos.len());
            for video in videos {
                assert_ne!(fold_of(video.parse::<VideoId>().unwrap()), 0, "{video}");
            }
        }
        assert!(FILES.iter().map(|file| file.len()).sum::<usize>() < 2_000_000);
    }
}
