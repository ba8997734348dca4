//! ethrex's JSON-RPC over HTTP.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use bytes::Bytes;
use ethrex_p2p::network::P2PContext;
use ethrex_p2p::peer_handler::PeerHandler;
use ethrex_p2p::peer_table::{PeerTableServer, TARGET_PEERS};
use ethrex_p2p::rlpx::initiator::RLPxInitiator;
use ethrex_p2p::sync::SyncMode;
use ethrex_p2p::sync_manager::SyncManager;
use ethrex_p2p::types::{NetworkConfig, Node, NodeRecord};
use ethrex_p2p::utils::public_key_from_signing_key;
use ethrex_rpc::{ClientVersion, RpcNamespace, bind_api};
use secp256k1::SecretKey;
use secp256k1::rand::rngs::OsRng;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::engine::Engine;
use super::{EmbeddedError, node_error};

/// What ethrex's RPC insists on. It never dials and never listens.
pub(super) struct Peers {
    node: Node,
    record: NodeRecord,
    handler: PeerHandler,
}

/// A server that runs.
pub(super) struct Server {
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

impl Peers {
    pub fn new(engine: &Engine) -> Result<Self, EmbeddedError> {
        let key = SecretKey::new(&mut OsRng);
        let node = Node::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0, 0, public_key_from_signing_key(&key));
        let record = NodeRecord::from_node(&node, 1, &key).map_err(node_error)?;
        let table = PeerTableServer::spawn(node.node_id(), TARGET_PEERS, engine.store.clone());
        let network = NetworkConfig::from_node(&node);
        let (tasks, name) = (TaskTracker::new(), "embedded".to_string());
        let context = P2PContext::new(
            node.clone(),
            network,
            tasks,
            key,
            table.clone(),
            engine.store.clone(),
            engine.chain.clone(),
            name,
            None,
            1_000,
            100.0,
        )
        .map_err(node_error)?;
        Ok(Self { node, record, handler: PeerHandler::new(table, RLPxInitiator::spawn_on_thread(context)) })
    }

    /// Serves at an address until the token is cancelled.
    pub async fn serve(
        &self,
        engine: &Engine,
        http: SocketAddr,
        stop: CancellationToken,
    ) -> Result<Server, EmbeddedError> {
        // The engine API is served as well, since ethrex insists; nobody knows its secret.
        let authenticated = free_port(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?;
        let secret = SecretKey::new(&mut OsRng).secret_bytes();
        let syncer = SyncManager::new(
            self.handler.clone(),
            &SyncMode::Full,
            stop.clone(),
            engine.chain.clone(),
            engine.store.clone(),
            PathBuf::from("."),
        )
        .await;
        let version =
            ["ethrex", "24.0.0", "embedded", "00000000", "x86_64-unknown-linux", "1.95"].map(String::from);
        let [name, number, branch, commit, platform, compiler] = version;
        let bound = bind_api(
            stop.clone(),
            http,
            None,
            authenticated,
            engine.store.clone(),
            engine.chain.clone(),
            Bytes::copy_from_slice(&secret),
            self.node.clone(),
            self.record.clone(),
            syncer,
            self.handler.clone(),
            ClientVersion::new(name, number, branch, commit, platform, compiler),
            None,
            engine.gas_limit,
            String::new(),
            HashSet::from([RpcNamespace::Eth, RpcNamespace::Net, RpcNamespace::Web3, RpcNamespace::Mempool]),
        )
        .await
        .map_err(|error| EmbeddedError::Rpc(error.to_string()))?;
        let task = tokio::spawn(async move {
            // It ends when it is told to.
            let _ = bound.serve().await;
        });
        Ok(Server { stop, task })
    }
}

/// A port at this address that nobody listens on.
pub(super) fn free_port(address: SocketAddr) -> Result<SocketAddr, EmbeddedError> {
    Ok(TcpListener::bind(SocketAddr::new(address.ip(), 0))?.local_addr()?)
}
