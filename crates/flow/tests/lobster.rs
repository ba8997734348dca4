//! Recordings: what is read, and what is refused.

use flow::{FlowError, LobsterProblem, LobsterReader, Message, MessageKind, RecordedPrice, RecordedQuote};
use proptest::prelude::*;
use types::{Quantity, Side, Timestamp};

const HEADER: &str = "time,type,order_id,size,price,direction,ask_price,ask_size,bid_price,bid_size\n";

fn read(lines: &str) -> Result<Vec<Message>, FlowError> {
    LobsterReader::new(format!("{HEADER}{lines}").as_bytes())?.collect()
}

fn problem(lines: &str) -> (u64, LobsterProblem) {
    match read(lines) {
        Err(FlowError::Lobster { line, problem }) => (line, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_is_a_message_in_microseconds_of_universal_time() {
    let messages = read("44553.639876151,1,148367296,100,2236600,-1,2236600,100,2235300,400\n").unwrap();
    let quote =
        |price, quantity| Some(RecordedQuote { price: RecordedPrice(price), quantity: Quantity(quantity) });
    assert_eq!(
        messages,
        [Message {
            line: 2,
            // 2012-06-21 12:22:33.639876 in New York, 16:22:33.639876 UTC.
            timestamp: Timestamp(1_340_295_753_639_876),
            kind: MessageKind::Submission,
            order: 148_367_296,
            quantity: Quantity(100),
            price: RecordedPrice(2_236_600),
            side: Side::Sell,
            ask: quote(2_236_600, 100),
            bid: quote(2_235_300, 400),
        }]
    );
}

#[test]
fn columns_may_stand_in_another_order_and_others_between_them() {
    let csv = "bid_size,x,bid_price,ask_size,ask_price,direction,price,size,order_id,type,time\r\n\
               1,?,10,2,20,1,10,1,7,3,5.5\r\n\r\n";
    let messages: Vec<Message> =
        LobsterReader::new(csv.as_bytes()).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].kind, MessageKind::Deletion);
    assert_eq!(messages[0].order, 7);
    assert_eq!(messages[0].bid.unwrap().quantity, Quantity(1));
}

#[test]
fn an_empty_side_has_no_quote() {
    let messages = read("1,1,5,10,100,1,9999999999,0,100,10\n2,3,5,10,100,1,9999999999,0,-9999999999,0\n");
    let messages = messages.unwrap();
    assert_eq!(messages[0].ask, None);
    assert_eq!((messages[1].ask, messages[1].bid), (None, None));
}

#[test]
fn a_hidden_execution_needs_no_order() {
    let messages = read("1,5,0,10,-1,0,200,1,100,1\n").unwrap();
    assert_eq!(messages[0].kind, MessageKind::HiddenExecution);
}

#[test]
fn every_faulty_line_is_an_error_with_its_number() {
    let good = "1.0,1,5,10,100,1,200,1,100,10\n";
    let bad = |column, text: &str| LobsterProblem::BadNumber { column, text: text.to_owned() };
    for (line, expected) in [
        (",1,5,10,100,1,200,1,100,10", LobsterProblem::MissingField("time")),
        ("2,1,5,10,100,1,200,1,100", LobsterProblem::MissingField("bid_size")),
        ("0.9,1,5,10,100,1,200,1,100,10", LobsterProblem::TimeDecreases),
        ("2,8,5,10,100,1,200,1,100,10", LobsterProblem::UnknownType(8)),
        ("-2,1,5,10,100,1,200,1,100,10", bad("time", "-2")),
        ("2.0000000001,1,5,10,100,1,200,1,100,10", bad("time", "2.0000000001")),
        ("2.,1,5,10,100,1,200,1,100,10", bad("time", "2.")),
        ("9999999999,1,5,10,100,1,200,1,100,10", bad("time", "9999999999")),
        ("2,x,5,10,100,1,200,1,100,10", bad("type", "x")),
        ("2,1,-5,10,100,1,200,1,100,10", bad("order_id", "-5")),
        ("2,1,0,10,100,1,200,1,100,10", bad("order_id", "0")),
        ("2,1,5,0,100,1,200,1,100,10", bad("size", "0")),
        ("2,1,5,4294967296,100,1,200,1,100,10", bad("size", "4294967296")),
        ("2,1,5,10,0,1,200,1,100,10", bad("price", "0")),
        ("2,1,5,10,99999999999,1,200,1,100,10", bad("price", "99999999999")),
        ("2,1,5,10,100,2,200,1,100,10", bad("direction", "2")),
        ("2,1,5,10,100,1,0,1,100,10", bad("ask_price", "0")),
        ("2,1,5,10,100,1,200,1,1e2,10", bad("bid_price", "1e2")),
        ("2,1,5,10,100,1,100,1,100,10", LobsterProblem::CrossedQuotes),
    ] {
        let (at, found) = problem(&format!("{good}{line} \n{good}"));
        assert_eq!((at, found), (3, expected), "{line}");
    }
}

#[test]
fn a_line_without_end_is_refused_in_bounded_memory() {
    let endless = format!("{HEADER}{}", "1".repeat(10_000_000));
    let error = LobsterReader::new(endless.as_bytes()).unwrap().next().unwrap().unwrap_err();
    assert!(matches!(error, FlowError::Lobster { line: 2, problem: LobsterProblem::LineTooLong { .. } }));
}

#[test]
fn a_missing_column_is_named() {
    let error = LobsterReader::new(&b"time,type,order_id\n"[..]).err().unwrap();
    assert!(matches!(error, FlowError::Lobster { line: 1, problem: LobsterProblem::MissingColumn("size") }));
    assert!(LobsterReader::new(&b""[..]).is_err());
}

#[test]
fn nothing_follows_an_error() {
    let csv = format!("{HEADER}nonsense\n1.0,1,5,10,100,1,200,1,100,10\n");
    let mut reader = LobsterReader::new(csv.as_bytes()).unwrap();
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none());
}

proptest! {
    #[test]
    fn no_input_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut input = HEADER.as_bytes().to_vec();
        input.extend(bytes);
        for message in LobsterReader::new(&input[..]).unwrap() {
            let _ = message;
        }
    }

    #[test]
    fn no_line_of_numbers_makes_the_reader_panic(fields in proptest::collection::vec("-?[0-9]{0,12}(\\.[0-9]{0,10})?", 10)) {
        let _ = read(&fields.join(","));
    }
}
