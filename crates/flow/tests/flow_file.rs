//! The flow file: round trip, golden bytes, and everything that is refused.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use flow::{
    FileProblem, FlowError, FlowItem, FlowOrigin, FlowReader, FlowWriter, Simulation, SimulationOptions,
};
use proptest::prelude::*;
use types::{AccountId, ClientOrderId, Command, MarketId, OrderRef, Timestamp};

fn simulated(commands: u64) -> (rules::Genesis, Vec<FlowItem>) {
    let options = SimulationOptions { commands, makers: 2, accounts: 7, ..SimulationOptions::default() };
    let simulation = Simulation::new(options).unwrap();
    (*simulation.genesis(), simulation.collect())
}

fn write(genesis: &rules::Genesis, items: &[FlowItem]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = FlowWriter::create(&mut bytes, genesis, Some(items.len() as u64)).unwrap();
    for item in items {
        writer.write(item.clone()).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), items.len() as u64);
    bytes
}

fn read(bytes: &[u8]) -> Result<Vec<FlowItem>, FlowError> {
    FlowReader::new(bytes)?.collect()
}

fn problem(bytes: &[u8]) -> (u64, FileProblem) {
    match read(bytes) {
        Err(FlowError::File { offset, problem }) => (offset, problem),
        other => panic!("{:?}", other.map(|items| items.len())),
    }
}

fn small() -> Vec<u8> {
    let (genesis, _) = simulated(0);
    let item = |timestamp, account, command| FlowItem {
        timestamp: Timestamp(timestamp),
        account: AccountId(account),
        origin: FlowOrigin::Session,
        command,
    };
    let cancel = Command::Cancel { market: MarketId(1), order: OrderRef::Client(ClientOrderId(300)) };
    write(
        &genesis,
        &[item(1_000, 1, cancel), item(1_000, 2, Command::MassCancel { market: None, side: None })],
    )
}

#[test]
fn what_was_written_is_read() {
    let (genesis, items) = simulated(2_000);
    let bytes = write(&genesis, &items);
    let mut reader = FlowReader::new(&bytes[..]).unwrap();
    assert_eq!(reader.genesis(), &genesis);
    assert_eq!(reader.expected(), Some(items.len() as u64));
    let again: Vec<FlowItem> = reader.by_ref().collect::<Result<_, _>>().unwrap();
    assert_eq!(again, items);
    assert_eq!(reader.commands_read(), items.len() as u64);
}

#[test]
fn the_bytes_never_change() {
    let golden = concat!(
        "894742464c4f570a015d", // magic, version, length of the genesis
        "b90acbbe95e85eafc1adc2fddaf607533a91b06b66380880801005058080",
        "287e4a979561bc32aaec45867fd2284ea46f8d954bafc53223a70cd62a5b",
        "be9dcc15a8544a47486f5897d42e4a5a4e2827b905a077ffffffffffffffffff01",
        "02",                   // two commands are expected
        "09e8070100020101ac02", // cancel the client order 300 in market 1
        "050002000400",         // cancel everything
        "0002",                 // the end, after two commands
    );
    assert_eq!(hex::encode(small()), golden);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = small();
    for length in 0..bytes.len() {
        let (offset, _) = problem(&bytes[..length]);
        assert!(offset <= length as u64, "{length}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(problem(&longer), (longer.len() as u64 - 1, FileProblem::TrailingBytes));
}

#[test]
fn other_files_versions_and_counts_are_named() {
    let bytes = small();
    assert_eq!(problem(b"time,type,order_id"), (0, FileProblem::BadMagic));
    let mut other = bytes.clone();
    other[8] = 2;
    assert_eq!(problem(&other), (8, FileProblem::UnsupportedVersion { found: 2, supported: 1 }));
    let mut other = bytes.clone();
    *other.last_mut().unwrap() = 3;
    assert_eq!(problem(&other), (bytes.len() as u64 - 1, FileProblem::WrongCount { stated: 3, found: 2 }));
    let mut other = bytes[..8].to_vec();
    other.extend([0x81, 0x00]);
    assert!(matches!(problem(&other), (8, FileProblem::BadLength { .. })));
}

#[test]
fn nothing_follows_an_error() {
    let mut bytes = small();
    let length = bytes.len();
    bytes.truncate(length - 4);
    let mut reader = FlowReader::new(&bytes[..]).unwrap();
    assert!(reader.by_ref().any(|item| item.is_err()));
    assert!(reader.next().is_none());
}

#[test]
fn the_content_says_what_a_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.bin");
    std::fs::write(&path, small()).unwrap();
    assert!(matches!(flow::open(&path), Ok(flow::Source::Flow(_))));
    std::fs::write(
        &path,
        "time,type,order_id,size,price,direction,ask_price,ask_size,bid_price,bid_size\n\
         1.0,1,10,100,20000,1,30000,50,20000,100\n",
    )
    .unwrap();
    let mut source = flow::open(&path).unwrap();
    assert!(matches!(source, flow::Source::Lobster(_)));
    assert_eq!(source.progress().total, Some(1));
    let count = source.by_ref().map(Result::unwrap).count();
    assert!(count > 2);
    assert_eq!(source.progress().done, 1);
    assert_eq!(source.agreement().unwrap().submissions, 1);
    for content in [&b""[..], b"hello", b"\x89PNG\r\n", &[b','; 5_000]] {
        std::fs::write(&path, content).unwrap();
        assert!(matches!(flow::open(&path), Err(FlowError::UnknownFormat)));
    }
    assert!(matches!(flow::open(&folder.path().join("none")), Err(FlowError::Open { .. })));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = small();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(items) = read(&bytes) {
            // Whatever is accepted has one encoding: only the header's numbers can differ.
            prop_assert!(items.len() == 2);
        }
    }
}
