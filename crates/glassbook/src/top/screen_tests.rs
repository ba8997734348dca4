//! What is drawn of answers that were recorded, served over HTTP as a node does.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::top::node::Node;

/// When the answers were recorded, in milliseconds since 1970.
const THEN: u64 = 1_764_421_200_000;

type Answers = HashMap<&'static str, (u16, String)>;

fn recorded() -> Answers {
    HashMap::from([
        ("/api/v3/exchangeInfo", (200, include_str!("recorded/exchangeInfo.json").to_string())),
        ("/api/v3/depth", (200, include_str!("recorded/depth.json").to_string())),
        ("/api/v3/ticker/24hr", (200, include_str!("recorded/day.json").to_string())),
        ("/api/glassbook/v1/exchange", (200, include_str!("recorded/exchange.json").to_string())),
        ("/api/glassbook/v1/batches", (200, include_str!("recorded/batches.json").to_string())),
        ("/readyz", (200, include_str!("recorded/readyz.json").to_string())),
        ("/metrics", (200, include_str!("recorded/metrics.txt").to_string())),
    ])
}

/// Serves answers, and is gone with the process.
fn serve(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let mut asked = String::new();
            reader.read_line(&mut asked).expect("a request");
            let mut line = String::new();
            while reader.read_line(&mut line).expect("a header") > 2 {
                line.clear();
            }
            let path = asked.split([' ', '?']).nth(1).expect("a path");
            let (status, body) = answers.get(path).cloned().unwrap_or((404, String::new()));
            let head =
                format!("HTTP/1.1 {status} .\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = reader.get_mut().write_all(format!("{head}{body}").as_bytes());
        }
    });
    format!("http://{address}")
}

fn screen_of(answers: Answers) -> Screen {
    let url = serve(answers);
    let mut screen = Screen::new("http://node", true);
    screen.take(Node::new(&url).expect("an address").read(), Instant::now());
    screen
}

fn drawn(screen: &Screen, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| screen.draw(frame.area(), frame.buffer_mut(), THEN)).expect("drawn");
    text(terminal.backend().buffer()).join("\n")
}

#[track_caller]
fn assert_has(picture: &str, parts: &[&str]) {
    for part in parts {
        assert!(picture.contains(part), "{part:?} is not in\n{picture}");
    }
}

#[test]
fn books_lag_batches_custody_and_health_are_on_one_screen() {
    let picture = drawn(&screen_of(recorded()), 120, 40);
    assert_has(
        &picture,
        &[
            "chain 1337  NOT PROVED, batches are executed again",
            "● degraded",
            "1 BTCUSD",
            "3 SOLUSD",
            "64250  -1.154%  12,345 trades",
            "63900–65100  vol 123.4567",
            "── spread 3 ──",
            "executed    41,234",
            "not durable 2",
            "not sealed  2",
            "journal     9 MiB",
            "42 sealed, 39 final",
            "3, the oldest for 1m15s",
            "custody     = owed, at block 1,204",
            "✓ engine      41,234 commands",
            "! chain",
            "→ look at chain.url",
            "     42      230 ■····· sealed         0.3s         –",
            "     41    1,000 ■■···· committing     0.5s         –",
            "the node does not answer; it is tried again",
            "     40    1,000 ■■■■■· confirmed        2s     1,205",
            "     39    1,000 ■■■■■■ final            5s     1,204  NOT PROVED",
        ],
    );
}

#[test]
fn the_best_prices_stand_next_to_the_spread() {
    let picture = drawn(&screen_of(recorded()), 60, 40);
    let lines: Vec<&str> = picture.lines().collect();
    let middle = lines.iter().position(|line| line.contains("spread 3")).expect("a spread");
    assert!(lines[middle - 1].contains("64253") && lines[middle + 1].contains("64250"), "{picture}");
    // The largest quantity has the longest bar.
    let bar = |price: &str| {
        lines.iter().find(|line| line.contains(price)).map_or(0, |line| line.matches('█').count())
    };
    assert!(bar("64260") > bar("64249") && bar("64249") > bar("64250"), "{picture}");
}

#[test]
fn what_fits_is_shown_at_any_size() {
    let screen = screen_of(recorded());
    for width in [1, 20, 49, 50, 80, 99, 100, 160, 300] {
        for height in [1, 5, 13, 14, 20, 30, 60] {
            let picture = drawn(&screen, width, height);
            if width >= 20 && (width < 50 || height < 14) && height >= 5 {
                assert!(picture.contains("needs"), "{width}×{height}\n{picture}");
            }
        }
    }
    assert_has(&drawn(&screen, 80, 40), &["1 BTCUSD", "exchange", "settlement", "health"]);
}

#[test]
fn the_chosen_market_is_shown_when_not_all_have_room() {
    let mut screen = screen_of(recorded());
    assert!(!drawn(&screen, 60, 30).contains("3 SOLUSD"));
    screen.choose(-1);
    assert_has(&drawn(&screen, 60, 30), &["3 SOLUSD"]);
    screen.choose_number(0);
    screen.choose_number(7);
    assert_has(&drawn(&screen, 60, 30), &["1 BTCUSD"]);
}

#[test]
fn a_node_that_is_away_is_said_so_and_the_last_answers_stay() {
    let mut screen = screen_of(recorded());
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let mut node = Node::new(&format!("http://{gone}")).expect("an address");
    for _ in 0..3 {
        screen.take(node.read(), Instant::now());
    }
    let picture = drawn(&screen, 120, 40);
    assert_has(&picture, &["AWAY", "asked 3 times", "refused", "what is shown is", "64250"]);
    let mut fresh = Screen::new("http://node", true);
    fresh.take(node.read(), Instant::now());
    assert_has(&drawn(&fresh, 120, 40), &["http://node does not answer", "glassbook dev"]);
}

#[test]
fn a_stranger_is_not_taken_for_a_node() {
    let answers = HashMap::from([("/metrics", (200, "<html>hello</html>".to_string()))]);
    let error = Node::new(&serve(answers)).expect("an address").read().expect_err("no node");
    assert!(matches!(error, Away::Stranger(_)), "{error}");
}

#[test]
fn what_a_node_does_not_serve_is_said_in_its_place() {
    let mut answers = recorded();
    answers.remove("/readyz");
    answers.insert("/api/v3/depth", (404, String::new()));
    answers.insert("/api/glassbook/v1/batches", (200, "{\"not\":\"a list\"}".to_string()));
    let picture = drawn(&screen_of(answers), 160, 40);
    assert_has(
        &picture,
        &["not understood", "does not serve it (404)", "executed    41,234", "health unknown"],
    );
}

#[test]
fn a_node_that_was_asked_too_often_is_left_alone_for_a_while() {
    let mut answers = recorded();
    answers.insert("/api/v3/depth", (429, String::new()));
    let url = serve(answers);
    let mut node = Node::new(&url).expect("an address");
    let mut screen = Screen::new("http://node", true);
    for _ in 0..2 {
        screen.take(node.read(), Instant::now());
        let picture = drawn(&screen, 160, 40);
        assert_has(&picture, &["asked too often (429); asked again in", "executed    41,234", "✓ engine"]);
    }
    let (reading, _) = screen.last.as_ref().expect("a reading");
    // What was to be asked after it was not asked.
    assert!(reading.batches.as_ref().is_err_and(|why| why.contains("429")), "{:?}", reading.batches);
}

#[test]
fn everything_is_on_a_small_terminal_and_nothing_is_cut_off_that_matters() {
    let picture = drawn(&screen_of(recorded()), 80, 24);
    assert_has(
        &picture,
        &[
            "NOT PROVED  13:00:00 UTC",
            "● degraded",
            "64250 ── spread 3 ── 64253",
            "24h 63900–65100  vol 123.4567 BTC",
            "executed    41,234",
            "not final   3, the oldest for 1m15s",
            "     42 ■····· sealed         0.3s",
            "     39 ■■■■■■ final            5s",
            "! chain",
            "✓\u{a0}engine",
            "every 1 s",
        ],
    );
    // A low but wide one.
    let picture = drawn(&screen_of(recorded()), 120, 24);
    assert_has(&picture, &["spread 3", "✓\u{a0}engine", "! chain", "■····· sealed", "NOT PROVED"]);
    let mut answers = recorded();
    let names = ["exchange", "lag", "settlement", "custody", "disk", "view"];
    let checks = names.map(|name| format!(r#"{{"name":"{name}","status":"ok","detail":"good"}}"#)).join(",");
    answers.insert("/readyz", (200, format!(r#"{{"status":"ok","checks":[{checks}]}}"#)));
    let fine = screen_of(answers);
    for (width, height) in [(60, 20), (80, 24), (100, 24), (120, 30)] {
        let picture = drawn(&fine, width, height);
        assert!(names.iter().all(|name| picture.contains(name)), "{width}×{height}\n{picture}");
    }
    let whole = drawn(&screen_of(recorded()), 140, 40);
    assert_has(&whole, &["attested: executed again, NOT PROVED"]);
}

#[test]
fn prices_have_as_many_digits_as_the_market() {
    let mut answers = recorded();
    let info = r#"{"symbols":[{"symbol":"BTCUSD","status":"HALT","baseAsset":"BTC","filters":[
        {"filterType":"PRICE_FILTER","tickSize":"1.00000000"},{"filterType":"LOT_SIZE","stepSize":"0.00100000"}]}]}"#;
    answers.insert("/api/v3/exchangeInfo", (200, info.to_string()));
    let depth = r#"{"bids":[["64250.00000000","0.40000000"]],"asks":[["64253.00000000","12.20000000"]]}"#;
    answers.insert("/api/v3/depth", (200, depth.to_string()));
    let picture = drawn(&screen_of(answers), 80, 40);
    assert_has(
        &picture,
        &["      64250      0.400", "      64253     12.200", "── spread 3 ──", "BTCUSD ─ HALTED "],
    );
}

#[test]
fn what_is_shown_says_how_old_it_is() {
    let mut screen = screen_of(recorded());
    let (reading, at) = screen.last.take().expect("a reading");
    let then = at.checked_sub(Duration::from_secs(75)).expect("a time");
    screen.last = Some((reading, then));
    assert_has(&drawn(&screen, 120, 40), &["SLOW, 1m15s old", "12:58:45 UTC"]);
    screen.pause();
    assert_has(&drawn(&screen, 120, 40), &["PAUSED, 1m15s old"]);
    screen.pause();
    screen.every(Duration::from_secs(60));
    assert_has(&drawn(&screen, 120, 40), &["● degraded", "every 60 s"]);
}

#[test]
fn a_node_that_is_down_tells_why_although_it_answers_503() {
    let mut answers = recorded();
    let down = r#"{"status":"down","checks":[{"name":"engine","status":"down","why":"the disk is full","remedy":"make room"}]}"#;
    answers.insert("/readyz", (503, down.to_string()));
    answers.insert(
        "/metrics",
        (200, "glassbook_exchange_stopped 1\nglassbook_settlement_halted 1\n".to_string()),
    );
    let picture = drawn(&screen_of(answers), 120, 40);
    assert_has(&picture, &["● down", "the disk is full", "→ make room", "STOPPED", "HALTED"]);
}

#[test]
fn commands_a_second_come_from_two_readings() {
    let mut first = recorded();
    first.insert("/metrics", (200, "glassbook_commands_executed_total 1000\n".to_string()));
    let mut screen = screen_of(first);
    let (_, at) = screen.last.clone().expect("a reading");
    let url = serve(recorded());
    screen.take(Node::new(&url).expect("an address").read(), at + Duration::from_secs(2));
    assert_has(&drawn(&screen, 120, 40), &["executed    41,234  20,117/s"]);
}

#[test]
fn without_colours_there_are_none_and_what_a_node_says_cannot_steer_the_terminal() {
    let mut answers = recorded();
    let evil =
        r#"{"status":"ok","checks":[{"name":"\u001b[2J","status":"ok","detail":"\u001b]0;title\u0007"}]}"#;
    answers.insert("/readyz", (200, evil.to_string()));
    let mut screen = screen_of(answers);
    screen.colours = false;
    let area = Rect::new(0, 0, 120, 40);
    let mut picture = Buffer::empty(area);
    screen.draw(area, &mut picture, THEN);
    assert!(picture.content.iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    assert!(!text(&picture).concat().chars().any(char::is_control));
}

#[test]
fn help_lies_over_the_rest() {
    let mut screen = screen_of(recorded());
    screen.help();
    assert_has(&drawn(&screen, 120, 40), &["choose a market", "not durable: commands"]);
    assert_has(&drawn(&screen, 50, 14), &["help"]);
}
