//! The parameters of a request, from a query string, a form or a JSON object; and reading them.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::value::RawValue;
use types::{MarketId, OrderId, OrderRef, Timestamp};

use super::failure::Failure;
use crate::client_ids::{self, is_client_id};
use crate::view::{DecimalError, Market, Range, Scale, View};

/// Parameters of one request at most.
const MOST: usize = 64;
/// Symbols in one request at most.
const SYMBOLS: usize = 1_000;
/// What a whole number looks like.
const WHOLE: &str = "^[0-9]{1,20}$";
/// What an amount looks like.
const DECIMAL: &str = "^([0-9]{1,20})(\\.[0-9]{1,20})?$";
/// What a symbol looks like.
const SYMBOL: &str = "^[A-Z0-9-_.]{1,20}$";

/// Names and values as they were sent, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(pub(super) Vec<(String, String)>);

impl Params {
    /// Of a query string, then of a form: whoever sends a name twice means the first.
    pub fn of_form(query: &str, form: &[u8]) -> Result<Self, Failure> {
        let all = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(form));
        let list: Vec<(String, String)> =
            all.take(MOST + 1).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Self::bounded(list)
    }

    /// Of a JSON object. Numbers keep the digits that they were written with.
    pub fn of_json(object: &RawValue) -> Result<Self, Failure> {
        let malformed =
            || Failure::new(-1100, "Illegal characters found in parameter 'params'; an object is expected.");
        let object: BTreeMap<String, Option<&RawValue>> =
            serde_json::from_str(object.get()).map_err(|_| malformed())?;
        let mut list = Vec::with_capacity(object.len().min(MOST));
        for (name, value) in object {
            let Some(text) = value.map(RawValue::get) else { continue };
            let value = match text.as_bytes().first() {
                Some(b'"') => serde_json::from_str(text).map_err(|_| malformed())?,
                Some(b'{') | None => return Err(malformed()),
                _ => text.to_owned(),
            };
            list.push((name, value));
        }
        Self::bounded(list)
    }

    fn bounded(list: Vec<(String, String)>) -> Result<Self, Failure> {
        if list.len() > MOST {
            return Err(Failure::new(-1101, format!("Too many parameters; expected at most '{MOST}'.")));
        }
        Ok(Self(list))
    }

    /// What a request of the WebSocket API signs: all but the signature, sorted by name.
    /// Older clients sign the values as they are, newer ones percent-encoded; where both are the same, once.
    pub fn signed_texts(&self) -> Vec<Vec<u8>> {
        let (plain, encoded) = (self.signed_text(str::to_owned), self.signed_text(percent_encode));
        let both = if plain == encoded { vec![plain] } else { vec![plain, encoded] };
        both.into_iter().map(String::into_bytes).collect()
    }

    fn signed_text(&self, write: impl Fn(&str) -> String) -> String {
        let mut list: Vec<&(String, String)> =
            self.0.iter().filter(|(name, _)| name != "signature").collect();
        list.sort();
        let list: Vec<String> =
            list.into_iter().map(|(name, value)| format!("{name}={}", write(value))).collect();
        list.join("&")
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The value, if there is one.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, value)) if value.is_empty() => {
                Err(Failure::new(-1105, format!("Parameter '{name}' was empty.")))
            }
            found => Ok(found.map(|(_, value)| value.as_str())),
        }
    }

    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        self.text(name).ok().flatten().ok_or_else(|| Failure::missing(name))
    }

    pub fn whole(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(Some).ok_or_else(|| Failure::illegal(name, WHOLE))
    }

    /// A limit on how much is answered, within Binance's bounds.
    pub fn limit(&self, usual: usize, most: usize) -> Result<usize, Failure> {
        match self.whole("limit")? {
            None => Ok(usual),
            Some(0) => Err(Failure::new(-1130, "Data sent for parameter 'limit' is not valid.")),
            Some(limit) => Ok(usize::try_from(limit).unwrap_or(most).min(most)),
        }
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Failure::new(-1130, format!("Data sent for parameter '{name}' is not valid."))),
        }
    }

    /// A time in milliseconds.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        Ok(self.whole(name)?.map(|millis| Timestamp(millis.saturating_mul(1_000))))
    }

    /// `startTime`, `endTime` (to its last microsecond), `limit`, and the number to begin with.
    pub fn range(&self, from: Option<&str>, usual: usize, most: usize) -> Result<Range, Failure> {
        let end = self.time("endTime")?.map(|end| Timestamp(end.0.saturating_add(999)));
        let start = self.time("startTime")?;
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return Err(Failure::new(-1127, "Start time is greater than end time."));
        }
        let from = from.map_or(Ok(None), |name| self.whole(name))?;
        Ok(Range { from, start, end, limit: self.limit(usual, most)? })
    }

    /// The market that the request is about.
    pub fn market(&self, view: &View) -> Result<Arc<Market>, Failure> {
        find_market(self.required("symbol")?, "symbol", view)
    }

    pub fn optional_market(&self, view: &View) -> Result<Option<Arc<Market>>, Failure> {
        self.text("symbol")?.map(|symbol| find_market(symbol, "symbol", view)).transpose()
    }

    /// The markets that `symbol` or `symbols` names; `None` when neither is there.
    pub fn markets(&self, view: &View) -> Result<Option<Vec<Arc<Market>>>, Failure> {
        match (self.text("symbol")?, self.text("symbols")?) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Failure::new(-1128, "Combination of optional parameters invalid.")),
            (Some(symbol), None) => Ok(Some(vec![find_market(symbol, "symbol", view)?])),
            (None, Some(list)) => {
                let range = r#"["SYMBOL","SYMBOL"]"#;
                let names: Vec<String> =
                    serde_json::from_str(list).map_err(|_| Failure::illegal("symbols", range))?;
                if names.is_empty() {
                    return Err(Failure::missing("symbols"));
                }
                if names.len() > SYMBOLS {
                    return Err(Failure::new(-1130, "Data sent for parameter 'symbols' is not valid."));
                }
                names
                    .iter()
                    .map(|name| find_market(name, "symbols", view))
                    .collect::<Result<_, _>>()
                    .map(Some)
            }
        }
    }

    /// An amount in units of `scale`. What is more precise than the asset fails differently from what is not on a step.
    pub fn units(
        &self,
        name: &str,
        scale: Scale,
        asset: Scale,
        filter: &str,
    ) -> Result<Option<u64>, Failure> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        parse_units(text, name, scale, asset, filter).map(Some)
    }

    /// The order that `orderId` or `origClientOrderId` (by that or another name) means.
    pub fn order(&self, id: &str, client_id: &str) -> Result<OrderRef, Failure> {
        if let Some(id) = self.whole(id)? {
            return Ok(OrderRef::Id(OrderId(id)));
        }
        match self.client_id(client_id)? {
            Some(text) => Ok(OrderRef::Client(client_ids::number(text))),
            None => {
                let text = format!("Param '{client_id}' or '{id}' must be sent, but both were empty/null!");
                Err(Failure::new(-1102, text))
            }
        }
    }

    pub fn client_id(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.text(name)? {
            Some(text) if !is_client_id(text) => Err(Failure::illegal(name, "^[\\.A-Z\\:/a-z0-9_-]{1,36}$")),
            found => Ok(found),
        }
    }

    /// A value that is one of a few words.
    pub fn choice<T: FromStr>(
        &self,
        name: &str,
        code: i32,
        message: &'static str,
    ) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Failure::new(code, message))
    }
}

fn percent_encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(crate) fn find_market(symbol: &str, name: &str, view: &View) -> Result<Arc<Market>, Failure> {
    let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if !(1..=20).contains(&symbol.len()) || !symbol.bytes().all(legal) {
        return Err(Failure::illegal(name, SYMBOL));
    }
    view.market(symbol).ok_or_else(Failure::bad_symbol)
}

fn parse_units(text: &str, name: &str, scale: Scale, asset: Scale, filter: &str) -> Result<u64, Failure> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |part: &str| (1..=20).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(Failure::illegal(name, DECIMAL));
    }
    if fraction.trim_end_matches('0').len() > asset.decimals.max(scale.decimals) as usize {
        return Err(Failure::too_precise(name));
    }
    // Zeros at the end say nothing.
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    scale.parse(text).map_err(|error| match error {
        DecimalError::Malformed => Failure::illegal(name, DECIMAL),
        DecimalError::Precision | DecimalError::Range => Failure::filter(filter),
    })
}

/// Markets by number, for answers about several.
pub(crate) fn all_markets(view: &View) -> BTreeMap<MarketId, Arc<Market>> {
    view.markets().into_iter().map(|market| (market.id, market)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(text: &str) -> Result<Params, Failure> {
        Params::of_json(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_query_comes_before_the_form_and_percent_signs_are_decoded() {
        let params = Params::of_form("a=1&b=x%2By", b"a=2&c=%5B%22Z%22%5D").unwrap();
        assert_eq!(params.required("a"), Ok("1"));
        assert_eq!(params.required("b"), Ok("x+y"));
        assert_eq!(params.required("c"), Ok("[\"Z\"]"));
        assert_eq!(params.required("d").unwrap_err().code, -1102);
    }

    #[test]
    fn numbers_in_json_keep_their_digits() {
        let params =
            json(r#"{"q":0.10,"t":1700000000000,"s":"A\u0042","b":true,"l":["X"],"n":null}"#).unwrap();
        assert_eq!(params.signed_text(str::to_owned), "b=true&l=[\"X\"]&q=0.10&s=AB&t=1700000000000");
        assert!(!params.has("n"));
        assert!(json("[1]").is_err() && json("7").is_err() && json(r#"{"a":{}}"#).is_err());
    }

    #[test]
    fn what_is_wrong_with_a_value_has_binances_code() {
        let params =
            Params::of_form("empty=&word=x&neg=-1&big=99999999999999999999&zero=0&yes=TRUE&limit=0", b"")
                .unwrap();
        assert_eq!(params.text("empty").unwrap_err().code, -1105);
        for name in ["word", "neg", "big"] {
            assert_eq!(params.whole(name).unwrap_err().code, -1100, "{name}");
        }
        assert_eq!(params.whole("zero"), Ok(Some(0)));
        assert_eq!(params.boolean("yes"), Ok(Some(true)));
        assert_eq!(params.boolean("word").unwrap_err().code, -1130);
        assert_eq!(params.limit(5, 10).unwrap_err().code, -1130);
        assert_eq!(params.order("orderId", "origClientOrderId").unwrap_err().code, -1102);
        let many: String = (0..=MOST).map(|number| format!("p{number}=1&")).collect();
        assert_eq!(Params::of_form(&many, b"").unwrap_err().code, -1101);
    }

    #[test]
    fn amounts_off_the_step_and_amounts_too_precise_differ() {
        let (scale, asset) = (Scale { step: 5, decimals: 1 }, Scale { step: 1, decimals: 3 });
        let read = |text: &str| parse_units(text, "price", scale, asset, "PRICE_FILTER");
        assert_eq!(read("1.5"), Ok(3));
        assert_eq!(read("1.500"), Ok(3));
        assert_eq!(read("10"), Ok(20));
        assert_eq!(read("1.4").unwrap_err().code, -1013);
        assert_eq!(read("1.55").unwrap_err().code, -1013);
        assert_eq!(read("1.0001").unwrap_err().code, -1111);
        assert_eq!(read("99999999999999999999").unwrap_err().code, -1013);
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "0x1", "NaN", "1.5.5", " 1", "١", "\u{0}"]
        {
            assert_eq!(read(text).unwrap_err().code, -1100, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_breaks_the_reader(query in ".*", form in prop::collection::vec(any::<u8>(), 0..200), text in ".*") {
            if let Ok(params) = Params::of_form(&query, &form) {
                for name in ["symbol", "limit", "a"] {
                    let _ = (params.whole(name), params.boolean(name), params.time(name), params.limit(1, 2));
                    let _ = (params.client_id(name), params.order(name, name), params.range(Some(name), 1, 2));
                }
                let _ = params.signed_texts();
            }
            if let Ok(object) = serde_json::from_str::<&RawValue>(&text) {
                let _ = Params::of_json(object);
            }
            let scale = Scale { step: 3, decimals: 2 };
            let _ = parse_units(&text, "x", scale, scale, "LOT_SIZE");
        }

        #[test]
        fn json_objects_come_through_whole(object in prop::collection::btree_map("[a-zA-Z]{1,8}", ".{0,20}", 0..8)) {
            let text = serde_json::to_string(&object).unwrap();
            let params = json(&text).unwrap();
            for (name, value) in &object {
                let read = params.0.iter().find(|(known, _)| known == name).map(|(_, value)| value);
                prop_assert_eq!(read, Some(value));
            }
        }
    }
}
