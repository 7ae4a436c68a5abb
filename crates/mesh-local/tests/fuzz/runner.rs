//! Runs a target over the corpus and over mutations of it, for a bounded time.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::ALLOCATOR;
use crate::corpus::Corpus;
use crate::mutation::mutate;

/// The longest time for one input, in a build without optimisation on a busy machine. Ordinary templates take milliseconds.
const MAX_TIME: Duration = Duration::from_secs(20);

/// The most memory that one input may allocate in total, freed parts included.
const MAX_ALLOCATED: usize = 1 << 30;

/// The largest input: that of CloudFormation is larger, but takes longer than its kind is worth.
const MAX_INPUT: usize = 64 * 1024;

/// One target at a time: the allocator counts for all threads.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What came of an input: the kinds of its messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outcome(BTreeSet<String>);

impl Outcome {
    pub(crate) fn new(messages: impl IntoIterator<Item = String>) -> Self {
        Self(messages.into_iter().map(|message| kind_of(&message)).collect())
    }

    pub(crate) fn with(mut self, message: String) -> Self {
        self.0.insert(message);
        self
    }
}

/// A message without its names and numbers.
fn kind_of(message: &str) -> String {
    let mut kind = String::new();
    let mut is_quoted = false;
    for letter in message.chars().take(200) {
        match letter {
            '`' | '"' => is_quoted = !is_quoted,
            letter if is_quoted || letter.is_ascii_digit() => {}
            letter => kind.push(letter),
        }
    }
    // What follows is mostly a list of names.
    kind.split([';', ':']).next().unwrap_or_default().to_owned()
}

/// Runs `target` with each input of the corpus `corpus` and with mutations of them.
///
/// # Panics
///
/// If the target panics, takes too long or allocates too much; with the file of the input.
pub(crate) fn fuzz(corpus: &str, target: &str, run: impl Fn(&str) -> Outcome) {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut corpus = Corpus::open(corpus);
    let seconds = setting("FUZZ_SECONDS").unwrap_or(3);
    let seed = setting("FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let current = CurrentInput::new(target);
    let mut known: BTreeSet<Outcome> = BTreeSet::new();
    for input in corpus.inputs().to_vec() {
        known.insert(current.run(&input, seed, &run));
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut count = 0_u64;
    while Instant::now() < end {
        let input = mutate(corpus.inputs(), &mut random);
        if input.len() > MAX_INPUT {
            continue;
        }
        count += 1;
        let outcome = current.run(&input, seed, &run);
        if known.insert(outcome) {
            corpus.add(input);
        }
    }
    println!(
        "{target}: {count} mutations of {} inputs, seed {seed}",
        corpus.inputs().len()
    );
    assert!(count > 0, "no mutation was tried in {seconds} s");
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is `{text}`; allowed is a number")),
    )
}

/// The input that is being run, in a file: what remains of a run that was aborted.
struct CurrentInput {
    file: PathBuf,
}

impl CurrentInput {
    fn new(target: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let name = format!("fuzz-{target}-{}", std::process::id());
        Self {
            file: directory.join(name),
        }
    }

    /// Runs the target with an input, with limits on time and memory.
    fn run(&self, input: &str, seed: u64, run: &impl Fn(&str) -> Outcome) -> Outcome {
        std::fs::write(&self.file, input).expect("the directory can be written to");
        let before = ALLOCATOR.stats().bytes_allocated;
        let start = Instant::now();
        let file = self.file.display().to_string();
        // A hang cannot be interrupted: the process is ended by another thread.
        let (finished, waiting) = mpsc::channel::<()>();
        let watchdog = std::thread::spawn(move || {
            if waiting.recv_timeout(MAX_TIME * 2) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("an input takes longer than {MAX_TIME:?}: {file}, seed {seed}");
                std::process::abort();
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(input)));
        drop(finished);
        watchdog.join().expect("the watchdog does not panic");
        let file = self.file.display();
        let outcome = outcome.unwrap_or_else(|_| panic!("an input causes a panic: {file}, seed {seed}"));
        let took = start.elapsed();
        assert!(took < MAX_TIME, "an input takes {took:?}: {file}, seed {seed}");
        let allocated = ALLOCATOR.stats().bytes_allocated - before;
        assert!(
            allocated < MAX_ALLOCATED,
            "an input allocates {allocated} bytes: {file}, seed {seed}"
        );
        std::fs::remove_file(&self.file).expect("it was just written");
        outcome
    }
}
