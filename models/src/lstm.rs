//! The network: an LSTM over a video's last hours, whose last state is joined by a context.
//!
//! What a row of a batch gives is the same bits wherever it stands, in a batch of any size, on any number of threads and
//! with any instruction set: every sum has one fixed order, and each of its steps is one fused multiplication and
//! addition, however many of them stand side by side in a register.
//!
//! | module | one concept |
//! |---|---|
//! | `architecture` | how large a network is, and where each weight lies |
//! | `network` | sizes and weights, and what they forecast |
//! | `ensemble` | several networks that forecast their mean |
//! | `bounds` | how far from its base a network's word is taken |
//! | `recipe` | how a network is trained |
//! | `training` | epochs, schedule, validation, stopping and going on |
//! | `checkpoint` | a training that stopped, as bytes |
//! | `data` | samples that a training can work with |
//! | `draws` | which samples an epoch is made of, and random numbers |
//! | `batch` | the gradient of one batch |
//! | `optimiser` | AdamW, the bound on the gradient, the schedule |
//! | `loss` | the pinball loss of three quantiles |
//! | `pass` | a block of rows through the whole network, and back |
//! | `layer` | a block of rows through an LSTM layer, and back |
//! | `gates` | what turns the sums of an LSTM's gates into its next state, and the way back |
//! | `affine` | a matrix with a bias, and its gradients |
//! | `product` | a matrix product with a fixed order of sums |
//! | [`op`] | an LSTM layer as an operation on candle's tensors |
//! | `threads` | work on slices, shared out over threads |

mod affine;
#[cfg(test)]
mod arbitrary;
mod architecture;
mod batch;
mod bounds;
mod checkpoint;
mod data;
mod draws;
mod ensemble;
mod error;
mod gates;
mod layer;
pub(crate) mod loss;
mod network;
pub mod op;
mod optimiser;
mod pass;
mod product;
mod recipe;
pub(crate) mod threads;
mod training;

pub use architecture::{Architecture, HORIZONS, LAYERS_MAX, QUANTILES, STEPS_MAX, WIDTH_MAX};
pub use bounds::Bounds;
pub use checkpoint::CheckpointError;
pub use ensemble::{Ensemble, MEMBERS_MAX};
pub use error::LstmError;
pub use network::{Inputs, Network};
pub use recipe::{BATCH_MAX, DRAWS_PER_VIDEO_MAX, EPOCHS_MAX, Recipe};
pub use training::{EpochLoss, Outcome, Progress, Trained, Training};
