//! The first help: commands in groups, by what somebody wants.

use clap::Command;
use clap::error::{ContextKind, ContextValue};

/// What people want, and the commands for it.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Run an exchange", &["dev", "config", "top", "prove", "recover"]),
    ("Your money and your proofs", &["l1", "balance", "receipt", "verify"]),
    ("Look at what an exchange wrote", &["batch", "journal", "da"]),
    ("Try and measure the core alone", &["simulate", "replay", "bench"]),
    ("For operators", &["operator"]),
];

/// A beginning.
const EXAMPLES: &str = "\
Start with:
  glassbook dev                            a whole exchange on this machine, with simulated traders
  glassbook top                            watch it, in another terminal
  glassbook dev --data DIR                 keep it, and go on from there
  glassbook config init                    a settings file with every key

Prove that nobody has to trust it:
  glassbook batch verify DIR/exchange/batches/*.batch
  glassbook receipt DIR/exchange/batches/000000000001.batch --sequence 7

`glassbook COMMAND --help` has examples of each. The book in docs/ explains what you see.";

/// The command with its commands in groups.
pub fn grouped(command: Command) -> Command {
    let width = command.get_subcommands().map(|of| of.get_name().len()).max().unwrap_or(0);
    let mut text = String::new();
    for (title, names) in GROUPS {
        text.push_str(&format!("{title}:\n"));
        for of in names.iter().filter_map(|name| command.find_subcommand(name)) {
            let about = of.get_about().map(ToString::to_string).unwrap_or_default();
            text.push_str(&format!("  {:width$}  {about}\n", of.get_name()));
        }
        text.push('\n');
    }
    text.push_str(EXAMPLES);
    command
        .help_template("{about-with-newline}\n{usage-heading} {usage}{after-help}\n\nOptions:\n{options}")
        .after_help(text)
}

/// A mistyped command is told the one that was meant, also when two letters are swapped.
pub fn suggest(mut error: clap::Error, names: &[String]) -> clap::Error {
    let typed = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(typed)) if error.get(ContextKind::SuggestedSubcommand).is_none() => typed,
        _ => return error,
    };
    if let Some(near) = settings::nearest(typed, names.iter().map(String::as_str)) {
        let near = ContextValue::Strings(vec![near.to_string()]);
        error.insert(ContextKind::SuggestedSubcommand, near);
    }
    error
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let command = crate::Cli::command();
        let all: BTreeSet<&str> = command.get_subcommands().map(Command::get_name).collect();
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        assert_eq!(all, grouped.iter().copied().collect::<BTreeSet<_>>());
        assert_eq!(all.len(), grouped.len());
    }

    #[test]
    fn a_mistyped_command_finds_the_one_that_was_meant() {
        let command = grouped(crate::Cli::command());
        let names: Vec<String> = command.get_subcommands().map(|of| of.get_name().to_string()).collect();
        let said = |typed: &str| {
            let error = command.clone().try_get_matches_from(["glassbook", typed]).expect_err(typed);
            suggest(error, &names).to_string()
        };
        for (typed, meant) in
            [("tpo", "'top'"), ("dve", "'dev'"), ("confg", "'config'"), ("recovre", "'recover'")]
        {
            assert!(said(typed).contains(meant), "{}", said(typed));
        }
        assert!(!said("frobnicate").contains("similar"), "{}", said("frobnicate"));
    }

    #[test]
    fn help_is_as_wide_as_a_terminal_and_the_command_line_is_consistent() {
        let mut command = grouped(crate::Cli::command());
        command.clone().debug_assert();
        let help = command.render_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= 110, "{line}");
        }
        assert!(help.contains("glassbook top"), "{help}");
    }

    #[test]
    fn what_examples_name_exists() {
        let command = grouped(crate::Cli::command());
        let mut texts = vec![EXAMPLES.to_string()];
        collect(&command, &mut texts);
        for text in texts {
            for line in text.lines() {
                let mut words = line.split_whitespace().skip_while(|word| *word != "glassbook").skip(1);
                let Some(name) = words.next().filter(|name| {
                    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                }) else {
                    continue;
                };
                let sub = command.find_subcommand(name).unwrap_or_else(|| panic!("{line}"));
                // Of those that take a file or a folder instead, what follows is one.
                let takes = sub.get_positionals().next().is_some();
                let mut of = sub;
                while of.has_subcommands()
                    && let Some(name) = words.clone().next().map(|word| word.trim_end_matches(','))
                {
                    of = match of.find_subcommand(name) {
                        Some(inner) => inner,
                        None if takes => break,
                        None => panic!("{line}"),
                    };
                    words.next();
                }
                for option in words.filter_map(|word| word.strip_prefix("--")) {
                    let option = option.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                    assert!(
                        of.get_arguments().any(|argument| argument.get_long() == Some(option)),
                        "{line}: --{option}"
                    );
                }
            }
        }
    }

    fn collect(command: &Command, texts: &mut Vec<String>) {
        texts.extend(command.get_after_help().map(ToString::to_string));
        for of in command.get_subcommands() {
            collect(of, texts);
        }
    }
}
