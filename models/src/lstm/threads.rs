//! Work on slices, shared out over threads.

/// Threads at most, whatever is asked for: blocks of rows are small, and more would cost more than they save.
const THREADS_MAX: usize = 64;

/// Gives each of at most `threads` threads one run of neighbouring `items`, and returns when all are done.
///
/// Which thread takes which item is no part of any result: an item's work is to depend on the item alone.
pub(crate) fn share_out<T: Send>(threads: usize, items: &mut [T], work: impl Fn(&mut [T]) + Sync) {
    let run = items.len().div_ceil(threads.clamp(1, THREADS_MAX)).max(1);
    let mut runs = items.chunks_mut(run);
    let Some(own) = runs.next() else { return };
    std::thread::scope(|scope| {
        for run in runs {
            scope.spawn(|| work(run));
        }
        work(own);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        for threads in [0, 1, 2, 3, 4, 1_000_000] {
            for len in (0..12).chain([500]) {
                let mut items = vec![0; len];
                share_out(threads, &mut items, |run| run.iter_mut().for_each(|item| *item += 1));
                assert_eq!(items, vec![1; len], "{threads} threads");
            }
        }
    }
}
