//! The job pool: a few threads for work that takes longer than a step of the driver.
//!
//! The driver puts slices in and takes their outputs from a bounded channel. A free thread takes the first class that has
//! work, so an answer that somebody waits for is at most one slice away. The engine bounds how many slices are open, hence
//! the queue has no bound of its own. A slice that panics is a bug of which nobody knows what it left half-done: the driver is
//! told and ends the process, and the next start is an ordinary start after a crash.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use kinmesh_protocol::engine::job::JobClass;
use tokio::sync::mpsc;

/// Most threads: beyond two, the driver's own commits are the limit.
const THREADS: usize = 2;

/// What became of a slice.
#[derive(Debug, PartialEq, Eq)]
pub enum Finished<O> {
    /// It ran to its end.
    Output {
        /// The name that the driver gave it.
        name: u64,
        /// What it gave.
        output: O,
    },
    /// It panicked.
    Panicked {
        /// The name that the driver gave it.
        name: u64,
    },
}

/// The pool. Dropping it lets the threads end after the slice that they are at; what waits is dropped.
pub struct Pool<W> {
    queue: Arc<Queue<W>>,
    threads: Vec<JoinHandle<()>>,
}

struct Queue<W> {
    waiting: Mutex<Waiting<W>>,
    changed: Condvar,
}

struct Waiting<W> {
    by_class: BTreeMap<JobClass, VecDeque<(u64, W)>>,
    closed: bool,
}

impl<W: Send + 'static> Pool<W> {
    /// Starts the threads. Outputs come out of `finished` in no particular order.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start<O: Send + 'static>(
        threads: usize,
        run: impl Fn(W) -> O + Send + Sync + 'static,
        finished: &mpsc::Sender<Finished<O>>,
    ) -> io::Result<Self> {
        let waiting = Mutex::new(Waiting { by_class: BTreeMap::new(), closed: false });
        let queue = Arc::new(Queue { waiting, changed: Condvar::new() });
        let run = Arc::new(run);
        let mut pool = Self { queue, threads: Vec::new() };
        for number in 0..threads.max(1) {
            let (queue, run, finished) = (Arc::clone(&pool.queue), Arc::clone(&run), finished.clone());
            let work = move || queue.work(&*run, &finished);
            pool.threads.push(thread::Builder::new().name(format!("job-{number}")).spawn(work)?);
        }
        Ok(pool)
    }

    /// Puts a slice in.
    pub fn put(&self, name: u64, class: JobClass, work: W) {
        self.queue.lock().by_class.entry(class).or_default().push_back((name, work));
        self.queue.changed.notify_one();
    }

    /// Drops what waits; slices that run go on.
    pub fn clear(&self) {
        self.queue.lock().by_class.clear();
    }

    /// Drops what waits and returns when the threads have ended, after at most one slice.
    /// The receiver of the outputs must be dropped before, or taken from meanwhile.
    pub fn stop(mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a job thread did not end in order");
            }
        }
    }
}

impl<W> Drop for Pool<W> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl<W> Queue<W> {
    /// What waits is whole even after a panic elsewhere, since nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, Waiting<W>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.by_class.clear();
        self.changed.notify_all();
    }

    /// The next slice of the first class that has one; none once the pool is closed.
    fn next(&self) -> Option<(u64, W)> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(next) = waiting.by_class.values_mut().find_map(VecDeque::pop_front) {
                return Some(next);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work<O>(&self, run: &(impl Fn(W) -> O + ?Sized), finished: &mpsc::Sender<Finished<O>>) {
        while let Some((name, work)) = self.next() {
            // The slice's state is not looked at again: the process ends.
            let end = match catch_unwind(AssertUnwindSafe(|| run(work))) {
                Ok(output) => Finished::Output { name, output },
                Err(_) => Finished::Panicked { name },
            };
            if finished.blocking_send(end).is_err() {
                return;
            }
        }
    }
}

/// One thread fewer than the machine has cores, at least one and at most two.
#[must_use]
pub fn thread_count() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.saturating_sub(1).clamp(1, THREADS)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as std_mpsc;

    use super::*;

    fn outputs<O>(finished: &mut mpsc::Receiver<Finished<O>>, count: usize) -> Vec<Finished<O>> {
        (0..count).filter_map(|_| finished.blocking_recv()).collect()
    }

    #[test]
    fn the_first_class_that_has_work_is_taken() {
        let (sender, mut finished) = mpsc::channel(8);
        let (open, gate) = std_mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let pool = Pool::start(
            1,
            move |word: &'static str| {
                if word == "gate" {
                    let _opened = gate.lock().unwrap().recv();
                }
                word
            },
            &sender,
        )
        .unwrap();
        pool.put(0, JobClass::Answer, "gate");
        for (name, class, word) in [
            (1, JobClass::Build, "build"),
            (2, JobClass::Check, "check"),
            (3, JobClass::Answer, "answer"),
            (4, JobClass::Check, "b"),
        ] {
            pool.put(name, class, word);
        }
        open.send(()).unwrap();
        let order: Vec<u64> = outputs(&mut finished, 5)
            .into_iter()
            .map(|end| match end {
                Finished::Output { name, .. } | Finished::Panicked { name } => name,
            })
            .collect();
        // The gate may be taken before or after the rest was put in, so only the order behind it is fixed.
        assert_eq!(order, [0, 3, 2, 4, 1]);
        pool.stop();
    }

    #[test]
    fn a_panic_is_reported_and_the_thread_goes_on() {
        let (sender, mut finished) = mpsc::channel(8);
        let pool = Pool::start(1, |number: u32| assert_ne!(number, 1), &sender).unwrap();
        pool.put(7, JobClass::Answer, 1);
        pool.put(8, JobClass::Answer, 2);
        assert_eq!(outputs(&mut finished, 2), [Finished::Panicked { name: 7 }, Finished::Output { name: 8, output: () }]);
        pool.stop();
    }

    #[test]
    fn what_waits_is_dropped_when_the_pool_stops() {
        let (sender, finished) = mpsc::channel::<Finished<()>>(1);
        let pool = Pool::start(2, |(): ()| (), &sender).unwrap();
        for name in 0..100 {
            pool.put(name, JobClass::Build, ());
        }
        drop(finished);
        pool.stop();
    }

    #[test]
    fn there_are_one_or_two_threads() {
        assert!((1..=2).contains(&thread_count()));
    }
}
