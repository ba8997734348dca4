//! Orders and their commands: how far they are, and receipts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use types::OrderId;

use super::answers::{OrderBody, OrderStatusBody, PathBody, ReceiptBody, UpdatedBody};
use super::api::Turn;
use super::batch_answers::StepBody;
use super::error::Refusals;
use super::extract::Path;
use super::hexadecimal::show;
use super::number::Number;
use super::results::{EventBody, OutcomeBody};
use super::{ApiError, Native, Stage};
use crate::view::Order;
use state::Sha256Hash;

/// How far an order is
///
/// Of any account: accepted, then as far as the batch with the command that placed it. What the order is, is shown once that
/// batch is sealed, and everybody can read it there.
#[utoipa::path(
    get, path = "/orders/{order}", tag = "orders",
    params(("order" = inline(Number), Path, description = "Its number")),
    responses((status = 200, description = "The order", body = OrderStatusBody), Refusals)
)]
pub(crate) async fn order(
    State(native): State<Arc<Native>>,
    Path(Number(number)): Path<Number>,
) -> Result<Json<OrderStatusBody>, ApiError> {
    let order = native.gateway.view.order_by_id(OrderId(number)).ok_or_else(|| {
        let remedy =
            "orders count from 1; of those that ended long ago only commands are kept: /commands/{sequence}";
        ApiError::not_found("unknown_order", format!("order {number} is not here"), remedy)
    })?;
    Ok(Json(native.blocking(Turn::Read, move |native| native.order_status(&order)).await?))
}

impl Native {
    fn order_status(&self, order: &Order) -> Result<OrderStatusBody, ApiError> {
        let accepted =
            StepBody { state: Stage::Accepted, time: Some(order.time.0 / 1_000), l1_block: None, tx: None };
        let mut status = OrderStatusBody {
            order: None,
            sequence: order.sequence,
            batch: None,
            state: Stage::Accepted,
            steps: vec![accepted],
            updated: None,
        };
        let Some(claim) = self.index.holding(order.sequence) else { return Ok(status) };
        let batch = self.batch_or_sealed(claim.batch)?;
        status.order = Some(OrderBody::from(order));
        status.batch = Some(batch.batch);
        status.state = batch.stage;
        status.steps.extend(batch.steps);
        let (sequence, batch, state) = match self.index.holding(order.updated_sequence) {
            _ if order.updated_sequence == order.sequence => (order.sequence, status.batch, status.state),
            None => (order.updated_sequence, None, Stage::Accepted),
            Some(claim) => {
                let batch = self.batch_or_sealed(claim.batch)?;
                (order.updated_sequence, Some(batch.batch), batch.stage)
            }
        };
        status.updated = Some(UpdatedBody { sequence, batch, state });
        Ok(status)
    }
}

/// Proof of what a command did
///
/// Outcome, fills, fees, cancellations of any command, with a Merkle path to the events root of its batch's claim (the book:
/// Receipts). `not_sealed` while its batch is open.
#[utoipa::path(
    get, path = "/receipts/{sequence}", tag = "orders",
    params(("sequence" = inline(Number), Path, description = "The command's number")),
    responses((status = 200, description = "The receipt", body = ReceiptBody), Refusals)
)]
pub(crate) async fn receipt(
    State(native): State<Arc<Native>>,
    Path(Number(sequence)): Path<Number>,
) -> Result<Json<ReceiptBody>, ApiError> {
    let made = move |native: &Native| {
        let claim = native.index.holding(sequence).ok_or_else(|| native.not_sealed(sequence))?;
        let receipt = native.receipts.receipt(&native.index, &claim, sequence)?;
        // What is handed out holds: whoever gets it can rely on what we have checked ourselves.
        let (outcome, events) =
            receipt.verify::<Sha256Hash>(&claim).map_err(|error| ApiError::internal(error.to_string()))?;
        Ok(ReceiptBody {
            sequence,
            batch: claim.batch,
            count: receipt.count,
            claim: show(claim.encode()),
            content: show(&receipt.content),
            path: PathBody {
                index: receipt.path.index,
                siblings: receipt.path.siblings.iter().map(show).collect(),
            },
            outcome: OutcomeBody::from(outcome),
            events: events.iter().map(EventBody::from).collect(),
        })
    };
    Ok(Json(native.blocking(Turn::Execute, made).await?))
}
