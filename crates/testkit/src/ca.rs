//! A certificate authority of a test's own, and certificates by it for servers on loopback.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// The names that a server's certificate is good for.
const SERVER_NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// An authority that nobody trusts but who is given its certificate.
pub struct TestCa {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate with its key, both PEM.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    pub certificate_pem: String,
    pub key_pem: String,
}

impl TestCa {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "Relevo test authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// The authority's certificate, PEM: what a client has to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for `localhost` and `127.0.0.1`.
    pub fn server(&self) -> ServerCertificate {
        self.server_named(&SERVER_NAMES)
    }

    /// A certificate for other names, for a client that has to notice.
    pub fn server_named(&self, names: &[&str]) -> ServerCertificate {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Relevo test server");
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        ServerCertificate { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() }
    }
}

impl Default for TestCa {
    fn default() -> Self {
        Self::new()
    }
}
