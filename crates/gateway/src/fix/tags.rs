//! Tags and values of application messages.

#![allow(missing_docs, reason = "the standard names them")]

pub const ACCOUNT: u32 = 1;
pub const AVG_PX: u32 = 6;
pub const CL_ORD_ID: u32 = 11;
pub const COMMISSION: u32 = 12;
pub const COMM_TYPE: u32 = 13;
pub const CUM_QTY: u32 = 14;
pub const CURRENCY: u32 = 15;
pub const EXEC_ID: u32 = 17;
pub const EXEC_INST: u32 = 18;
pub const LAST_PX: u32 = 31;
pub const LAST_QTY: u32 = 32;
pub const ORDER_ID: u32 = 37;
pub const ORDER_QTY: u32 = 38;
pub const ORD_STATUS: u32 = 39;
pub const ORD_TYPE: u32 = 40;
pub const ORIG_CL_ORD_ID: u32 = 41;
pub const PRICE: u32 = 44;
pub const SIDE: u32 = 54;
pub const SYMBOL: u32 = 55;
pub const TIME_IN_FORCE: u32 = 59;
pub const TRANSACT_TIME: u32 = 60;
pub const STOP_PX: u32 = 99;
pub const CXL_REJ_REASON: u32 = 102;
pub const ORD_REJ_REASON: u32 = 103;
pub const EXPIRE_TIME: u32 = 126;
pub const NO_RELATED_SYM: u32 = 146;
pub const EXEC_TYPE: u32 = 150;
pub const LEAVES_QTY: u32 = 151;
pub const CASH_ORDER_QTY: u32 = 152;
pub const MD_REQ_ID: u32 = 262;
pub const SUBSCRIPTION_REQUEST_TYPE: u32 = 263;
pub const MARKET_DEPTH: u32 = 264;
pub const MD_UPDATE_TYPE: u32 = 265;
pub const NO_MD_ENTRY_TYPES: u32 = 267;
pub const NO_MD_ENTRIES: u32 = 268;
pub const MD_ENTRY_TYPE: u32 = 269;
pub const MD_ENTRY_PX: u32 = 270;
pub const MD_ENTRY_SIZE: u32 = 271;
pub const MD_ENTRY_DATE: u32 = 272;
pub const MD_ENTRY_TIME: u32 = 273;
pub const MD_ENTRY_ID: u32 = 278;
pub const MD_UPDATE_ACTION: u32 = 279;
pub const MD_REQ_REJ_REASON: u32 = 281;
pub const SECURITY_REQ_ID: u32 = 320;
pub const SECURITY_RESPONSE_ID: u32 = 322;
pub const EXEC_RESTATEMENT_REASON: u32 = 378;
pub const BUSINESS_REJECT_REF_ID: u32 = 379;
pub const BUSINESS_REJECT_REASON: u32 = 380;
pub const TOT_NO_RELATED_SYM: u32 = 393;
pub const CXL_REJ_RESPONSE_TO: u32 = 434;
pub const COMM_CURRENCY: u32 = 479;
pub const SECONDARY_EXEC_ID: u32 = 527;
pub const MASS_CANCEL_REQUEST_TYPE: u32 = 530;
pub const MASS_CANCEL_RESPONSE: u32 = 531;
pub const MASS_CANCEL_REJECT_REASON: u32 = 532;
pub const TOTAL_AFFECTED_ORDERS: u32 = 533;
pub const SECURITY_LIST_REQUEST_TYPE: u32 = 559;
pub const SECURITY_REQUEST_RESULT: u32 = 560;
pub const ROUND_LOT: u32 = 561;
pub const ORD_STATUS_REQ_ID: u32 = 790;
pub const LAST_LIQUIDITY_IND: u32 = 851;

/// Our own: the command's sequence number, by which a receipt is asked for.
pub const SEQUENCE: u32 = 5001;
/// Our own: the batch that the command is or will be sealed in.
pub const BATCH: u32 = 5002;
/// Our own: counts the changes of a market's book.
pub const BOOK_UPDATE: u32 = 5003;
/// Our own: all fees of an order so far.
pub const TOTAL_FEES: u32 = 5004;
/// Our own: the exchange's number of a reject reason.
pub const REJECT_CODE: u32 = 5005;
/// Self-trade prevention, with the tag and the values of Binance's FIX API.
pub const SELF_TRADE_PREVENTION_MODE: u32 = 25_001;

/// Tags of the groups of requests: they may be there more than once.
pub const REPEATED: &[u32] = &[MD_ENTRY_TYPE, SYMBOL];

/// Message types.
pub mod kind {
    pub const EXECUTION_REPORT: &str = "8";
    pub const ORDER_CANCEL_REJECT: &str = "9";
    pub const NEW_ORDER_SINGLE: &str = "D";
    pub const ORDER_CANCEL_REQUEST: &str = "F";
    pub const ORDER_CANCEL_REPLACE_REQUEST: &str = "G";
    pub const ORDER_STATUS_REQUEST: &str = "H";
    pub const MARKET_DATA_REQUEST: &str = "V";
    pub const MARKET_DATA_SNAPSHOT: &str = "W";
    pub const MARKET_DATA_INCREMENTAL: &str = "X";
    pub const MARKET_DATA_REQUEST_REJECT: &str = "Y";
    pub const ORDER_MASS_CANCEL_REQUEST: &str = "q";
    pub const ORDER_MASS_CANCEL_REPORT: &str = "r";
    pub const SECURITY_LIST_REQUEST: &str = "x";
    pub const SECURITY_LIST: &str = "y";
}
