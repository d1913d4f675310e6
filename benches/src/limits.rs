//! The limit that stands beside a figure: the same bytes, published raw to a stream of the same server with the same sync setting.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;

use crate::measure::Times;
use crate::wire::Wire;

const STREAM: &str = "BENCH_RAW";
/// Subjects that are published to in turn: entities of a busy day.
const SUBJECTS: u64 = 10_000;

/// What raw publishes came to.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    pub concurrency: usize,
    pub per_s: f64,
    pub times: Times,
}

/// Publishes these payloads in turn for so long, `concurrency` of them on their way at any time, each acknowledged by itself. The
/// stream is made for it and removed again.
pub async fn raw_publish(url: &str, payloads: &[Bytes], concurrency: usize, lasts: Duration) -> io::Result<Raw> {
    let mut wire = Wire::connect(url).await?;
    let stream = json!({ "name": STREAM, "subjects": ["bench.raw.>"], "storage": "file", "num_replicas": 1 });
    wire.ask(&format!("$JS.API.STREAM.CREATE.{STREAM}"), &stream).await?;
    let published = publish(&mut wire, payloads, concurrency, lasts).await;
    wire.ask(&format!("$JS.API.STREAM.DELETE.{STREAM}"), &json!({})).await?;
    published
}

async fn publish(wire: &mut Wire, payloads: &[Bytes], concurrency: usize, lasts: Duration) -> io::Result<Raw> {
    wire.subscribe("_INBOX.raw.*").await?;
    let mut sent: Vec<Instant> = Vec::new();
    let mut out = Vec::new();
    let mut times = Times::default();
    let one = |out: &mut Vec<u8>, sent: &mut Vec<Instant>| {
        let number = sent.len() as u64;
        let payload = &payloads[sent.len() % payloads.len()];
        out.extend_from_slice(
            format!("PUB bench.raw.{} _INBOX.raw.{number} {}\r\n", number % SUBJECTS, payload.len()).as_bytes(),
        );
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
        sent.push(Instant::now());
    };
    let begun = Instant::now();
    for _ in 0..concurrency {
        one(&mut out, &mut sent);
    }
    wire.send(&out).await?;
    let mut ended = begun;
    while times.len() < sent.len() {
        out.clear();
        let mut heard = Some(wire.next().await?);
        // Everything that has come is answered with one write.
        while let Some(ack) = heard {
            let number = ack.subject.rsplit('.').next().and_then(|number| number.parse::<usize>().ok());
            let at = number.and_then(|number| sent.get(number)).ok_or(io::ErrorKind::InvalidData)?;
            if ack.payload.windows(7).any(|seven| seven == b"\"error\"") {
                return Err(io::Error::other(String::from_utf8_lossy(&ack.payload).into_owned()));
            }
            ended = Instant::now();
            times.add(ended.duration_since(*at));
            if begun.elapsed() < lasts {
                one(&mut out, &mut sent);
            }
            heard = wire.waiting().await?;
        }
        wire.send(&out).await?;
    }
    let per_s = times.len() as f64 / ended.duration_since(begun).as_secs_f64();
    Ok(Raw { concurrency, per_s, times })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_publish_is_acknowledged_and_the_stream_is_gone_after() {
        let nats = relevo_testkit::NatsServer::sync_always().await;
        let payloads = [Bytes::from_static(b"one"), Bytes::from(vec![b'x'; 700])];
        for concurrency in [1, 16] {
            let raw = raw_publish(&nats.url(), &payloads, concurrency, Duration::from_millis(100)).await.unwrap();
            assert!(raw.times.len() >= concurrency && raw.per_s > 0.0, "{raw:?}");
        }
        let mut wire = Wire::connect(&nats.url()).await.unwrap();
        assert!(wire.ask(&format!("$JS.API.STREAM.INFO.{STREAM}"), &json!({})).await.is_err());
    }
}
