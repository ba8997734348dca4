//! Stated limits, and numbers that never change their meaning.

use types::{
    AccountId, Address, AssetId, Breaker, ClientOrderId, Command, Limits, MarketId, MarketParams,
    OperatorCommand, OrderId, OrderRef, OrderType, Origin, Place, Price, Quantity, Rate, Reject, SelfTrade,
    Sequenced, SessionKey, Side, TimeInForce, Timestamp, Trigger, TriggerKind,
};

#[test]
fn no_command_is_longer_than_the_stated_limit() {
    let params = MarketParams {
        base: AssetId(u16::MAX),
        quote: AssetId(u16::MAX),
        lot: u64::MAX,
        tick: u64::MAX,
        max_price: Price(u32::MAX),
        maker_fee: Rate(i32::MIN),
        taker_fee: Rate(i32::MIN),
        fee_account: AccountId(u32::MAX),
        limits: Limits::NONE,
        collar: u32::MAX,
        breaker: Breaker { band: u32::MAX, window: u64::MAX, halt: u64::MAX },
        reference_price: Price(u32::MAX),
    };
    let market = MarketId(u16::MAX);
    let place = Place {
        market,
        side: Side::Sell,
        order_type: OrderType::Limit { price: Price(u32::MAX), quantity: Quantity(u64::MAX) },
        time_in_force: TimeInForce::Gtd(Timestamp::NEVER),
        post_only: true,
        self_trade: SelfTrade::Decrement,
        trigger: Some(Trigger { kind: TriggerKind::TakeProfit, price: Price(u32::MAX) }),
        client_id: ClientOrderId(u64::MAX),
    };
    let account = AccountId(u32::MAX);
    let commands = [
        Command::Operator(OperatorCommand::ChangeMarket { market, params }.into()),
        Command::Operator(OperatorCommand::SetLimits { account, market, limits: Some(Limits::NONE) }.into()),
        Command::Place(place),
        Command::Replace {
            market,
            order: OrderRef::Id(OrderId(u64::MAX)),
            price: Price(u32::MAX),
            quantity: Quantity(u64::MAX),
            left: Some(Quantity(u64::MAX)),
        },
        Command::RegisterSession { key: SessionKey([255; 32]), expires: Timestamp::NEVER },
        Command::Deposit {
            owner: Address([255; 20]),
            asset: AssetId(u16::MAX),
            amount: types::Quanta(u64::MAX),
        },
    ];
    let lengths: Vec<usize> = commands
        .iter()
        .map(|command| {
            let mut bytes = Vec::new();
            command.encode(&mut bytes);
            bytes.len()
        })
        .collect();
    assert_eq!(lengths, [120, 45, 46, 40, 43, 34]);
    assert!(lengths.iter().all(|length| *length <= Command::MAX_BYTES));

    for command in commands {
        let origin = Origin::L1(u64::MAX);
        let sequenced =
            Sequenced { sequence: u64::MAX, timestamp: Timestamp::NEVER, account, origin, command };
        let mut bytes = Vec::new();
        sequenced.encode(Timestamp(0), &mut bytes);
        assert!(bytes.len() <= Sequenced::MAX_BYTES);
    }
}

#[test]
fn reject_codes_are_stable() {
    let table: Vec<(u16, String)> =
        Reject::ALL.iter().map(|reason| (reason.code(), format!("{reason:?}"))).collect();
    let pinned = [
        (100, "UnknownAccount"),
        (101, "SessionExpired"),
        (102, "NotAuthorised"),
        (103, "NotOperator"),
        (200, "UnknownMarket"),
        (201, "UnknownAsset"),
        (202, "UnknownOrder"),
        (203, "DuplicateClientOrderId"),
        (300, "ZeroQuantity"),
        (301, "PriceOutOfRange"),
        (302, "BadTimeInForce"),
        (303, "PostOnlyNotAllowed"),
        (304, "BudgetNotAllowed"),
        (305, "BudgetRequired"),
        (306, "ExpiryInPast"),
        (307, "PostOnlyWouldTake"),
        (308, "CannotFill"),
        (309, "AlreadyTriggered"),
        (310, "CannotReplaceWaiting"),
        (311, "NoReferencePrice"),
        (312, "ExpiryOutOfRange"),
        (400, "InsufficientBalance"),
        (401, "QuantityLimit"),
        (402, "NotionalLimit"),
        (403, "OpenOrderLimit"),
        (404, "PositionLimit"),
        (405, "PriceCollar"),
        (500, "ExchangeHalted"),
        (501, "MarketHalted"),
        (502, "AccountSuspended"),
        (503, "ExchangeFull"),
        (504, "TriggersPending"),
        (600, "BadMarketParams"),
        (601, "BadAssetParams"),
        (602, "FixedParameter"),
        (603, "CapacityReached"),
        (604, "NothingToDo"),
    ];
    let pinned: Vec<(u16, String)> = pinned.iter().map(|(code, name)| (*code, (*name).to_owned())).collect();
    assert_eq!(table, pinned);
    assert!(pinned.is_sorted_by(|a, b| a.0 < b.0), "each number once");
}

#[test]
fn every_reject_code_leads_back_to_its_reason_and_says_a_sentence() {
    for code in 0..=u16::MAX {
        if let Some(reason) = Reject::from_code(code) {
            assert_eq!(reason.code(), code);
            assert!(reason.sentence().ends_with('.') && reason.to_string() == reason.sentence());
        }
    }
    assert_eq!((0..=u16::MAX).filter_map(Reject::from_code).count(), Reject::ALL.len());
}
