//! `glassbook config`: look at the settings before a node does; and what the settings mean to the parts of a node.

mod apply;
mod overlay;

pub use apply::{collector, exchange, fix, gateway, log_format, settlement};
pub use overlay::overlay;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand};
use settings::{Environment, Loaded, Places, Severity, VARIABLE, file_named};

/// Settings: one TOML file, overrides in the environment
#[derive(Subcommand)]
pub enum Command {
    /// Find everything that is wrong with the settings, and say what to do
    ///
    /// Looks at names, values, what contradicts what, and at the files, folders and ports that are named. Changes nothing.
    /// Exit code 0 when a node starts with them, 1 when not.
    #[command(after_help = "Examples:\n  \
        glassbook config check                        ./glassbook.toml, or the file in $GLASSBOOK_CONFIG\n  \
        glassbook config check --strict new.toml      in a pipeline: warnings count, too\n  \
        glassbook config check --no-ports             beside the node that has the ports")]
    Check(Check),
    /// Print what is in force and where each value comes from; secrets are masked
    #[command(after_help = "Examples:\n  \
        glassbook config show\n  \
        GLASSBOOK_EXCHANGE__QUEUE=100 glassbook config show | grep queue")]
    Show {
        /// The file [default: $GLASSBOOK_CONFIG, or ./glassbook.toml if it is there]
        file: Option<PathBuf>,
    },
    /// Write a file with every key, its meaning and its default, all commented out
    #[command(after_help = "Examples:\n  glassbook config init\n  glassbook config init - | less")]
    Init {
        /// The file, which must not be there; - for standard output
        #[arg(default_value = "glassbook.toml")]
        file: PathBuf,
    },
}

#[derive(Args)]
pub struct Check {
    /// The file [default: $GLASSBOOK_CONFIG, or ./glassbook.toml if it is there]
    file: Option<PathBuf>,
    /// Warnings are problems, too
    #[arg(long)]
    strict: bool,
    /// Do not look whether ports are free
    #[arg(long)]
    no_ports: bool,
}

/// Runs one of the commands.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Check(options) => check(options),
        Command::Show { file } => show(file.as_deref()),
        Command::Init { file } => init(file),
    }
}

fn check(options: &Check) -> Result<()> {
    let (file, loaded) = load(options.file.as_deref(), Places { ports: !options.no_ports })?;
    let mut out = io::stdout().lock();
    for problem in &loaded.problems {
        writeln!(out, "{problem}\n")?;
    }
    let errors = loaded.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = loaded.problems.len() - errors;
    let what = match &file {
        Some(path) => path.display().to_string(),
        None => "no file: the environment and defaults".to_string(),
    };
    match (errors, warnings) {
        (0, 0) => writeln!(out, "{what}: nothing is wrong")?,
        (0, warnings) => writeln!(out, "{what}: a node starts with it; {}", counted(warnings, "warning"))?,
        _ => {}
    }
    let bad = errors + if options.strict { warnings } else { 0 };
    ensure!(bad == 0, "{what}: {}, {}", counted(errors, "problem"), counted(warnings, "warning"));
    Ok(())
}

fn show(file: Option<&Path>) -> Result<()> {
    let (_, loaded) = load(file, Places { ports: false })?;
    write!(io::stdout().lock(), "{}", settings::show(&loaded.entries))?;
    refuse(&loaded)
}

fn init(file: &Path) -> Result<()> {
    let text = settings::example();
    if file == Path::new("-") {
        io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(());
    }
    // It may hold secrets one day.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut made = match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{} is there already; name another file, or - for standard output", file.display())
        }
        other => other.with_context(|| file.display().to_string())?,
    };
    made.write_all(text.as_bytes()).with_context(|| file.display().to_string())?;
    println!(
        "{}: every key with its default; look at it with `glassbook config check {}`",
        file.display(),
        file.display()
    );
    Ok(())
}

/// The settings that are in force and the file they are from, for a command that needs them; refused when something is wrong
/// with them. What is only to be warned of is for the command's log.
pub fn in_force(file: Option<&Path>) -> Result<(Loaded, Option<PathBuf>)> {
    // Ports are found out by those who listen.
    let (file, loaded) = load(file, Places { ports: false })?;
    if !loaded.is_usable() {
        refuse(&loaded)?;
    }
    Ok((loaded, file))
}

/// Says all problems, and fails when there are any but warnings.
fn refuse(loaded: &Loaded) -> Result<()> {
    for problem in &loaded.problems {
        eprintln!("{problem}\n");
    }
    ensure!(loaded.is_usable(), "the settings are wrong; `glassbook config check` says the same");
    Ok(())
}

fn load(file: Option<&Path>, places: Places) -> Result<(Option<PathBuf>, Loaded)> {
    let file = file_named(file);
    if let Some(path) = &file {
        ensure!(
            path.exists(),
            "{} is not there; `glassbook config init` makes one (named by the command line or ${VARIABLE})",
            path.display()
        );
    }
    let mut loaded = settings::load(file.as_deref(), &Environment::of_this_process())?;
    loaded.look_around(places);
    Ok((file, loaded))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
