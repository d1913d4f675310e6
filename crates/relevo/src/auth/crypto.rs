//! The cryptography under tokens: HMAC, RSA, ECDSA and Ed25519 of `ring`, which the connection to NATS brings along anyway.
//!
//! `jsonwebtoken` asks for a provider; this one signs HS256 and checks HS256, RS256, ES256 and EdDSA, and knows nothing else.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, new_error};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

static RING: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };

/// Makes the process use it. Asking again changes nothing.
pub(super) fn install() {
    // Refused only if it is installed already.
    RING.install_default().ok();
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that the crate asks of a provider")]
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    if *algorithm != Algorithm::HS256 || key.family() != AlgorithmFamily::Hmac {
        return Err(new_error(ErrorKind::UnsupportedAlgorithm));
    }
    Ok(Box::new(Hmac(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))))
}

/// A key of one kind never checks a signature of another: that is what keeps a public key from being used as an HMAC secret.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that the crate asks of a provider")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    match (algorithm, key.family(), key.kind()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
            Ok(Box::new(Hmac(hmac::Key::new(hmac::HMAC_SHA256, secret))))
        }
        (Algorithm::RS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            Ok(Box::new(Public { algorithm: *algorithm, key: PublicKey::Rsa { n: n.clone(), e: e.clone() } }))
        }
        (Algorithm::ES256, AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
            Ok(Box::new(Public { algorithm: *algorithm, key: PublicKey::P256(point.clone()) }))
        }
        (Algorithm::EdDSA, AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => {
            Ok(Box::new(Public { algorithm: *algorithm, key: PublicKey::Ed25519(point.clone()) }))
        }
        _ => Err(new_error(ErrorKind::InvalidAlgorithm)),
    }
}

struct Hmac(hmac::Key);

impl Signer<Vec<u8>> for Hmac {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl JwtSigner for Hmac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hmac {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        hmac::verify(&self.0, message, signature).map_err(|_wrong| SignatureError::new())
    }
}

impl JwtVerifier for Hmac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

struct Public {
    algorithm: Algorithm,
    key: PublicKey,
}

enum PublicKey {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Verifier<Vec<u8>> for Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let checked = match &self.key {
            PublicKey::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            PublicKey::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            PublicKey::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
        };
        checked.map_err(|_wrong| SignatureError::new())
    }
}

impl JwtVerifier for Public {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULUS: &str = concat!(
        "2yxbwKLXYFmHQTvm-Uws3RORBbWjebpH7p9SGHD7Z8PDDDlPymH2k9-2N6HXtot1Ug39Lk0WYPSCnn3--9M4UEu92JmkBPGFbAec1X5v",
        "sC98T6D_uU4n9aTi6-S-pMrl_0482gdd9gL6hafYfcY6O_NzLPvYKTDDUUjdkm-Ss_G3NC59ldCFHi-hT7tn_JiQCeEbsOGGeWyl5u50",
        "Opdua2a-ah8UyrEKBlYgsPrPNb4TeNONeqdwFvWEsdAg8bBwG7UJTrxp1OczPrRJAvivkumhpjVlZZ1hyzJ9Pui7AtmnxPJt92851ixS",
        "f-JwMUg7dUOy9vDeshQvtYCNe6gTfw",
    );
    const MESSAGE: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ0ZXN0In0";
    const SIGNATURE: &str = concat!(
        "F-xngtEn7Kmg7DvQsbEW0u7p8WmoTJrwngqgy5BZkkJjBM6nVzbMBFY_CuroxV_2sL740vdP9wk7FxnEk3j90pi3DOXpovzSDLVWytx9",
        "-R_aej0VkGdUvNt4fa-d_oMYpzmqOg55LEUs9n8lFL036EUfc3YXUDjqVoWRWR0oDFIp295B4Fq1GwEiurUO3-sjNtHCaVBntis7oXAb",
        "1_ITVcYDoj6X8fWh-L_vfGGi9FLskb_b2kER4Df85ULTWr9HwlEKvX2nKjPeLIJbUVwkwYnx8i3LFKgzCOC_ZoAlJUvtZOOXByROKXXP",
        "NetLJeshjLYwI9xDzcNkaGuVIxa-Lg",
    );

    /// The signature was made by another implementation.
    #[test]
    fn rs256_checks_what_others_have_signed_and_nothing_else() {
        install();
        let key = DecodingKey::from_rsa_components(MODULUS, "AQAB").unwrap();
        let good = |signature: &str, message: &str, algorithm| {
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm)
        };
        assert!(good(SIGNATURE, MESSAGE, Algorithm::RS256).unwrap());
        assert!(!good(SIGNATURE, "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ0ZXN1In0", Algorithm::RS256).unwrap());
        assert!(!good(&SIGNATURE.replace("F-x", "G-x"), MESSAGE, Algorithm::RS256).unwrap());
        assert!(!good("", MESSAGE, Algorithm::RS256).unwrap());
        for other in [Algorithm::HS256, Algorithm::RS384, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
            assert!(good(SIGNATURE, MESSAGE, other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn only_hs256_is_signed_and_only_with_a_secret() {
        install();
        let key = EncodingKey::from_secret(&[1; 32]);
        assert!(jsonwebtoken::crypto::sign(b"m", &key, Algorithm::HS256).is_ok());
        for other in [Algorithm::HS384, Algorithm::RS256, Algorithm::EdDSA] {
            assert!(jsonwebtoken::crypto::sign(b"m", &key, other).is_err(), "{other:?}");
        }
        assert!(jsonwebtoken::crypto::sign(b"m", &EncodingKey::from_ed_der(&[1; 32]), Algorithm::HS256).is_err());
    }
}
