//! Prints how far the reconstruction of a recording agrees with it.

use std::fs::File;
use std::io::BufReader;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: agreement RECORDING")?;
    let mut flow = flow::Reconstruction::new(flow::Recording::read(BufReader::new(File::open(path)?))?);
    let commands = flow.by_ref().count();
    println!("{commands} commands\n{:#?}", flow.agreement());
    Ok(())
}
