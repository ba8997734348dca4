//! Whether proving costs the engine anything: the latency of a command in the engine with proving off and on, in pairs.
//!
//!     cargo build --release -p glassbook -p prover-sp1
//!     cargo run --release -p bench --example proving -- [PAIRS] [COMMANDS A SECOND]
//!
//! Each run replays the same flow at the same pace. With proving on, the node follows the batches, forms jobs and serves a
//! worker, which executes every batch in SP1's emulator on this same machine at low priority: the same load in front of
//! the engine as a prover, which a real exchange keeps on other machines.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

const COMMANDS: &str = "20000";

/// Of a command in the engine, in nanoseconds.
#[derive(Clone, Copy)]
struct Latency {
    p50: f64,
    p99: f64,
    p999: f64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let pairs: usize = arguments.next().map_or(Ok(5), |pairs| pairs.parse())?;
    let rate = arguments.next().unwrap_or_else(|| "5000".to_string());
    let example = std::env::current_exe()?;
    let built = example.ancestors().nth(2).context("where am I?")?;
    let (glassbook, prover) = (built.join("glassbook"), built.join("prover-sp1"));
    for program in [&glassbook, &prover] {
        ensure!(program.exists(), "build it first: cargo build --release -p glassbook -p prover-sp1");
    }
    let dir = tempfile::tempdir()?;
    let flow = dir.path().join("flow.gbflow");
    run(Command::new(&glassbook)
        .args(["simulate", "--seed", "1", "--commands", COMMANDS, "--out"])
        .arg(&flow))?;

    println!("{COMMANDS} commands at {rate} a second; latency of a command in the engine, ns");
    println!("{:>18}{:>10}{:>10}{:>10}", "", "p50", "p99", "p99.9");
    let (mut off, mut on) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        // Either comes first, in turns.
        for proving in [pair % 2 == 0, pair % 2 != 0] {
            let data = dir.path().join(format!("{pair}-{proving}"));
            let mut replay = Command::new(&glassbook);
            replay.arg("replay").arg(&flow).args(["--rate", &rate, "--bundle", "20", "--data"]).arg(&data);
            replay.arg("--report").arg(dir.path().join("report.html"));
            let latency =
                if proving { with_worker(&mut replay, &prover, &data)? } else { parse(&run(&mut replay)?)? };
            show(if proving { "proving on" } else { "proving off" }, &latency);
            if proving { &mut on } else { &mut off }.push(latency);
        }
    }
    let median = |of: fn(&Latency) -> f64, runs: &[Latency]| {
        let mut values: Vec<f64> = runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let medians = |runs: &[Latency]| Latency {
        p50: median(|run| run.p50, runs),
        p99: median(|run| run.p99, runs),
        p999: median(|run| run.p999, runs),
    };
    let (off, on) = (medians(&off), medians(&on));
    show("median, off", &off);
    show("median, on", &on);
    println!(
        "{:>18}{:>10.2}{:>10.2}{:>10.2}",
        "ratio",
        on.p50 / off.p50,
        on.p99 / off.p99,
        on.p999 / off.p999
    );
    Ok(())
}

fn show(name: &str, latency: &Latency) {
    println!("{name:>18}{:>10.0}{:>10.0}{:>10.0}", latency.p50, latency.p99, latency.p999);
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Replays while a worker executes what is sealed.
fn with_worker(replay: &mut Command, prover: &Path, data: &Path) -> Result<Latency> {
    let key: PathBuf = data.with_extension("key");
    let id = run(Command::new(prover).arg("worker-key").arg("--key").arg(&key))?;
    std::fs::create_dir_all(data.join("proving"))?;
    std::fs::write(data.join("proving/workers"), id)?;
    replay.args(["--prove", "--kind", "executed", "--listen", "127.0.0.1:0"]);
    let mut node = replay.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(node.stderr.take().context("no output")?).lines();
    let url = loop {
        let line = lines.next().context("the node says nothing")??;
        if let Some(at) = line.find("http://") {
            break line[at..].to_string();
        }
    };
    // Nobody may wait for somebody to read this.
    std::thread::spawn(move || lines.for_each(drop));
    let mut work = Command::new("nice");
    work.args(["-n", "19"]).arg(prover).args(["work", "--node", &url, "--key"]).arg(&key);
    let mut worker = Ended(work.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    let output = node.wait_with_output()?;
    ensure!(output.status.success(), "the replay failed");
    worker.0.kill()?;
    parse(&String::from_utf8(output.stdout)?)
}

/// A process that does not outlive this one's interest in it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The row of the report: below the names and a rule.
fn parse(report: &str) -> Result<Latency> {
    let mut lines = report.lines().skip_while(|line| !line.trim_start().starts_with("latency in the engine"));
    let row = lines.nth(2).context("the report has no latency")?;
    let words: Vec<&str> = row.split_whitespace().collect();
    let mut values = words.windows(2).filter_map(|pair| {
        let unit = match pair[1] {
            "ns" => 1.0,
            "µs" => 1e3,
            "ms" => 1e6,
            _ => return None,
        };
        Some(pair[0].parse::<f64>().ok()? * unit)
    });
    let mut next = || values.next().with_context(|| format!("not understood: {row}"));
    Ok(Latency { p50: next()?, p99: next()?, p999: next()? })
}
