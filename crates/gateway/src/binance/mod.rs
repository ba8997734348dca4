//! Binance's Spot API.

use std::sync::Arc;

use axum::Router;

use crate::Gateway;

/// All of its routes.
pub fn router(_gateway: Arc<Gateway>) -> Router {
    Router::new()
}
