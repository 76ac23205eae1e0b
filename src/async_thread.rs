//! Asynchronous work beside a run, on a thread of its own, so that nothing of the stream ever waits for it.

use std::io;
use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A thread that does one piece of asynchronous work, until that ends or this is dropped: then the work is left where it stands.
#[derive(Debug)]
pub struct AsyncThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AsyncThread {
    /// Begins what `work` makes, which may use timers and connections.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start<W: Future<Output = ()>>(name: &str, work: impl FnOnce() -> W + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = work() => {}
                }
            });
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for AsyncThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic has ended the process before this.
            let _ = thread.join();
        }
    }
}
