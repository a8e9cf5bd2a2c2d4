//! TLS with a private certificate authority.

use std::path::Path;
use std::sync::Arc;

use iopo_llm::{LlmError, StopCause};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::server::{Act, Server};
use crate::{ask, config, ends, open, options, requests};

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![chain.expect("a certificate")], key.expect("a key"))
        .expect("settings");
    TlsAcceptor::from(Arc::new(server))
}

#[test]
fn a_private_authority_is_trusted_only_if_it_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(Some(acceptor()), |_| Act::Answer("yes".to_owned()));
    let mut settings = config(&server);
    let (_engine, model) = open(&dir.path().join("unknown"), options(), settings.clone());
    let error = ends(&model, &requests("tls", 1));
    let address = matches!(&error, LlmError::Stopped { cause: StopCause::Address, .. });
    assert!(address && error.to_string().contains("certificate"), "{error}");
    assert_eq!(server.asked(), 0);
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/endpoint/tls");
    settings.ca_file = Some(tests.join("ca.pem"));
    let (engine, model) = open(&dir.path().join("known"), options(), settings.clone());
    assert_eq!(ask(&model, "hello").expect("an answer").text, "yes");
    settings.ca_file = Some(tests.join("server.key"));
    let error = engine.model(vec![settings]).expect_err("no certificate");
    assert!(error.to_string().contains("PEM certificates"), "{error}");
}
