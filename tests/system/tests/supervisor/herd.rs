//! Three hundred supervisors and a registry that returns after an outage: they come spread over their window, all of them.

use std::{fmt, net::Ipv4Addr, path::PathBuf, process::Stdio, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tars_test_support::{
    pod,
    process::{binary, resident_kib},
    proxy::{Front, Manner},
    registry::{Backend, Registry},
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    task::JoinHandle,
    time::{Instant, interval, sleep},
};

/// How many supervisors there are.
const HERD: u32 = 300;

/// The beat interval, which is the longest pause between two tries of a registry that is away: the window they spread over.
/// `TARS_HERD_WINDOW=30` makes it half a minute, as it is by default in a pod, in place of ten seconds.
fn window() -> u32 {
    std::env::var("TARS_HERD_WINDOW").map_or(10, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("TARS_HERD_WINDOW={text} is no number of seconds"))
    })
}

/// Longer than the pauses take to grow from half a second to the window: a half, one, two and so on.
fn outage() -> Duration {
    seconds(window() + window() / 2 + 1)
}

/// No second may see more of them. A pause is any time up to the window, so in the first second come those whose pause ends
/// then: 2 / window less 1 / window² of them. The rest is chance: five deviations of it.
fn most_in_a_second() -> f64 {
    let (herd, window) = (f64::from(HERD), f64::from(window()));
    let share = (2.0 - 1.0 / window) / window;
    (herd * share) + 5.0 * (herd * share * (1.0 - share)).sqrt()
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

/// How long they all may take to be registered, or heard, once the registry is there.
const PATIENCE: Duration = Duration::from_mins(2);

/// Most that a supervisor may hold (KiB), as it is built for tests.
const MOST_KIB: u64 = 48 * 1024;

const HOST: &str = "127.4.2.1";

/// The supervisors.
struct Herd {
    folder: TempDir,
    supervisors: Vec<Child>,
    /// Answers the checks of all of them.
    server: JoinHandle<()>,
}

impl Herd {
    async fn start(locator: &str) -> Self {
        // Every address of loopback is this machine's: one listener is the server of all.
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            loop {
                // Closed at once: a check looks for no more.
                drop(listener.accept().await);
            }
        });
        let mut herd = Self {
            folder: tempfile::tempdir().unwrap(),
            supervisors: Vec::new(),
            server,
        };
        for number in 0..HERD {
            let supervisor = herd.supervisor(number, port, locator);
            herd.supervisors.push(supervisor);
        }
        herd
    }

    fn supervisor(&self, number: u32, port: u16, locator: &str) -> Child {
        let path = self.folder.path().join(number.to_string());
        std::fs::create_dir_all(path.join("bin")).unwrap();
        let endpoint = format!("tcp -h ${{local_ip}} -p {port}");
        let meta = format!("local: {endpoint}\nadapters:\n  - object: HerdObj\n    endpoint: {endpoint}\n");
        std::fs::write(path.join("bin/_server_meta.yaml"), meta).unwrap();
        Command::new(binary("tarscli"))
            .args(["supervisor", "--", "sleep", "infinity"])
            .env("TARS_PATH", &path)
            .env("POD_IP", node(number))
            .env("TARS_APPLICATION", "Herd")
            .env("TARS_SERVER", "HerdServer")
            .env("TARS_LOCATOR", locator)
            .env("TARS_REPORT_INTERVAL", format!("{}s", window()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// The most that one of them holds, and what all hold together, with what they share counted once (KiB).
    fn memory(&self) -> (u64, u64) {
        let ids = self
            .supervisors
            .iter()
            .map(|supervisor| supervisor.id().expect("nobody waited for it"));
        ids.fold((0, 0), |(most, sum), id| {
            let held = resident_kib(id).unwrap_or_else(|| panic!("supervisor {id} is gone\n{}", self.log()));
            (most.max(held), sum + share_kib(id))
        })
    }

    /// What the log of the first one says.
    fn log(&self) -> String {
        let path: PathBuf = self.folder.path().join("0/log/supervisor.log");
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

/// What a process holds, with its share of what it holds with others.
fn share_kib(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let share = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    share
        .and_then(|share| share.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

impl Drop for Herd {
    fn drop(&mut self) {
        self.server.abort();
        self.supervisors.clear();
        pod::kill_all_in(self.folder.path());
    }
}

fn node(number: u32) -> String {
    format!("127.5.{}.{}", number / 200, number % 200 + 1)
}

/// Arrivals in each second of the window after the return.
struct Histogram(Vec<u32>);

impl Histogram {
    fn of(front: &Front, functions: &[&str], from: Instant) -> Self {
        let mut counts = Vec::new();
        for arrival in front.registration.arrivals() {
            let Some(after) = arrival.at.checked_duration_since(from) else {
                continue;
            };
            // Then come those again who came first.
            if after < seconds(window()) && functions.contains(&arrival.function) {
                let second = usize::try_from(after.as_secs()).unwrap();
                counts.resize(counts.len().max(second + 1), 0);
                counts[second] += 1;
            }
        }
        Self(counts)
    }

    fn assert_spread(&self, what: &str) {
        println!("{what}\n{self}");
        let most = self.0.iter().max().copied().unwrap_or(0);
        assert!(
            f64::from(most) <= most_in_a_second(),
            "{what}: {most} of {HERD} in one second\n{self}"
        );
    }
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (second, count) in self.0.iter().enumerate() {
            writeln!(
                f,
                "{second:3} s {count:4} {}",
                "#".repeat(usize::try_from(*count).unwrap_or(0))
            )?;
        }
        Ok(())
    }
}

/// Waits until all of them are active in the rows.
async fn all_are_active(registry: &Registry, herd: &Herd) {
    let end = Instant::now() + PATIENCE;
    let mut look = interval(Duration::from_millis(500));
    loop {
        look.tick().await;
        let rows = registry.backend().rows("t_server_conf", "present_state").await;
        let active = rows.iter().filter(|row| row[0] == "active").count();
        if u32::try_from(active) == Ok(HERD) {
            return;
        }
        assert!(
            Instant::now() < end,
            "{active} of {HERD} are active, {} are known\n{}",
            rows.len(),
            herd.log()
        );
    }
}

/// Waits until each has told the registry that it lives since `from`.
async fn all_have_beaten(registry: &Registry, from: Instant) {
    let end = Instant::now() + PATIENCE;
    let mut look = interval(Duration::from_millis(500));
    loop {
        look.tick().await;
        // Looked at first: the ages only grow.
        let most = from.elapsed().as_secs();
        let ages = registry.backend().ages("tarsregistry_instance", "last_beat").await;
        let silent = ages.iter().filter(|age| age.unsigned_abs() >= most).count();
        if u32::try_from(ages.len()) == Ok(HERD) && silent == 0 {
            return;
        }
        assert!(Instant::now() < end, "{silent} of {} are silent", ages.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_come_back_one_after_the_other() {
    // Two connections each, and both sides of each are in this process.
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limits.maximum,
        ..limits
    };
    setrlimit(Resource::Nofile, raised).unwrap();

    let args = ["--advertise", HOST, "--flush-interval", "1"];
    let registry = Registry::start_with(Backend::sqlite(), &args).await;
    registry.process.wait_for("ready").await;
    let front = Front::of(&registry, HOST).await;

    // It is away from the very start.
    front.be(Manner::Away);
    let begun = Instant::now();
    let herd = Herd::start(front.locator()).await;
    println!("{HERD} supervisors started in {:?}", begun.elapsed());
    // Not a wait for something: this is how long it is away.
    sleep(outage()).await;
    front.be(Manner::Passing);
    let back = Instant::now();
    all_are_active(&registry, &herd).await;
    println!("all active {:?} after the return", back.elapsed());
    Histogram::of(&front, &["onStartup"], back).assert_spread("onStartup after the registry came");
    let (most, sum) = herd.memory();
    println!("memory: {most} KiB at most, {} MiB all together", sum / 1024);
    assert!(most < MOST_KIB, "{most} KiB");

    // It is killed under them.
    front.be(Manner::Away);
    let away = registry.crash().await;
    sleep(outage()).await;
    let registry = away.start().await;
    registry.process.wait_for("ready").await;
    front.be(Manner::Passing);
    let back = Instant::now();
    all_have_beaten(&registry, back).await;
    println!("all heard {:?} after the return", back.elapsed());
    Histogram::of(&front, &["keepAlive", "onStartup"], back).assert_spread("beats after the registry returned");
    all_are_active(&registry, &herd).await;
}
