//! The HTTP server: one port for everything, with bounds on what a connection may do before anybody is known.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::counters::count;
use crate::limits::Place;
use crate::settings::Tls;
use crate::unread::Unread;
use crate::{Gateway, GatewayError, binance};

/// How long the handshake of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long connections have to end when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long to wait after accepting failed, as it does when there are no file descriptors left.
const RECOVER: Duration = Duration::from_millis(50);

/// Bytes that are read of a WebSocket at once. Each connection holds as many, so the library's 128 KiB would be most of what
/// it costs; larger messages take several reads.
pub(crate) const READ_AT_ONCE: usize = 4 << 10;

/// What pages may load, unless a page says otherwise: only what comes from here.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A running server. Dropping it does not end it; [`Server::stop`] does.
pub struct Server {
    address: SocketAddr,
    gateway: Arc<Gateway>,
    accepting: JoinHandle<()>,
    records: JoinHandle<()>,
}

/// Who calls: an extension of every request.
#[derive(Clone)]
pub struct ClientAddress {
    /// What trusted proxies say, or else the peer.
    pub address: IpAddr,
    /// The connection's place among all; a WebSocket keeps it for as long as it lives, and so does a stream of events.
    #[expect(dead_code, reason = "held, not read")]
    place: Arc<Place>,
    /// The caller's place among his own, where the connection is a proxy's.
    #[expect(dead_code, reason = "held, not read")]
    behind: Option<Arc<Place>>,
}

impl Server {
    /// Listens, and serves Binance's protocol beside the routes in `extra` (the native API, pages, metrics), which get the
    /// same limits, headers and timeouts. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When the address is taken, or certificate or key do not serve.
    pub async fn start(gateway: Arc<Gateway>, extra: Router) -> Result<Self, GatewayError> {
        let settings = &gateway.settings;
        let tls = settings.tls.as_ref().map(acceptor).transpose()?;
        let routes = router(&gateway, extra)?;
        let failed = |source| GatewayError::Listen { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let accepting = tokio::spawn(accept(Arc::clone(&gateway), listener, tls, routes));
        let records = tokio::spawn(Arc::clone(&gateway).keep_records());
        tracing::info!(%address, tls = settings.tls.is_some(), "the gateway listens");
        Ok(Self { address, gateway, accepting, records })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets answers that are under way end, and returns when all is done.
    pub async fn stop(self) {
        self.gateway.stop();
        let _ = self.accepting.await;
        let _ = self.records.await;
        let waited = async {
            while self.gateway.connections.count() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(FAREWELL, waited).await.is_err() {
            tracing::warn!(connections = self.gateway.connections.count(), "connections did not end in time");
        }
    }
}

/// All routes, in the layers that every request passes.
fn router(gateway: &Arc<Gateway>, extra: Router) -> Result<Router, GatewayError> {
    let settings = &gateway.settings;
    let routes = binance::router(Arc::clone(gateway)).merge(extra);
    let routes = routes
        .layer(DefaultBodyLimit::max(settings.limits.body_bytes))
        .layer(middleware::from_fn_with_state(Arc::clone(gateway), traced))
        .layer(middleware::from_fn_with_state(Arc::clone(gateway), within_time))
        .layer(middleware::from_fn_with_state(settings.tls.is_some(), safe_headers));
    if settings.allowed_origins.is_empty() {
        return Ok(routes);
    }
    let origins: Result<Vec<HeaderValue>, _> =
        settings.allowed_origins.iter().map(|origin| origin.parse()).collect();
    let origins = origins.map_err(|_| GatewayError::Setting {
        setting: "allowed_origins",
        why: "an origin is a scheme, a host and perhaps a port, as in https://example.org".into(),
    })?;
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::CONTENT_TYPE, HeaderName::from_static("x-mbx-apikey")]);
    Ok(routes.layer(cors))
}

/// Requests that may bring orders, with the names that they have in traces.
const ORDERS: [(Method, &str, &str); 6] = [
    (Method::POST, "/api/v3/order", "POST /api/v3/order"),
    (Method::DELETE, "/api/v3/order", "DELETE /api/v3/order"),
    (Method::POST, "/api/v3/order/cancelReplace", "POST /api/v3/order/cancelReplace"),
    (Method::PUT, "/api/v3/order/amend/keepPriority", "PUT /api/v3/order/amend/keepPriority"),
    (Method::DELETE, "/api/v3/openOrders", "DELETE /api/v3/openOrders"),
    (Method::POST, "/api/glassbook/v1/streams", "POST /api/glassbook/v1/streams"),
];

/// Begins the trace of an order where it arrives.
async fn traced(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let is = |(method, path, _): &&(Method, &str, &str)| {
        request.method() == method && request.uri().path() == *path
    };
    let Some((_, _, name)) = ORDERS.iter().find(is) else { return next.run(request).await };
    let parent = request.headers().get("traceparent").and_then(|parent| parent.to_str().ok());
    let trace = gateway.desk.trace("http", name, parent);
    let why = |response: &Response| response.status().as_str().to_string();
    telemetry::current::within(trace, next.run(request), |response| Some(why(response))).await
}

/// An answer begins in time, or says that it does not.
async fn within_time(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let patience = Duration::from_millis(gateway.settings.limits.request_timeout_ms);
    match timeout(patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let problem = json!({ "code": -1007, "msg": "Timeout waiting for response from backend server. Send status unknown; execution status unknown." });
            (StatusCode::GATEWAY_TIMEOUT, Json(problem)).into_response()
        }
    }
}

/// Headers that keep pages from being misused.
async fn safe_headers(State(tls): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if tls {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

async fn accept(gateway: Arc<Gateway>, listener: TcpListener, tls: Option<TlsAcceptor>, routes: Router) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = gateway.stopped() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(RECOVER).await;
                continue;
            }
        };
        // Whoever has too many connections already, or comes when there are too many in all, is not spoken to.
        let place = match gateway.settings.trusted_proxies.contains(&peer.ip()) {
            true => gateway.connections.enter_proxy(),
            false => gateway.connections.enter(peer.ip()),
        };
        let Some(place) = place else {
            count(&gateway.counters.turned_away);
            tracing::debug!(%peer, "one connection too many");
            continue;
        };
        let (gateway, tls, routes) = (Arc::clone(&gateway), tls.clone(), routes.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let connection = Connection { gateway, peer, place: Arc::new(place), routes };
            match tls {
                None => connection.serve(stream).await,
                Some(tls) => connection.serve_encrypted(&tls, stream).await,
            }
        });
    }
}

/// One connection.
struct Connection {
    gateway: Arc<Gateway>,
    peer: SocketAddr,
    place: Arc<Place>,
    routes: Router,
}

impl Connection {
    async fn serve_encrypted(self, tls: &TlsAcceptor, stream: TcpStream) {
        match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve(stream).await,
            Ok(Err(error)) => tracing::debug!(peer = %self.peer, %error, "no TLS"),
            Err(_) => tracing::debug!(peer = %self.peer, "no TLS in time"),
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { gateway, peer, place, routes } = self;
        let limits = &gateway.settings.limits;
        let known = Arc::clone(&gateway);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            // A proxy may add a line of its own below those that its client sent.
            let last = request.headers().get_all("x-forwarded-for").iter().next_back();
            let forwarded = last.and_then(|value| value.to_str().ok());
            let address = known.caller_address(peer.ip(), forwarded);
            let proxied = known.settings.trusted_proxies.contains(&peer.ip());
            let behind = proxied.then(|| known.connections.enter_behind_proxy(address).map(Arc::new));
            let mut request = request.map(Body::new);
            let place = Arc::clone(&place);
            request.extensions_mut().insert(ConnectInfo(peer));
            let routes = routes.clone();
            async move {
                // A proxy might take another of several hosts to be meant than we do; RFC 9112 wants exactly one.
                let hosts = request.headers().get_all(header::HOST).iter().count();
                if request.version() == Version::HTTP_11 && hosts != 1 {
                    return Ok(StatusCode::BAD_REQUEST.into_response());
                }
                let behind = match behind {
                    Some(None) => return Ok(StatusCode::TOO_MANY_REQUESTS.into_response()),
                    behind => behind.flatten(),
                };
                // Counted until it is answered; what lives longer keeps it.
                let _counted = behind.clone();
                request.extensions_mut().insert(ClientAddress { address, place, behind });
                Ok::<_, Infallible>(routes.oneshot(request).await.unwrap_or_else(|never| match never {}))
            }
        });
        let stream = Unread::new(stream, Duration::from_millis(limits.request_timeout_ms));
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(limits.header_timeout_ms))
            // Hyper wants room for 8 KiB at least.
            .max_buf_size(limits.header_bytes.max(8_192))
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => ended,
            () = gateway.stopped() => {
                serving.as_mut().graceful_shutdown();
                match timeout(FAREWELL, serving).await {
                    Ok(ended) => ended,
                    Err(_) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection broke");
        }
    }
}

/// TLS with the certificate and key in the files.
pub(crate) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, GatewayError> {
    let failed = |path: &std::path::Path, why: String| GatewayError::Tls { path: path.to_owned(), why };
    let certificates: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(&tls.certificate).and_then(Iterator::collect);
    let certificates = certificates.map_err(|error| failed(&tls.certificate, error.to_string()))?;
    if certificates.is_empty() {
        return Err(failed(&tls.certificate, "there is no certificate in it".into()));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| failed(&tls.key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&tls.certificate, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| failed(&tls.key, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
