//! Realistic order flow of any length from a seed.
//!
//! What is reproduced are the stylised facts of electronic markets: arrivals come in bursts (a self-exciting
//! process under a Markov-modulated regime; Hawkes 1971, Bacry et al. 2015), sizes have a power-law tail and
//! favour round lots (Gopikrishnan et al. 2000), most orders are cancelled, and a few market makers send most
//! of the messages. Nobody in it sees what the matching does: a cancel of an order that has traded meanwhile
//! comes too late and is rejected, as in real life.
//!
//! The same options give the same flow on every machine: only additions, multiplications, divisions and square
//! roots of floating-point numbers are used, which IEEE 754 defines to the last bit.

mod arrivals;
mod latent_price;
mod market_makers;
mod noise_traders;
mod random;
mod simulation;
mod world;

pub use simulation::{Simulation, SimulationOptions};
