//! Child processes: looked at, and killed at a moment of the test's choosing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::process::{Pid, Signal, kill_process};

/// When a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// After some time.
    After(Duration),
    /// As soon as this many files have got their names in a block store:
    /// then the row that names the last of them is not committed yet.
    AtBlock(usize),
}

/// A kill that is due. It is gone when it is dropped.
pub struct Ambush {
    thread: Option<std::thread::JoinHandle<()>>,
    called_off: Arc<AtomicBool>,
    done: tokio::sync::oneshot::Receiver<()>,
}

impl Ambush {
    /// Kills the process `pid`, a child that nobody has waited for yet, when
    /// it is time. `blocks` is the folder of a block store.
    pub fn lay(pid: u32, aim: Aim, blocks: &Path) -> Self {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.expect("a process id");
        let watch = match aim {
            Aim::After(time) => Watch::For(Instant::now() + time),
            Aim::AtBlock(nth) => Watch::Blocks(BlockWatch::on(blocks), nth),
        };
        let called_off = Arc::new(AtomicBool::new(false));
        let (sender, done) = tokio::sync::oneshot::channel();
        let stop = called_off.clone();
        let thread = std::thread::spawn(move || {
            if watch.wait(&stop) {
                // It may have ended by itself; that is for whoever waits to see.
                let _ = kill_process(pid, Signal::KILL);
                let _ = sender.send(());
            }
        });
        Self {
            thread: Some(thread),
            called_off,
            done,
        }
    }

    /// Resolves when the process was killed.
    pub async fn sprung(&mut self) {
        if (&mut self.done).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Ambush {
    /// Waits for the thread: afterwards the process id may be another's.
    fn drop(&mut self) {
        self.called_off.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the ambush did not fail");
        }
    }
}

enum Watch {
    For(Instant),
    Blocks(BlockWatch, usize),
}

impl Watch {
    /// Waits for its moment; `false` if it was called off.
    fn wait(self, stop: &AtomicBool) -> bool {
        let is_off = || stop.load(Ordering::SeqCst);
        match self {
            Self::For(moment) => {
                while Instant::now() < moment && !is_off() {
                    let left = moment.saturating_duration_since(Instant::now());
                    std::thread::sleep(left.min(GLANCE));
                }
            }
            Self::Blocks(mut watch, nth) => {
                let mut seen = 0;
                while seen < nth && !is_off() {
                    seen += watch.arrived(GLANCE);
                }
            }
        }
        !is_off()
    }
}

/// How often a waiting thread looks whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(20);

/// Sees files get their names in a block store.
pub struct BlockWatch(std::os::fd::OwnedFd);

impl BlockWatch {
    /// Watches the folder of a block store.
    pub fn on(blocks: &Path) -> Self {
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK);
        let watch = watch.expect("inotify");
        for shard in std::fs::read_dir(blocks.join("blocks")).expect("the block store") {
            let shard = shard.expect("a shard").path();
            inotify::add_watch(&watch, &shard, inotify::WatchFlags::MOVED_TO)
                .expect("an inotify watch");
        }
        Self(watch)
    }

    /// How many have come, waiting for the first until `patience` is over.
    pub fn arrived(&mut self, patience: Duration) -> usize {
        let patience = Timespec::try_from(patience).expect("a short time");
        let mut ready = [PollFd::new(&self.0, PollFlags::IN)];
        if !matches!(poll(&mut ready, Some(&patience)), Ok(1..)) {
            return 0;
        }
        let mut buffer = [std::mem::MaybeUninit::uninit(); 16 * 1024];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        let mut arrived = 0;
        while events.next().is_ok() {
            arrived += 1;
            if events.is_buffer_empty() {
                break;
            }
        }
        arrived
    }
}

/// The most memory a process has had at a time, in bytes; `None` once it is gone.
pub fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// What a process took.
#[derive(Debug, Clone, Copy)]
pub struct Toll {
    /// The most bytes of memory at a time.
    pub memory: u64,
    /// Time on a processor, which a busy machine does not lengthen.
    pub busy: Duration,
}

/// Runs a process to its end and looks at what it takes; its output must go
/// to where nobody has to read it.
pub fn toll(command: &mut std::process::Command) -> (std::process::ExitStatus, Toll) {
    let mut child = command.spawn().expect("a process");
    let stat = format!("/proc/{}/stat", child.id());
    let (mut memory, mut busy) = (0, Duration::ZERO);
    let mut has_ended = false;
    while !has_ended {
        memory = peak_memory(child.id()).unwrap_or(0).max(memory);
        // The name, in parentheses, may hold anything.
        let stat = std::fs::read_to_string(&stat).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse().ok());
        let (user, system) = (ticks(11).unwrap_or(0_u64), ticks(12).unwrap_or(0_u64));
        let per_second = rustix::param::clock_ticks_per_second();
        busy = busy.max(Duration::from_millis((user + system) * 1000 / per_second));
        // Not waited for, so the last figures are still there.
        has_ended = fields.first().is_none_or(|state| *state == "Z");
        if !has_ended {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    let ended = child.wait().expect("the process ends");
    (ended, Toll { memory, busy })
}

/// Every file below a folder, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut stack = vec![folder.to_owned()];
    while let Some(folder) = stack.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => stack.push(entry.path()),
                _ => found.push(entry.path()),
            }
        }
    }
    found.sort();
    found
}
