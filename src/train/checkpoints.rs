//! Where a network's training stands, as a file beside the model that it is for.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use viewtide_models::lstm::{CheckpointError, Training};
use viewtide_models::sealed::SEALED_BYTES_MAX;
use viewtide_models::task::Metric;

use super::TrainError;
use crate::whole_file::write_whole;

/// The checkpoint of one network; the file may be there or not.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    file: PathBuf,
}

impl Checkpoint {
    /// That of the network of `metric` with this seed.
    pub(super) fn of(folder: &Path, metric: Metric, seed: u64) -> Self {
        Self { file: folder.join(format!("{}-seed{seed}.checkpoint", metric.name())) }
    }

    /// Its bytes; `None` where there is none.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, TrainError> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            // One more than there may be tells that it is too large; whose file that is nobody knows, so it is not read whole.
            File::open(&self.file)?.take(SEALED_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(TrainError::Read { file: self.file.clone(), error }),
        }
    }

    /// Writes where `training` stands, over what was there.
    pub(super) fn write(&self, training: &Training<'_>) -> Result<(), TrainError> {
        let bytes = training.checkpoint().map_err(|error| self.refused(error))?;
        write_whole(&self.file, &bytes).map_err(|error| self.unwritten(error))
    }

    /// Removes it, where it is there.
    pub(super) fn remove(&self) -> Result<(), TrainError> {
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.unwritten(error)),
            _ => Ok(()),
        }
    }

    /// That a training does not go on from it.
    pub(super) fn refused(&self, error: CheckpointError) -> TrainError {
        TrainError::Checkpoint { file: self.file.clone(), error }
    }

    fn unwritten(&self, error: io::Error) -> TrainError {
        TrainError::Write { file: self.file.clone(), error }
    }
}
