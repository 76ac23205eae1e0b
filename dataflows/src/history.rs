//! One video's snapshots in memory, by event time.
