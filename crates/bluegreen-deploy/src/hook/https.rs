//! Sends a request by TLS: rustls with ring, and the certificates of this machine, or those in `SSL_CERT_FILE` and
//! `SSL_CERT_DIR`.
//!
//! Not by `reqwest`: its TLS features replace the crypto provider of every client of the program.

use axum::body::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use reqwest::Request;
use rustls::crypto::ring;

use super::http::{MAX_RESPONSE, with_causes};

type Connector = HttpsConnector<HttpConnector>;

/// A connector that trusts the certificates of this machine.
///
/// # Errors
///
/// If there are none.
pub(super) fn connector() -> Result<Connector, String> {
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(ring::default_provider());
    let builder =
        builder.map_err(|error| format!("the trusted certificates of this machine cannot be read: {error}"))?;
    Ok(builder.https_only().enable_http1().build())
}

/// Sends a request, and reads the response. Redirects are not followed.
///
/// # Errors
///
/// The reason, without the URL.
pub(super) async fn exchange(request: Request, connector: Connector) -> Result<(StatusCode, String), String> {
    let body = request
        .body()
        .and_then(|body| body.as_bytes())
        .unwrap_or_default()
        .to_vec();
    let mut converted = http::Request::builder()
        .method(request.method().clone())
        .uri(request.url().as_str())
        .body(Full::from(body))
        .map_err(|_| "its URL is not one of HTTP".to_owned())?;
    // With the user of the URL.
    converted.headers_mut().extend(request.headers().clone());
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let response = client.request(converted).await.map_err(|error| with_causes(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_RESPONSE).collect().await;
    let body = body.map_err(|error| match error.is::<http_body_util::LengthLimitError>() {
        true => format!("the response is longer than {MAX_RESPONSE} bytes"),
        false => with_causes(&*error),
    })?;
    Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::{ClientConfig, RootCertStore, ServerConfig};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// Serves one request by TLS, with a certificate of its own for `localhost`. Returns its URL and its certificate, and
    /// later the request.
    async fn server(
        body: &'static str,
    ) -> (
        String,
        rustls::pki_types::CertificateDer<'static>,
        tokio::task::JoinHandle<String>,
    ) {
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let certificate = issued.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("a key of the certificate");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("a bound socket").port();
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else {
                return String::new();
            };
            let mut request = Vec::new();
            while !request.ends_with(b"{}") {
                assert!(stream.read_buf(&mut request).await.expect("a request") > 0);
            }
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream
                .write_all((head + body).as_bytes())
                .await
                .expect("the client reads");
            stream.flush().await.expect("the client reads");
            String::from_utf8(request).expect("text")
        });
        (format!("https://user:word@localhost:{port}/hook"), certificate, serving)
    }

    fn request(url: &str) -> Request {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        client.post(url).body("{}").build().expect("a request")
    }

    #[tokio::test]
    async fn a_trusted_service_gets_the_request_and_its_response_is_read() {
        let (url, certificate, serving) = server(r#"{"hookStatus": "SUCCEEDED"}"#).await;
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let trusting = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .build();
        let response = exchange(request(&url), trusting).await;
        assert_eq!(
            response,
            Ok((StatusCode::OK, r#"{"hookStatus": "SUCCEEDED"}"#.to_owned()))
        );
        let received = serving.await.expect("the server has served");
        assert!(received.starts_with("POST /hook HTTP/1.1\r\n"), "{received}");
        assert!(received.contains("authorization: Basic dXNlcjp3b3Jk\r\n"), "{received}");
    }

    #[tokio::test]
    async fn a_certificate_that_this_machine_does_not_trust_is_the_reason() {
        let (url, _, serving) = server("").await;
        let error = exchange(request(&url), connector().expect("trusted certificates"))
            .await
            .expect_err("not trusted");
        assert!(
            error.contains("certificate") && !error.contains("word") && !error.contains("/hook"),
            "{error}"
        );
        assert_eq!(serving.await.expect("the server has ended"), "");
    }
}
