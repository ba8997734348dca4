//! The requests and their answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use availability::Sample;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use light_client::wire::{self, BlockInfo, BlockList, MAX_ANSWER, MAX_INDICES, MAX_INFO};
use tokio::task::spawn_blocking;

use super::buckets::Buckets;
use super::connections::Peer;
use super::room::{Room, Shares, Taken};
use super::{Limits, Refused};
use crate::{BlockId, Head, Store, StoreError, Stored};

/// Queries are at most so long: more than [`MAX_INDICES`] indices need.
const MAX_QUERY: usize = 1_024;
/// Blocks in a list at most, and where nobody says how many.
const MAX_LISTED: usize = 100;
const LISTED: usize = 20;
/// More bytes a block in a list does not have.
const LISTED_BYTES: usize = 1 << 10;
/// Requests that read disks at a time, of all peers; a peer's are an eighth of them at most.
const READERS: usize = 32;
/// How long a request waits for its turn, to read and to have room in memory.
const TURN: Duration = Duration::from_secs(5);
/// So many bytes of shards count as much as a request.
const COUNTED: usize = 64 << 10;
/// Room for answers without shards, which are small: nobody who asks for shards keeps others from them.
const INFOS: usize = 32 << 20;

/// What is answered of some shards.
type Answer = fn(&Store, &Head, &[usize]) -> Result<Vec<u8>, Refused>;

struct Server {
    store: Arc<Store>,
    buckets: Buckets,
    readers: Shares,
    /// For answers with shards.
    shards: Room,
    /// For others.
    infos: Room,
}

pub fn routes(store: Arc<Store>, limits: Limits) -> Router {
    let server = Arc::new(Server {
        store,
        buckets: Buckets::new(limits.rate, limits.burst, Instant::now()),
        readers: Shares::new(READERS),
        shards: Room::new(limits.answers, MAX_ANSWER),
        infos: Room::new(INFOS, MAX_INFO),
    });
    Router::new()
        .route("/v1/blocks", get(list))
        .route("/v1/blocks/{block}", get(block))
        .route("/v1/blocks/{block}/shards/{index}", get(shard))
        .route("/v1/blocks/{block}/samples", get(samples))
        .fallback(|| async { Refused::NoSuchPath })
        .layer(middleware::from_fn_with_state(Arc::clone(&server), admit))
        .with_state(server)
}

/// Every request counts, even one that is refused.
async fn admit(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = if let Err(wait) = server.buckets.take(peer, 1, Instant::now()) {
        Refused::TooMany(wait).into_response()
    } else if request.method() != Method::GET && request.method() != Method::HEAD {
        Refused::Method.into_response()
    } else if request.uri().query().is_some_and(|query| query.len() > MAX_QUERY) {
        Refused::Query("the query is too long").into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    // Pages of others may sample, too: everything here is public.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

impl Server {
    /// Reads the disk, on a thread that may wait.
    async fn read<T: Send + 'static>(
        &self,
        peer: Peer,
        work: impl FnOnce(&Store) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let turn = self.readers.take(peer, 1, TURN).await.ok_or(Refused::Busy)?;
        let store = Arc::clone(&self.store);
        let done = spawn_blocking(move || {
            let done = work(&store);
            drop(turn);
            done
        });
        done.await.unwrap_or(Err(Refused::Failed))
    }

    /// Shards of a block as an answer, once there is room for them.
    async fn shards(
        &self,
        peer: Peer,
        id: BlockId,
        indices: Vec<usize>,
        answer: Answer,
    ) -> Result<Response, Refused> {
        let head = self.read(peer, move |store| {
            let found = store.find(id)?;
            Ok(store.head(found.record.number)?)
        });
        let head = head.await?;
        let mut bytes = 0usize;
        for index in &indices {
            let length =
                Sample::length(&head.record.header, *index).map_err(|_| StoreError::NoSuchShard {
                    number: head.record.number,
                    index: *index,
                    total: head.record.header.parameters.total(),
                })?;
            bytes = bytes.saturating_add(4 + length);
        }
        if bytes > MAX_ANSWER {
            return Err(Refused::TooLong);
        }
        let cost = u32::try_from(indices.len() + bytes / COUNTED).unwrap_or(u32::MAX);
        self.buckets.take_more(peer, cost, Instant::now()).map_err(Refused::TooMany)?;
        let room = self.shards.take(peer, bytes, TURN).await.ok_or(Refused::Busy)?;
        let body = self.read(peer, move |store| answer(store, &head, &indices)).await?;
        // The room is given back when the last byte is sent, or the connection has ended.
        let body = Bytes::from_owner(Held { body, _room: room });
        Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from(body)).into_response())
    }
}

/// An answer, and the room that it takes.
struct Held {
    body: Vec<u8>,
    _room: Taken,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

async fn list(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let (mut from, mut limit) = (0, LISTED);
    for (name, value) in pairs(query.as_deref())? {
        let number = value.parse::<u64>().map_err(|_| Refused::Query("from and limit are numbers"))?;
        match name {
            "from" => from = number,
            "limit" => limit = usize::try_from(number).unwrap_or(usize::MAX).clamp(1, MAX_LISTED),
            _ => return Err(Refused::Query("the query has from and limit")),
        }
    }
    let cost = u32::try_from(limit).unwrap_or(u32::MAX);
    server.buckets.take_more(peer, cost, Instant::now()).map_err(Refused::TooMany)?;
    let room = server.infos.take(peer, limit * LISTED_BYTES, TURN).await.ok_or(Refused::Busy)?;
    // One more tells whether there are more.
    let mut found = server.read(peer, move |store| Ok(store.list(from, limit + 1)?)).await?;
    let next = found.get(limit).map(|stored| stored.record.number);
    found.truncate(limit);
    let blocks = found.iter().map(|stored| info(stored, None)).collect::<Result<_, _>>()?;
    let body = serde_json::to_vec(&BlockList { blocks, next }).map_err(|_| Refused::Failed)?;
    Ok(json(body, room))
}

async fn block(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let id = block_id(&name)?;
    let room = server.infos.take(peer, MAX_INFO, TURN).await.ok_or(Refused::Busy)?;
    let body = server.read(peer, move |store| {
        let stored = store.find(id)?;
        let combination = match stored.has_shards {
            true => Some(hex::encode(store.head(stored.record.number)?.combination.encode())),
            false => None,
        };
        serde_json::to_vec(&info(&stored, combination)?).map_err(|_| Refused::Failed)
    });
    Ok(json(body.await?, room))
}

fn json(body: Vec<u8>, room: Taken) -> Response {
    let body = Bytes::from_owner(Held { body, _room: room });
    ([(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
}

async fn shard(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((name, index)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let index = index.parse().map_err(|_| Refused::Query("a shard is named by its number"))?;
    let answer = |store: &Store, head: &Head, indices: &[usize]| {
        let index = indices.first().ok_or(Refused::Failed)?;
        Ok(store.shard(head, *index)?)
    };
    server.shards(peer, block_id(&name)?, vec![index], answer).await
}

async fn samples(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let [("indices", list)] = pairs(query.as_deref())?[..] else {
        return Err(Refused::Query("ask for samples?indices=1,5,7"));
    };
    let mut indices = Vec::new();
    for index in list.split(',') {
        if indices.len() == MAX_INDICES {
            return Err(Refused::TooManyIndices);
        }
        let index = index.parse::<u16>().map_err(|_| Refused::Query("indices are numbers of shards"))?.into();
        if indices.contains(&index) {
            return Err(Refused::Query("no index is asked for twice"));
        }
        indices.push(index);
    }
    let answer = |store: &Store, head: &Head, indices: &[usize]| {
        let mut answer = Vec::with_capacity(wire::samples_length(&head.record.header, indices));
        for index in indices {
            match store.sample(head, *index) {
                Ok(sample) => wire::push_sample(&mut answer, &sample),
                // Left out, so that the others arrive.
                Err(StoreError::DamagedShard { .. }) if indices.len() > 1 => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(answer)
    };
    server.shards(peer, block_id(&name)?, indices, answer).await
}

fn block_id(name: &str) -> Result<BlockId, Refused> {
    if let Ok(number) = name.parse() {
        return Ok(BlockId::Number(number));
    }
    wire::parse_commitment(name).map(BlockId::Commitment).ok_or(Refused::BlockName)
}

/// The parts of a query. Nothing in it needs an escape.
fn pairs(query: Option<&str>) -> Result<Vec<(&str, &str)>, Refused> {
    let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').ok_or(Refused::Query("a query is name=value"))).collect()
}

fn info(stored: &Stored, combination: Option<String>) -> Result<BlockInfo, Refused> {
    let record = &stored.record;
    let header = &record.header;
    Ok(BlockInfo {
        number: record.number,
        commitment: hex::encode(record.commitment().0),
        header: hex::encode(header.encode()),
        claim_digest: record.claim_digest.map(hex::encode),
        published_at: record.published_at,
        data_shards: header.parameters.data(),
        parity_shards: header.parameters.parity(),
        shard_length: header.shard_length().map_err(StoreError::from)?,
        payload_length: header.payload_length,
        has_shards: stored.has_shards,
        combination,
    })
}
