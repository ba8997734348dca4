//! `glassbook top`: a running node on a terminal: books, lag, proofs, settlement, health.
//!
//! A thread asks the node over HTTP, as anybody could; the screen shows the last answers. A node that is away, or is no node, is
//! said so and asked again.

mod books;
mod health;
mod node;
mod pipeline;
mod reading;
mod screen;
mod settlement;

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use proving::Millis;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;

use node::{Away, Node};
use reading::Reading;
use screen::Screen;

/// How often it is looked for keys and answers.
const TICK: Duration = Duration::from_millis(50);
/// Between the two readings of `--once`: rates need two.
const APART: Duration = Duration::from_millis(500);

/// Watch a running node
#[derive(Args, Debug)]
#[command(after_help = "\
Keys:
  q, Esc, Ctrl-C   quit                     p, Space   pause, and go on
  Left, Right      choose a market          r          ask now
  1 to 9           choose it by number      + -        ask more or less often
  ?                help

Examples:
  glassbook top                                        the node on this machine
  glassbook top --node https://exchange.example.org    another one
  glassbook top --once                                 one picture as text, for scripts and reports
  watch glassbook top --once --width 80 --height 24    where a terminal cannot be taken over")]
pub struct Options {
    /// The node's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7700")]
    node: String,
    /// Ask this often
    #[arg(long, value_name = "TIME", value_parser = crate::dev::duration, default_value = "1s")]
    every: Duration,
    /// Print one picture as text and end; fails when the node does not answer
    #[arg(long)]
    once: bool,
    /// How wide the picture of --once is, in characters
    #[arg(long, value_name = "COLUMNS", requires = "once", default_value_t = 120)]
    width: u16,
    /// How high the picture of --once is, in lines
    #[arg(long, value_name = "LINES", requires = "once", default_value_t = 40)]
    height: u16,
}

/// The shortest and longest time between readings.
const EVERY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));

/// Shows it until somebody quits.
pub fn run(options: &Options) -> Result<()> {
    let every = options.every.clamp(EVERY.0, EVERY.1);
    let node = Node::new(&options.node)?;
    if options.once {
        return once(node, options);
    }
    ensure!(
        std::io::stdout().is_terminal() && std::io::stdin().is_terminal(),
        "this is no terminal; `glassbook top --once` prints one picture as text"
    );
    let mut screen = Screen::new(node.name(), std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()));
    screen.every(every);
    // Who ends it from outside gets the terminal back, too.
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    ctrlc::set_handler(move || end.store(true, Ordering::Relaxed)).context("signals cannot be watched")?;
    let asker = Asker::start(node, every);
    // Also when something panics, the terminal is as before.
    let mut terminal = ratatui::try_init().context("the terminal cannot be taken over")?;
    let watched = watch(&mut terminal, &mut screen, &asker, every, &ended);
    ratatui::restore();
    watched
}

fn once(mut node: Node, options: &Options) -> Result<()> {
    ensure!(options.width <= 500 && options.height <= 500, "a picture has at most 500 columns and 500 lines");
    let mut screen = Screen::new(node.name(), false);
    let first = node.read();
    let away = first.as_ref().err().map(Away::to_string);
    screen.take(first, Instant::now());
    if away.is_none() {
        thread::sleep(APART);
        screen.take(node.read(), Instant::now());
    }
    let area = Rect::new(0, 0, options.width, options.height);
    let mut picture = Buffer::empty(area);
    screen.draw(area, &mut picture, Millis::now().0);
    let mut out = std::io::stdout().lock();
    for line in screen::text(&picture) {
        writeln!(out, "{line}")?;
    }
    match away {
        Some(why) => bail!("{} does not answer: {why}", screen.node()),
        None => Ok(()),
    }
}

fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    screen: &mut Screen,
    asker: &Asker,
    mut every: Duration,
    ended: &AtomicBool,
) -> Result<()> {
    let mut drawn = Instant::now();
    let mut stale = true;
    while !ended.load(Ordering::Relaxed) {
        while let Ok((answer, at)) = asker.answers.try_recv() {
            screen.take(answer, at);
            stale = true;
        }
        // Ages of what is shown change each second.
        if stale || drawn.elapsed() >= Duration::from_secs(1) {
            terminal.draw(|frame| screen.draw(frame.area(), frame.buffer_mut(), Millis::now().0))?;
            (drawn, stale) = (Instant::now(), false);
        }
        if !event::poll(TICK)? {
            continue;
        }
        stale = true;
        let Event::Key(key) = event::read()? else { continue };
        match wish(key) {
            Wish::Quit => return Ok(()),
            Wish::Pause => asker.pause(screen.pause()),
            Wish::Now => asker.ask(),
            Wish::Faster => {
                every = (every / 2).max(EVERY.0);
                asker.every(every);
            }
            Wish::Slower => {
                every = (every * 2).min(EVERY.1);
                asker.every(every);
            }
            Wish::Market(by) => screen.choose(by),
            Wish::MarketNumber(number) => screen.choose_number(number),
            Wish::Help => screen.help(),
            Wish::Nothing => {}
        }
        screen.every(every);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Quit,
    Pause,
    Now,
    Faster,
    Slower,
    Market(isize),
    MarketNumber(usize),
    Help,
    Nothing,
}

fn wish(key: KeyEvent) -> Wish {
    if key.kind == KeyEventKind::Release {
        return Wish::Nothing;
    }
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Wish::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Wish::Quit,
        KeyCode::Char('p' | ' ') => Wish::Pause,
        KeyCode::Char('r') => Wish::Now,
        KeyCode::Char('+' | '=') => Wish::Faster,
        KeyCode::Char('-') => Wish::Slower,
        KeyCode::Left | KeyCode::BackTab | KeyCode::Char('h') => Wish::Market(-1),
        KeyCode::Right | KeyCode::Tab | KeyCode::Char('l') => Wish::Market(1),
        KeyCode::Char(digit @ '1'..='9') => Wish::MarketNumber(digit as usize - '1' as usize),
        KeyCode::Char('?') | KeyCode::F(1) => Wish::Help,
        _ => Wish::Nothing,
    }
}

/// Asks the node, in a thread of its own: a slow node does not slow the keys.
struct Asker {
    answers: Receiver<(Result<Reading, Away>, Instant)>,
    wishes: SyncSender<Duration>,
    paused: Arc<AtomicBool>,
}

impl Asker {
    fn start(mut node: Node, every: Duration) -> Self {
        let (sender, answers) = mpsc::channel();
        let (wishes, wished) = sync_channel::<Duration>(16);
        let paused = Arc::new(AtomicBool::new(false));
        let resting = Arc::clone(&paused);
        thread::spawn(move || {
            let mut every = every;
            loop {
                if !resting.load(Ordering::Relaxed) && sender.send((node.read(), Instant::now())).is_err() {
                    return;
                }
                match wished.recv_timeout(every) {
                    Ok(Duration::ZERO) | Err(RecvTimeoutError::Timeout) => {}
                    Ok(wish) => every = wish,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        Self { answers, wishes, paused }
    }

    fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
        self.ask();
    }

    fn ask(&self) {
        self.every(Duration::ZERO);
    }

    fn every(&self, every: Duration) {
        // When so many wishes wait, one more makes no difference.
        let _ = self.wishes.try_send(every);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_help_says() {
        let press = |code| wish(KeyEvent::new(code, KeyModifiers::NONE));
        for (code, meant) in [
            (KeyCode::Char('q'), Wish::Quit),
            (KeyCode::Esc, Wish::Quit),
            (KeyCode::Char(' '), Wish::Pause),
            (KeyCode::Right, Wish::Market(1)),
            (KeyCode::Char('3'), Wish::MarketNumber(2)),
            (KeyCode::Char('x'), Wish::Nothing),
        ] {
            assert_eq!(press(code), meant, "{code:?}");
        }
        assert_eq!(wish(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Wish::Quit);
    }
}
