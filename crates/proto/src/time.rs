//! Times on the wire: our milliseconds as google.protobuf.Timestamp and back.

use prost_types::Timestamp as Wire;
use relevo_domain::Timestamp;

const NANOS_PER_MILLI: i32 = 1_000_000;

/// The time as the API writes it.
pub fn to_wire(time: Timestamp) -> Wire {
    let millis = time.as_millis();
    // The remainder is below 1000, so it fits.
    let nanos = i32::try_from(millis.rem_euclid(1000)).unwrap_or(0) * NANOS_PER_MILLI;
    Wire { seconds: millis.div_euclid(1000), nanos }
}

/// The time that the API wrote; below a millisecond is cut off.
pub fn from_wire(time: Wire) -> Timestamp {
    let millis = time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos / NANOS_PER_MILLI));
    Timestamp::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_before_the_epoch_too() {
        for millis in [0, 1, -1, 999, -999, -1000, 1_760_000_000_123, -62_135_596_800_000] {
            let wire = to_wire(Timestamp::from_millis(millis));
            assert!((0..1_000_000_000).contains(&wire.nanos), "{wire:?}");
            assert_eq!(from_wire(wire), Timestamp::from_millis(millis));
        }
    }
}
