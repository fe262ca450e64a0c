//! Several jobs at once.

use std::sync::Mutex;
use std::thread;

/// Does the jobs on as many threads as there are processors; the results are in the order of the jobs.
pub fn parallel<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (queue, done) = (Mutex::new(jobs.iter().enumerate()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no job panics with the lock").next();
                    let Some((number, job)) = next else { break };
                    let result = work(job);
                    done.lock().expect("no job panics with the lock").push((number, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no job panics with the lock");
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        let jobs: Vec<u64> = (0..100).collect();
        assert_eq!(parallel(&jobs, |job| job * 2), (0..200).step_by(2).collect::<Vec<_>>());
        assert_eq!(parallel(&[], |job: &u64| *job), Vec::<u64>::new());
    }
}
