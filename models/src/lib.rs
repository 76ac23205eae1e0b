//! The forecasts of viewtide: what is forecast, from what, how, and how well. No I/O, no SQL, no wall clock: snapshots come in
//! from memory.
//!
//! | module | one concept |
//! |---|---|
//! | [`task`] | origins, what is known there, and what came of it |
//! | [`naive`] | forecasts by the rate of some past |
//! | [`blend`] | the forecast that is issued: weighed online, with a calibrated interval |
//! | [`features`] | what a network sees of an origin |
//! | [`samples`] | what a network is trained on |
//! | [`training_set`] | samples of many videos |
//! | [`forecasting`] | the forecasts of a running stream |
//! | [`fit`] | a model made of videos |
//! | [`contest`] | a new model against the one in use |
//! | [`lstm`] | the network: layers, training, forecasts |
//! | [`artifact`] | a trained model as a file |
//! | [`sealed`] | a file of tensors that tells whether it is whole |
//! | [`pretrained`] | the models that come with the program |
//! | [`old_stack`] | the stack that viewtide replaces, rebuilt |
//! | [`score`] | how good forecasts are |
//! | [`evaluate`] | every method at every origin, and one table of scores |

pub mod artifact;
pub mod blend;
pub mod contest;
pub mod evaluate;
pub mod features;
pub mod fit;
pub mod forecasting;
pub mod lstm;
pub mod naive;
pub mod old_stack;
pub mod pretrained;
pub mod samples;
pub mod score;
pub mod sealed;
pub mod task;
pub mod training_set;
