//! A file of tensors that tells whether it is whole: safetensors, with a manifest and a checksum over everything.
//!
//! The safetensors header carries one entry of metadata, `viewtide`, a JSON object:
//! `{"format", "version", "manifest", "sha256"}`. The checksum is over format, version, manifest, and each tensor's name,
//! shape and bytes in the order of their names, each with its length before it. Other programs read the tensors as of
//! any safetensors file.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of a file at most: the largest networks that an [`crate::lstm::Architecture`] allows stay below it, and what is
/// larger was not written here.
pub const SEALED_BYTES_MAX: usize = 256 << 20;

/// The entry of the metadata.
const ENTRY: &str = "viewtide";

/// A tensor of 32-bit floats.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The length of each dimension.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor>;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Larger than any that is written here.
    #[error("{bytes} bytes are more than the {SEALED_BYTES_MAX} that a {format} has at most")]
    TooLarge {
        /// What was to be read.
        format: &'static str,
        /// How large it is.
        bytes: usize,
    },
    /// Not a safetensors file, or one that was cut or overwritten.
    #[error("not a whole {format}, damaged or cut short ({detail}): fetch or make it again")]
    Unreadable {
        /// What was to be read.
        format: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A safetensors file of something else.
    #[error("a safetensors file, but no {format}: it is {found}")]
    Foreign {
        /// What was to be read.
        format: &'static str,
        /// What it says it is.
        found: String,
    },
    /// Written by another version.
    #[error(
        "a {format} of version {found}, while this program reads version {expected}: make it anew with this program"
    )]
    Version {
        /// What was to be read.
        format: &'static str,
        /// Its version.
        found: u32,
        /// The version that is read.
        expected: u32,
    },
    /// The checksum is another.
    #[error("a damaged {format}: its checksum is {found} where {expected} is written in it; fetch or make it again")]
    Damaged {
        /// What was to be read.
        format: &'static str,
        /// The checksum of what is there.
        found: String,
        /// The checksum that is written.
        expected: String,
    },
    /// The manifest or a tensor is of another form than this version writes.
    #[error("a {format} whose content does not fit: {detail}")]
    Content {
        /// What was to be read.
        format: &'static str,
        /// What does not fit.
        detail: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Seal {
    format: String,
    version: u32,
    manifest: String,
    sha256: String,
}

/// Writes tensors and a manifest. The same content gives the same bytes.
///
/// # Errors
/// [`SealError::Content`] where a tensor's shape is not that of its values, or the manifest cannot be written as JSON.
pub fn seal(
    format: &'static str,
    version: u32,
    manifest: &impl Serialize,
    tensors: &Tensors,
) -> Result<Vec<u8>, SealError> {
    let content = |detail: String| SealError::Content { format, detail };
    let manifest = serde_json::to_string(manifest).map_err(|error| content(error.to_string()))?;
    let bytes: BTreeMap<&String, (&[usize], Vec<u8>)> =
        tensors.iter().map(|(name, tensor)| (name, (tensor.shape.as_slice(), bytes_of(&tensor.values)))).collect();
    let mut views = BTreeMap::new();
    for (name, (shape, bytes)) in &bytes {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes);
        views.insert(name.as_str(), view.map_err(|error| content(format!("{name}: {error}")))?);
    }
    let sha256 =
        checksum(format, version, &manifest, views.iter().map(|(name, view)| (*name, view.shape(), view.data())));
    let seal = Seal { format: format.into(), version, manifest, sha256 };
    let seal = serde_json::to_string(&seal).map_err(|error| content(error.to_string()))?;
    let metadata = HashMap::from([(ENTRY.to_string(), seal)]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| content(error.to_string()))
}

/// Reads what [`seal`] wrote, with the same format and version.
///
/// # Errors
/// One for each way in which a file can be wrong; nothing of it is returned then.
pub fn open<M: DeserializeOwned>(format: &'static str, version: u32, bytes: &[u8]) -> Result<(M, Tensors), SealError> {
    if bytes.len() > SEALED_BYTES_MAX {
        return Err(SealError::TooLarge { format, bytes: bytes.len() });
    }
    let unreadable = |error: safetensors::SafeTensorError| SealError::Unreadable { format, detail: error.to_string() };
    let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let metadata = SafeTensors::read_metadata(bytes).map_err(unreadable)?.1;
    let foreign = |found: &str| SealError::Foreign { format, found: found.into() };
    let entry = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let entry = entry.ok_or_else(|| foreign("without viewtide's metadata"))?;
    let seal: Seal = serde_json::from_str(entry).map_err(|error| foreign(&format!("of unknown make ({error})")))?;
    if seal.format != format {
        return Err(foreign(&format!("a {}", seal.format)));
    }
    if seal.version != version {
        return Err(SealError::Version { format, found: seal.version, expected: version });
    }
    let mut views: Vec<_> = file.tensors();
    views.sort_by(|a, b| a.0.cmp(&b.0));
    let views: Vec<(&str, &TensorView)> = views.iter().map(|(name, view)| (name.as_str(), view)).collect();
    let sha256 =
        checksum(format, version, &seal.manifest, views.iter().map(|(name, view)| (*name, view.shape(), view.data())));
    if sha256 != seal.sha256 {
        return Err(SealError::Damaged { format, found: sha256, expected: seal.sha256 });
    }
    let mut tensors = Tensors::new();
    for (name, view) in views {
        if view.dtype() != Dtype::F32 {
            return Err(SealError::Content { format, detail: format!("{name} holds {:?}, not F32", view.dtype()) });
        }
        let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        tensors.insert(name.into(), Tensor { shape: view.shape().to_vec(), values });
    }
    let manifest = serde_json::from_str(&seal.manifest)
        .map_err(|error| SealError::Content { format, detail: format!("its manifest: {error}") })?;
    Ok((manifest, tensors))
}

/// Little-endian, as safetensors has it.
pub(crate) fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn checksum<'a>(
    format: &str,
    version: u32,
    manifest: &str,
    tensors: impl Iterator<Item = (&'a str, &'a [usize], &'a [u8])>,
) -> String {
    let mut sha256 = Sha256::new();
    let mut add = |part: &[u8]| {
        sha256.update((part.len() as u64).to_le_bytes());
        sha256.update(part);
    };
    add(format.as_bytes());
    add(&version.to_le_bytes());
    add(manifest.as_bytes());
    for (name, shape, bytes) in tensors {
        add(name.as_bytes());
        add(&shape.iter().flat_map(|len| (*len as u64).to_le_bytes()).collect::<Vec<u8>>());
        add(bytes);
    }
    hex(&sha256.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
