//! Values for tests: without a pattern, the same in every run.

/// `len` values, evenly between -1 and 1; others for each seed.
pub(crate) fn values(len: usize, seed: u32) -> Vec<f32> {
    (0..len as u32)
        .map(|i| {
            // The mixing of MurmurHash3, which lets every bit of the number and the seed have its part in every other.
            let mut bits = i.wrapping_mul(0x9e37_79b9) ^ seed.wrapping_mul(0x85eb_ca6b).rotate_left(13);
            bits = (bits ^ (bits >> 16)).wrapping_mul(0x85eb_ca6b);
            bits = (bits ^ (bits >> 13)).wrapping_mul(0xc2b2_ae35);
            bits ^= bits >> 16;
            (bits >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}
