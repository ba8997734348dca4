//! What a node looks at to know whether it is well.

use std::path::Path;
use std::sync::{Arc, Weak};

use exchange::Exchange;
use gateway::view::View;
use rustix::fs::statvfs;
use telemetry::health::Kind;
use telemetry::{Finding, Health};

use super::status::Board;

/// Free bytes below which somebody should make room.
const LITTLE: u64 = 2 << 30;
/// Free bytes below which the node will stop soon.
const NOTHING: u64 = 128 << 20;

/// Adds the checks of an exchange on a chain.
pub fn add(health: &Health, exchange: &Arc<Exchange>, board: &Arc<Board>, data: &Path, max_lag: u64) {
    let of = Arc::downgrade(exchange);
    health.add("exchange", Kind::Live, move || alive(&of));
    let of = Arc::downgrade(exchange);
    health.add("lag", Kind::Ready, move || lag(&of, max_lag));
    let of = Arc::downgrade(board);
    health.add("settlement", Kind::Ready, move || settlement(&of));
    let of = Arc::downgrade(board);
    health.add("custody", Kind::Ready, move || custody(&of));
    let data = data.to_path_buf();
    health.add("disk", Kind::Ready, move || disk(&data));
}

/// Adds the check of what the gateway shows.
pub fn add_view(health: &Health, view: &Arc<View>) {
    let of = Arc::downgrade(view);
    health.add("view", Kind::Ready, move || {
        let Some(view) = of.upgrade() else { return stopping() };
        match (view.fault(), view.is_up_to_date()) {
            (Some(fault), _) => Finding::down(
                format!("what is shown has stopped: {fault}"),
                "orders are taken and what becomes of them is not shown: start the node again, and report it",
            ),
            (None, false) => Finding::down(
                format!("what is shown is behind, at command {}", view.sequence()),
                "wait: after a start it reads all sealed batches",
            ),
            (None, true) => Finding::Well(format!("at command {}", view.sequence())),
        }
    });
}

fn alive(exchange: &Weak<Exchange>) -> Finding {
    let Some(exchange) = exchange.upgrade() else { return stopping() };
    match exchange.fault() {
        Some(fault) => Finding::down(
            format!("the exchange has stopped: {fault}"),
            "mend what it names and start the node again; nothing acknowledged is lost",
        ),
        None => Finding::Well(format!("{} commands executed", exchange.stats().executed)),
    }
}

fn lag(exchange: &Weak<Exchange>, max_lag: u64) -> Finding {
    let Some(exchange) = exchange.upgrade() else { return stopping() };
    let stats = exchange.stats();
    let behind = stats.executed.saturating_sub(stats.sealed);
    match behind > max_lag / 10 * 8 {
        true => Finding::degraded(
            format!("{behind} commands are not sealed; at {max_lag} new ones are answered busy"),
            "give the machine more cores, or the exchange fewer commands; raise exchange.max_lag for short peaks only",
        ),
        false => Finding::Well(format!("{behind} commands not sealed")),
    }
}

fn settlement(board: &Weak<Board>) -> Finding {
    let Some(board) = board.upgrade() else { return stopping() };
    let Some(summary) = board.known().0 else { return Finding::Well("has not looked yet".to_string()) };
    if let Some(conflict) = &summary.halted {
        return Finding::degraded(
            format!("halted: {conflict}"),
            "orders are taken and nothing is settled: look at both sides before you start the node again",
        );
    }
    if let Some((batch, (why, remedy))) = summary.failures.iter().next() {
        return Finding::degraded(format!("batch {batch} has failed: {why}"), remedy.clone());
    }
    match &summary.trouble {
        Some(fault) => Finding::degraded(
            format!("waits: {fault}"),
            "look whether the chain's node answers; it is tried again by itself",
        ),
        None => Finding::Well(format!("{} batches not final", summary.lag)),
    }
}

fn custody(board: &Weak<Board>) -> Finding {
    let Some(board) = board.upgrade() else { return stopping() };
    match board.known().1 {
        None => Finding::Well("has not been compared yet".to_string()),
        Some(checked) => match checked.disagreement() {
            None => {
                Finding::Well(format!("the contract holds what is owed, at block {}", checked.block.number))
            }
            Some(wrong) => Finding::down(
                wrong,
                "pause the contract (`glassbook operator pause`), keep the data folder, and find out where the money is",
            ),
        },
    }
}

fn disk(data: &Path) -> Finding {
    let free = match statvfs(data) {
        Ok(volume) => volume.f_bavail.saturating_mul(volume.f_frsize),
        Err(error) => {
            return Finding::degraded(
                format!("{}: {error}", data.display()),
                "look whether the volume is there",
            );
        }
    };
    let mib = free >> 20;
    let remedy = "make the volume larger; batch files are needed at each start; what is acknowledged stays";
    match free {
        0..NOTHING => Finding::down(format!("{mib} MiB are free"), remedy),
        NOTHING..LITTLE => Finding::degraded(format!("{mib} MiB are free"), remedy),
        _ => Finding::Well(format!("{mib} MiB free")),
    }
}

fn stopping() -> Finding {
    Finding::down("the node is stopping", "wait until it is gone, and start it again")
}
