//! Settings below the command line: what an option says goes first.

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use clap::parser::ValueSource;
use secrecy::ExposeSecret as _;
use settings::{Certainty, Flow, Proofs, Settings};
use verifier::ProofKind;

use crate::dev;

/// Fills in what was not said on the command line.
pub fn overlay(options: &mut dev::Options, said: &ArgMatches, settings: Settings) -> Result<()> {
    let unsaid = |name: &str| said.value_source(name) != Some(ValueSource::CommandLine);
    let Settings { exchange, gateway, chain, availability, proving, dev, .. } = &settings;
    let traders = u32::try_from(dev.traders).context("dev.traders")?;
    // Each by the name of its option.
    macro_rules! fill {
        ($($name:ident: $value:expr,)*) => { $(if unsaid(stringify!($name)) { options.$name = $value; })* };
    }
    fill! {
        data: exchange.data.clone(),
        published: availability.published.clone(),
        flow: match dev.flow {
            Flow::None => dev::Flow::None,
            Flow::Simulate => dev::Flow::Simulate,
        },
        rate: dev.rate,
        traders: traders,
        seed: dev.seed,
        time: dev.run_for,
        proofs: kind(proving.proofs),
        listen: proving.listen,
        port: gateway.listen.port(),
        da_port: availability.listen.port(),
        encrypt: availability.keyring.clone(),
        batch: exchange.batch_commands,
        interval: exchange.batch_interval,
        l1_port: chain.listen.port(),
        block_time: chain.block_time,
        l1: chain.url.as_ref().map(|url| url.expose_secret().to_string()),
        allow_public_network: chain.allow_public_network,
        deposits: match chain.deposits {
            Certainty::Latest => dev::Certainty::Latest,
            Certainty::Safe => dev::Certainty::Safe,
            Certainty::Finalized => dev::Certainty::Finalized,
        },
        no_claims: !chain.claims,
        finality_delay: chain.finality_delay.as_secs(),
    }
    // One of the two: a key that is named on the command line takes the place of either.
    if unsaid("operator_keystore") && unsaid("operator_key") {
        options.operator_keystore = chain.operator_keystore.clone();
    }
    if let (true, Some(key)) = (unsaid("zisk_program_key"), &proving.zisk_program_key) {
        options.keys = key.parse().map_err(anyhow::Error::msg).context("proving.zisk_program_key")?;
    }
    options.settings = settings.into();
    Ok(())
}

fn kind(proofs: Proofs) -> ProofKind {
    match proofs {
        Proofs::Executed => ProofKind::Executed,
        Proofs::Core => ProofKind::Core,
        Proofs::Compressed => ProofKind::Compressed,
        Proofs::Groth16 => ProofKind::Groth16,
        Proofs::Plonk => ProofKind::Plonk,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::{CommandFactory as _, FromArgMatches as _, Parser};
    use settings::Environment;

    use super::*;

    #[derive(Parser)]
    struct Dev {
        #[command(flatten)]
        options: dev::Options,
    }

    fn options(line: &[&str], variables: &[(&str, &str)]) -> dev::Options {
        let matches = Dev::command().get_matches_from([&["glassbook"], line].concat());
        let mut options = Dev::from_arg_matches(&matches).expect("options").options;
        let environment =
            Environment::of(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        let loaded = settings::load(None, &environment).expect("no file");
        overlay(&mut options, &matches, loaded.settings).expect("options");
        options
    }

    /// Without the settings themselves.
    fn shown(options: dev::Options) -> String {
        format!("{:?}", dev::Options { settings: Default::default(), ..options })
    }

    #[test]
    fn defaults_of_the_settings_are_those_that_the_help_shows() {
        let plain = Dev::parse_from(["glassbook"]).options;
        assert_eq!(shown(options(&[], &[])), shown(plain));
    }

    #[test]
    fn the_command_line_goes_before_the_settings() {
        let variables = [
            ("GLASSBOOK_EXCHANGE__BATCH_COMMANDS", "7"),
            ("GLASSBOOK_EXCHANGE__BATCH_INTERVAL", "9s"),
            ("GLASSBOOK_EXCHANGE__DATA", "/d"),
            ("GLASSBOOK_CHAIN__CLAIMS", "false"),
        ];
        let options = options(&["--batch", "5", "--data", "/e"], &variables);
        assert_eq!((options.batch, options.interval.as_secs(), options.no_claims), (5, 9, true));
        assert_eq!(options.data.as_deref(), Some(Path::new("/e")));
        assert!(!options.settings.chain.claims);
    }
}
