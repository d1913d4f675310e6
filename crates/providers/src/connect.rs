//! How a connection is made: in a limited time, and for addresses that strangers chose to public machines alone.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use http::Uri;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::{BoxError, Service};

use crate::http::CONNECT_MAX;

/// The words of the error for a name that leads to private addresses alone.
pub(crate) const NO_PUBLIC_ADDRESS: &str = "the name has no public address";

/// A connector that gives up after [`CONNECT_MAX`], TLS included: a connection that is not there by then has carried nothing.
#[derive(Clone)]
pub(crate) struct Hurried<C>(C);

/// A resolver that answers with public addresses alone. The connection is made to exactly these, so that a name cannot
/// resolve to something else the second time.
#[derive(Clone, Default)]
pub(crate) struct PublicOnly(Resolver);

#[derive(Clone)]
struct Resolver(GaiResolver);

impl Default for Resolver {
    fn default() -> Self {
        Self(GaiResolver::new())
    }
}

type Pinned<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

// === impl Hurried ===

impl<C> Hurried<C> {
    pub(crate) const fn new(connector: C) -> Self {
        Self(connector)
    }
}

impl<C> Service<Uri> for Hurried<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pinned<C::Response, BoxError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let connecting = self.0.call(address);
        Box::pin(async move {
            match tokio::time::timeout(CONNECT_MAX, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time").into()),
            }
        })
    }
}

// === impl PublicOnly ===

impl Service<Name> for PublicOnly {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pinned<Self::Response, io::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.0.0.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.0.0.call(name);
        Box::pin(async move {
            let public: Vec<SocketAddr> = resolving.await?.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, NO_PUBLIC_ADDRESS));
            }
            Ok(public.into_iter())
        })
    }
}

/// Whether an address belongs to the public internet, as far as its number tells. Addresses that carry an IPv4 address inside
/// are judged by that one.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = a == 192 && b == 0 && c == 0;
    let benchmarks = a == 198 && (18..20).contains(&b);
    let reserved = a == 0 || a >= 240;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || shared
        || protocols
        || benchmarks
        || reserved)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inside) = address.to_ipv4_mapped() {
        return is_public_v4(inside);
    }
    let segments = address.segments();
    let [.., high, low] = segments;
    let inside = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        // NAT64.
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_public_v4(inside(high, low)),
        // 6to4.
        [0x2002, high, low, ..] => is_public_v4(inside(high, low)),
        // Global unicast is 2000::/3; in it, 2001::/23 is for protocols and 2001:db8::/32 for books.
        [first, second, ..] => {
            (0x2000..0x4000).contains(&first) && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use hyper_util::client::legacy::connect::dns::Name;
    use tower::Service as _;

    use super::{NO_PUBLIC_ADDRESS, PublicOnly, is_public};
    use crate::http::{CallError, Http, Reach};

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_leads_nowhere() {
        let refused = PublicOnly::default().call(Name::from_str("localhost").unwrap()).await.unwrap_err();
        assert_eq!(refused.to_string(), NO_PUBLIC_ADDRESS);
    }

    #[tokio::test]
    async fn a_machine_that_strangers_may_not_name_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let request = http::Request::get(url).body(bytes::Bytes::new()).unwrap();
        let end = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
        let refused = Http::new().unwrap().open(request, Reach::PublicOnly, end).await.err();
        assert_eq!(refused, Some(CallError::NotSent(NO_PUBLIC_ADDRESS.to_owned())));
        let connected = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
        assert!(connected.is_err(), "somebody connected");
    }

    #[test]
    fn private_loopback_and_other_special_addresses_are_not_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn ordinary_addresses_are_public() {
        for address in [
            "8.8.8.8",
            "157.240.1.60",
            "100.128.0.1",
            "172.32.0.1",
            "2a03:2880:f12f:83:face:b00c::25de",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::",
            "2001:4860:4860::8888",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
