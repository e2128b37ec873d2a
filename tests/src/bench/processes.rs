//! An idle node as a process of its own, beside the least that its network costs: an idle libp2p process.
//!
//! The bench starts itself again in another role, so that no program that is older than the bench is measured.

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use kinmesh_node::control::Client;
use libp2p::{SwarmBuilder, ping, tcp, tls, yamux};

use super::figure::{Figure, Goal, Reference};

/// Names the role of a process that the bench started.
const ROLE: &str = "KINMESH_BENCH_ROLE";
/// Until an idle process is looked at.
const SETTLE: Duration = Duration::from_secs(3);
/// For how long its CPU time is counted.
const WATCH: Duration = Duration::from_secs(5);
/// Longest wait for a node to answer.
const START: Duration = Duration::from_secs(60);
const NAME: &str = "node: idle, memory";

/// Does what the role says, if this process has one.
pub fn in_role() -> Option<ExitCode> {
    match std::env::var(ROLE).ok()?.as_str() {
        "node" => Some(kinmesh_node::main()),
        _ => Some(swarm()),
    }
}

/// Memory and CPU of an idle node.
pub fn idle(folder: &Path) -> Vec<Figure> {
    match measure(folder) {
        Ok(figures) => figures,
        Err(why) => vec![Figure::skipped(NAME, "MB", why)],
    }
}

fn measure(folder: &Path) -> Result<Vec<Figure>, String> {
    let dir = tempfile::tempdir_in(folder).map_err(|_| "no temporary folder")?;
    let (node, credential) = (dir.path().join("node"), dir.path().join("credential"));
    std::fs::write(&credential, [7; 32]).map_err(|_| "no credential")?;
    private(&credential)?;
    let credential = credential.to_str().ok_or("a path that is not UTF-8")?;
    let node_text = node.to_str().ok_or("a path that is not UTF-8")?;
    let init = [
        "--dir",
        node_text,
        "--user",
        "amina",
        "init",
        "--network",
        "drill-bench",
        "--member",
        "KE",
        "--listen",
        "/ip4/127.0.0.1/tcp/0",
        "--address",
        "/ip4/127.0.0.1/tcp/4001",
        "--credential",
        credential,
        "--user-credential",
        credential,
    ];
    let made = start("node", &init)?.wait().map_err(|_| "init did not end")?;
    if !made.success() {
        return Err(format!("init ended with {made}"));
    }
    let mut running = Running(start("node", &["--dir", node_text, "daemon", "run", "--credential", credential])?);
    answers(&node, &mut running.0)?;
    let mut bare = Running(start("swarm", &[])?);
    std::thread::sleep(SETTLE);
    let (before, began) = (cpu_seconds(running.0.id())?, Instant::now());
    std::thread::sleep(WATCH);
    let idle_share = (cpu_seconds(running.0.id())? - before) / began.elapsed().as_secs_f64();
    let (ours, most) = memory(&mut running.0)?;
    let (theirs, _) = memory(&mut bare.0)?;
    let ratio = ours / theirs;
    let memory = Figure {
        reference: Some(Reference { name: "idle libp2p process", value: theirs }),
        ratio: Some([ratio; 3]),
        ..Figure::alone(NAME, "MB", ours)
    };
    Ok(vec![
        memory
            .goal(Goal::RatioAtMost(2.5))
            .note(format!("resident; at most {most:.1} MB since its start; one node without a network")),
        Figure::alone("node: idle, CPU", "% of a core", 100.0 * idle_share).goal(Goal::AtMost(0.5)),
    ])
}

fn start(role: &str, arguments: &[&str]) -> Result<Child, String> {
    let program = std::env::current_exe().map_err(|_| "no path to this program")?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env(ROLE, role).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| format!("a process did not start: {}", error.kind()))
}

/// Waits until the node answers on its socket.
fn answers(node: &Path, child: &mut Child) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|_| "no runtime")?;
    let began = Instant::now();
    while runtime.block_on(Client::new(node).status()).is_err() {
        if let Ok(Some(ended)) = child.try_wait() {
            return Err(format!("the node ended with {ended}"));
        }
        if began.elapsed() > START {
            return Err("the node did not answer".to_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Resident memory now and at its most, in MB of 1,000,000 bytes.
fn memory(child: &mut Child) -> Result<(f64, f64), String> {
    if let Ok(Some(ended)) = child.try_wait() {
        return Err(format!("a process ended with {ended}"));
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).map_err(|_| "no /proc on this system")?;
    let line = |name: &str| -> Option<f64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0 / 1e6)
    };
    line("VmRSS:").zip(line("VmHWM:")).ok_or_else(|| "no memory in /proc".to_owned())
}

/// User and system seconds of a process so far.
fn cpu_seconds(id: u32) -> Result<f64, String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).map_err(|_| "no /proc on this system")?;
    let behind_name = stat.rsplit(')').next().unwrap_or("");
    let ticks: Vec<f64> = behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    // 100 ticks a second on every Linux that this runs on.
    if ticks.len() == 2 { Ok(ticks.iter().sum::<f64>() / 100.0) } else { Err("no CPU time in /proc".to_owned()) }
}

fn private(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(|_| "no mode".to_owned())
}

/// A libp2p process with the transport of a node and nothing else.
fn swarm() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), tls::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| ping::Behaviour::default())
            .unwrap()
            .build();
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        loop {
            swarm.select_next_some().await;
        }
    })
}

/// Ends its process.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // A process that ended by itself needs no end.
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}
