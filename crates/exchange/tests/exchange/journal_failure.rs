//! The journal fails while the exchange runs: nothing is told to be done that is not, and making room is enough.

use std::fs;
use std::path::Path;
use std::process::Command as Process;

use exchange::{Config, Exchange, Fault, FeedError, Refused, Topic};
use tempfile::TempDir;
use types::AccountId;

use crate::kit::*;

/// A small file system in memory, unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let mounted =
            Process::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(dir.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("SKIPPED: a full disk needs the right to mount a tmpfs (run as root)");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Process::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn settings(dir: &Path) -> Config {
    let mut config = config(&dir.join("exchange"));
    config.keep_batches = false;
    config.journal.segment_bytes = 512 << 10;
    config.journal.max_frame_bytes = 256 << 10;
    config.journal.max_record_bytes = 160 << 10;
    config
}

#[test]
fn a_full_disk_stops_the_exchange_and_after_making_room_it_goes_on_with_all_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount() else { return };
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 5 << 20]).unwrap();
    let (exchange, _) = Exchange::open(settings(disk.path()), &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let feed = exchange.subscribe(Topic::Executions(AccountId(1)));
    let mut traders: Vec<Trader> = (1..=4).map(|account| Trader::join(&exchange, account, 1)).collect();
    let mut acknowledged = 40;
    let mut position = [0; 4];
    let mut random = Random(1);
    let mut id = 0;
    let stopped = loop {
        let mut tickets = Vec::new();
        let mut failed = None;
        'round: for (at, trader) in traders.iter_mut().enumerate() {
            for _ in 0..8 {
                let commands: Vec<_> = (0..50)
                    .map(|_| {
                        id += 1;
                        random_command(&mut random, id)
                    })
                    .collect();
                match exchange.submit_waiting(trader.signs(commands)) {
                    Ok(ticket) => tickets.push((at, ticket)),
                    // What was taken in before may be acknowledged yet.
                    Err(refused) => {
                        failed = Some(refused);
                        break 'round;
                    }
                }
            }
        }
        let mut lost = false;
        for (at, ticket) in tickets {
            match ticket.wait() {
                Ok(answer) => {
                    assert!(!lost, "nothing is acknowledged after a failure");
                    assert_eq!(answer.first_sequence, acknowledged + 1);
                    acknowledged += 50;
                    position[at] += 50;
                }
                Err(refused) => (failed, lost) = (Some(refused), true),
            }
        }
        if let Some(refused) = failed {
            break refused;
        }
    };
    let full = |refused: &Refused| matches!(refused, Refused::Stopped(Fault::Journal(why)) if why.contains("disk full"));
    assert!(full(&stopped), "{stopped}");
    assert!(matches!(exchange.fault(), Some(Fault::Journal(_))));
    let refused = exchange.submit(traders[0].signs(vec![random_command(&mut random, 1)])).unwrap_err();
    assert!(full(&refused), "{refused}");
    assert_eq!(exchange.stats().durable, acknowledged);
    // The feed has all that is durable, and ends.
    let mut last = 0;
    let error = loop {
        match feed.next() {
            Ok(message) => last = message.sequence,
            Err(error) => break error,
        }
    };
    assert_eq!(error, FeedError::Ended);
    assert!(last <= acknowledged);
    let error = exchange.shutdown().unwrap_err();
    assert!(error.to_string().contains("disk full"), "{error}");

    fs::remove_file(&ballast).unwrap();
    let (exchange, recovered) = Exchange::open(settings(disk.path()), &genesis(), |_| {}).unwrap();
    // The last group, which was not acknowledged, may be there or not.
    assert!(recovered.last_sequence >= acknowledged, "{} {acknowledged}", recovered.last_sequence);
    for (at, acknowledged) in position.into_iter().enumerate() {
        let stream = exchange.stream(AccountId(at as u32 + 1)).unwrap();
        assert!(stream.position >= acknowledged);
        let mut trader = Trader::join(&exchange, at as u32 + 1, 1);
        for _ in 0..40 {
            let commands = (0..50).map(|_| random_command(&mut random, 1 << 40)).collect();
            exchange.submit_waiting(trader.signs(commands)).unwrap();
        }
    }
    let executed = recovered.last_sequence + 4 * 40 * 50;
    exchange.shutdown().unwrap();
    // Everything is in the journal: it seals into true batches.
    let mut config = settings(disk.path());
    let copy = directory();
    copy_directory(&config.data_dir, copy.path());
    (config.data_dir, config.keep_batches) = (copy.path().to_path_buf(), true);
    let (exchange, recovered) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    assert_eq!(recovered.last_sequence, executed);
    exchange.shutdown().unwrap();
    assert_eq!(published(&check_batches(copy.path(), &genesis())).len() as u64, executed);
}

#[test]
fn a_disk_too_full_for_sealed_batches_stops_sealing_and_says_which() {
    let Some(disk) = SmallDisk::mount() else { return };
    let mut config = settings(disk.path());
    config.keep_batches = true;
    config.batch.commands = 10;
    // The journal has its room from the beginning; batches find half a megabyte.
    config.journal.segment_bytes = 4 << 20;
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 7 << 19]).unwrap();
    let (exchange, _) = Exchange::open(config.clone(), &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let mut trader = Trader::join(&exchange, 1, 1);
    let mut acknowledged = 40;
    let refused = loop {
        match exchange
            .submit_waiting(trader.signs(vec![random_command(&mut Random(acknowledged), acknowledged)]))
        {
            Ok(ticket) => match ticket.wait() {
                Ok(_) => acknowledged += 1,
                Err(refused) => break refused,
            },
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Refused::Stopped(Fault::Sealing { batch, .. }) if batch > 2), "{refused}");
    drop(exchange);
    fs::remove_file(&ballast).unwrap();
    let (exchange, recovered) = Exchange::open(config.clone(), &genesis(), |_| {}).unwrap();
    assert!(recovered.last_sequence >= acknowledged);
    exchange.shutdown().unwrap();
    assert_eq!(published(&check_batches(&config.data_dir, &genesis())).len() as u64, recovered.last_sequence);
}
