//! TLS. The certificate and key beside this file are for this test only.

use std::path::Path;
use std::sync::Arc;

use gateway::settings::Tls;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::kit::*;

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/binance").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_it_speaks_tls_and_nothing_else() {
    let (certificate, key) = (file("test-certificate.pem"), file("test-key.pem"));
    let tls = Tls { certificate: certificate.clone(), key };
    let site = site_with(0, |settings| settings.tls = Some(tls)).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(site.server.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream
        .write_all(b"GET /api/v3/ping HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("strict-transport-security"), "{answer}");
    let plain = site.get("/api/v3/ping").await;
    assert_eq!(plain.status, 0, "{plain:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_certificate_or_key_is_an_error_at_the_start() {
    let site = site().await;
    for (certificate, key) in
        [("none.pem", "test-key.pem"), ("test-certificate.pem", "main.rs"), ("kit.rs", "test-key.pem")]
    {
        let tls = Some(Tls { certificate: file(certificate), key: file(key) });
        let directory = tempfile::tempdir().unwrap();
        let settings =
            gateway::Settings { tls, directory: directory.path().join("g"), ..gateway::Settings::default() };
        let (exchange, view) = (site.world.exchange.clone(), site.world.view.clone());
        let gateway = gateway::Gateway::open(settings, exchange, view).unwrap();
        let started = gateway::Server::start(gateway, axum::Router::new()).await;
        assert!(matches!(started, Err(gateway::GatewayError::Tls { .. })), "{certificate} {key}");
    }
}
