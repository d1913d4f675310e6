//! How fast Relevo is, next to what the machine can do, and the laws of the projectors at full size. Two binaries: `bench` and `laws`.
//!
//! `bench` runs parts ([`parts`]): a trace through the real webhook of a real broker ([`load`]), and beside each figure the limit
//! that is taken in the same run ([`limits`]); lists over a view of a made-up log ([`cases`]), next to gRPC alone ([`echo`]). The report
//! is written by [`report`].
#![expect(clippy::unwrap_used, reason = "a harness that cannot go on must say so at once, where it is")]

pub mod cases;
pub mod counts;
pub mod echo;
pub mod limits;
pub mod load;
pub mod log;
pub mod measure;
pub mod parts;
pub mod post;
pub mod procs;
pub mod profile;
pub mod raw;
pub mod rebuild;
pub mod report;
pub mod request;
pub mod rig;
pub mod seen;
pub mod server;
pub mod trace;
pub mod watching;
pub mod wire;
pub mod witness;
pub mod world;

/// Says on standard error how far a run is.
#[expect(clippy::print_stderr, reason = "a harness for the terminal")]
pub fn tell(what: &str) {
    eprintln!("bench: {what}");
}
