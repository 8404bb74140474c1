//! The two forms of an event: what is encoded is decoded again, hostile bytes are refused, and the JSON has the keys,
//! the order and the types that consumers of activity streams rely on.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use activity_event::{
    Class, DecodeError, Event, NetProtocol, Params, ParamsBuf, Server, Session, write_json,
};
use proptest::prelude::*;
use serde_json::Value;

/// The fields of Aurora PostgreSQL's activity stream events, version 1.1, in the order of AWS's samples.
const AURORA_KEYS: [&str; 27] = [
    "startTime",
    "logTime",
    "statementId",
    "substatementId",
    "objectType",
    "command",
    "objectName",
    "databaseName",
    "dbUserName",
    "remoteHost",
    "remotePort",
    "sessionId",
    "rowCount",
    "commandText",
    "paramList",
    "pid",
    "clientApplication",
    "exitCode",
    "class",
    "serverVersion",
    "serverType",
    "serviceName",
    "serverHost",
    "netProtocol",
    "dbProtocol",
    "type",
    "errorMessage",
];
const OUR_KEYS: [&str; 4] = ["sequence", "effectiveUserName", "transactionId", "queryId"];
const SERVER: Server<'_> = Server { version: "15.18", server_type: "PostgreSQL", service_name: "PostgreSQL" };
const SESSION: Session<'_> = Session {
    database: "postgres",
    user: "rdsadmin",
    remote_host: "172.31.3.195",
    remote_port: "34534",
    application: Some("psql"),
    server_host: "172.31.3.192",
    net_protocol: NetProtocol::Tcp,
    start: 0x5ce7_3c6f,
    pid: 32356,
};

/// The SELECT of AWS's sample.
fn select() -> Event<'static> {
    Event {
        start_time: 1_558_658_389_920_564,
        log_time: 1_558_658_389_940_668,
        statement_id: 6,
        substatement_id: 1,
        class: Class::Read,
        command: "SELECT",
        object_type: Some("TABLE"),
        object_name: Some("public.my_table"),
        row_count: Some(10),
        command_text: Some("select * from my_table;"),
        command_text_length: None,
        params: Params::EMPTY,
        exit_code: None,
        error_message: None,
        effective_user: Some("rdsadmin"),
        transaction_id: None,
        query_id: Some(-42),
        session: SESSION,
    }
}

fn json(event: &Event<'_>) -> String {
    let mut out = Vec::new();
    write_json(event, &SERVER, 7, &mut out);
    String::from_utf8(out).unwrap()
}

/// The keys of a flat object in the order of the text.
fn keys(text: &str) -> Vec<String> {
    let value: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
    let mut keys: Vec<(usize, String)> =
        value.keys().map(|k| (text.find(&format!("\"{k}\":")).unwrap(), k.clone())).collect();
    keys.sort();
    keys.into_iter().map(|(_, k)| k).collect()
}

#[test]
fn the_json_of_a_select_is_that_of_the_published_sample_and_then_our_fields() {
    let sample = "{\"startTime\":\"2019-05-24 00:39:49.920564+00\",\"logTime\":\"2019-05-24 00:39:49.940668+00\",\
        \"statementId\":6,\"substatementId\":1,\"objectType\":\"TABLE\",\"command\":\"SELECT\",\
        \"objectName\":\"public.my_table\",\"databaseName\":\"postgres\",\"dbUserName\":\"rdsadmin\",\
        \"remoteHost\":\"172.31.3.195\",\"remotePort\":\"34534\",\"sessionId\":\"5ce73c6f.7e64\",\"rowCount\":10,\
        \"commandText\":\"select * from my_table;\",\"paramList\":[],\"pid\":32356,\"clientApplication\":\"psql\",\
        \"exitCode\":null,\"class\":\"READ\",\"serverVersion\":\"15.18\",\"serverType\":\"PostgreSQL\",\
        \"serviceName\":\"PostgreSQL\",\"serverHost\":\"172.31.3.192\",\"netProtocol\":\"TCP\",\
        \"dbProtocol\":\"Postgres 3.0\",\"type\":\"record\",\"errorMessage\":null";
    let ours =
        ",\"sequence\":7,\"effectiveUserName\":\"rdsadmin\",\"transactionId\":null,\"queryId\":\"-42\"}";
    assert_eq!(json(&select()), format!("{sample}{ours}"));
}

#[test]
fn the_length_of_the_whole_text_is_told_only_where_it_was_cut() {
    let cut = Event { command_text_length: Some(1_000_000), ..select() };
    let mut expected: Vec<&str> = AURORA_KEYS.iter().chain(&OUR_KEYS).copied().collect();
    assert_eq!(keys(&json(&select())), expected);
    expected.push("commandTextLength");
    assert_eq!(keys(&json(&cut)), expected);
}

#[test]
fn parameters_are_an_array_of_strings() {
    let mut params = ParamsBuf::new();
    for text in ["424", "", "é\"\n"] {
        params.push(text);
    }
    let event = Event { params: params.as_params(), ..select() };
    let value: Value = serde_json::from_str(&json(&event)).unwrap();
    assert_eq!(value["paramList"], serde_json::json!(["424", "", "é\"\n"]));
}

/// Frozen bytes: a ring outlives a crash of the server, so its form must not drift unnoticed.
#[test]
fn wire_version_3_is_the_committed_fixture() {
    let mut encoded = Vec::new();
    select().encode(&mut encoded);
    let hex: String = encoded.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, include_str!("fixtures/wire-v3-select.hex").trim());
}

#[test]
fn bytes_of_another_version_are_refused() {
    let mut encoded = Vec::new();
    select().encode(&mut encoded);
    encoded[0] = 1;
    assert_eq!(Event::decode(&encoded), Err(DecodeError::Version(1)));
}

#[test]
fn an_event_that_is_cut_anywhere_or_longer_than_itself_is_refused() {
    let mut encoded = Vec::new();
    select().encode(&mut encoded);
    for end in 0..encoded.len() {
        assert!(Event::decode(&encoded[..end]).is_err(), "{end}");
    }
    for zeroes in 1..=16 {
        encoded.push(0);
        assert!(Event::decode(&encoded).is_err(), "{zeroes}");
    }
}

#[test]
fn bytes_between_two_parts_are_zero() {
    let mut params = ParamsBuf::new();
    params.push("five!");
    let failed = Event { params: params.as_params(), exit_code: Some("42P01"), ..select() };
    let mut encoded = Vec::new();
    failed.encode(&mut encoded);
    assert_eq!(encoded.len() % 8, 0);
    let params_at = encoded.windows(5).position(|bytes| bytes == b"five!").unwrap();
    for behind in [params_at + 5, encoded.len() - 1] {
        assert_eq!(encoded[behind], 0);
        encoded[behind] = 1;
        assert_eq!(Event::decode(&encoded), Err(DecodeError::TrailingBytes), "{behind}");
        encoded[behind] = 0;
    }
    assert_eq!(Event::decode(&encoded).as_ref(), Ok(&failed));
}

/// What is not there has one form only.
#[test]
fn a_number_that_is_not_there_is_zero() {
    let mut encoded = Vec::new();
    select().encode(&mut encoded);
    assert_eq!(encoded[64], 0, "the transaction id");
    encoded[64] = 1;
    assert_eq!(Event::decode(&encoded), Err(DecodeError::Invalid("number that is not there")));
}

#[test]
fn what_is_written_as_zero_is_nothing_else() {
    let mut encoded = Vec::new();
    select().encode(&mut encoded);
    let mut session = Vec::new();
    select().session.encode(select().effective_user, &mut session);
    let session_at = encoded.windows(session.len()).position(|bytes| bytes == session).unwrap();
    for at in [session_at + 2, session_at + 3] {
        let mut changed = encoded.clone();
        changed[at] = 1;
        assert_eq!(Event::decode(&changed), Err(DecodeError::Invalid("reserved bytes")), "{at}");
    }
}

#[derive(Debug, Clone)]
struct Owned {
    numbers: [i64; 3],
    ids: [u64; 2],
    optional: [Option<u64>; 3],
    query_id: Option<i64>,
    class: Class,
    unix: bool,
    texts: [String; 6],
    optional_texts: [Option<String>; 7],
    params: Vec<String>,
    pid: i32,
}

prop_compose! {
    fn owned()(
        numbers in any::<[i64; 3]>(), ids in any::<[u64; 2]>(), optional in any::<[Option<u64>; 3]>(),
        query_id in any::<Option<i64>>(), class in 0usize..6, unix in any::<bool>(), texts in any::<[String; 6]>(),
        optional_texts in any::<[Option<String>; 7]>(), params in any::<Vec<String>>(), pid in any::<i32>(),
    ) -> Owned {
        let class = [Class::Read, Class::Write, Class::Function, Class::Role, Class::Ddl, Class::Misc][class];
        Owned { numbers, ids, optional, query_id, class, unix, texts, optional_texts, params, pid }
    }
}

fn with_event<R>(o: &Owned, f: impl FnOnce(&Event<'_>) -> R) -> R {
    let mut params = ParamsBuf::new();
    o.params.iter().for_each(|p| params.push(p));
    let [command, database, user, remote_host, remote_port, server_host] =
        o.texts.each_ref().map(String::as_str);
    let [application, object_type, object_name, command_text, exit_code, error_message, effective_user] =
        o.optional_texts.each_ref().map(Option::as_deref);
    f(&Event {
        start_time: o.numbers[0],
        log_time: o.numbers[1],
        statement_id: o.ids[0],
        substatement_id: o.ids[1],
        class: o.class,
        command,
        object_type,
        object_name,
        row_count: o.optional[0],
        command_text,
        command_text_length: o.optional[1],
        params: params.as_params(),
        exit_code,
        error_message,
        effective_user,
        transaction_id: o.optional[2],
        query_id: o.query_id,
        session: Session {
            database,
            user,
            remote_host,
            remote_port,
            application,
            server_host,
            net_protocol: if o.unix { NetProtocol::Unix } else { NetProtocol::Tcp },
            start: o.numbers[2],
            pid: o.pid,
        },
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_again(o in owned()) {
        with_event(&o, |event| {
            let mut encoded = Vec::new();
            event.encode(&mut encoded);
            assert_eq!(&Event::decode(&encoded).unwrap(), event);
            assert_eq!(encoded.len() % 8, 0);
        });
    }

    #[test]
    fn any_event_is_json_with_its_texts_in_it(o in owned()) {
        with_event(&o, |event| {
            let value: Value = serde_json::from_str(&json(event)).unwrap();
            assert_eq!(value["command"].as_str(), Some(event.command));
            assert_eq!(value["commandText"].as_str(), event.command_text);
            assert_eq!(value["errorMessage"].as_str(), event.error_message);
            assert_eq!(value["rowCount"].as_u64(), event.row_count);
            assert_eq!(value["statementId"].as_u64(), Some(event.statement_id));
            let params: Vec<&str> = value["paramList"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
            assert_eq!(params, o.params.iter().map(String::as_str).collect::<Vec<_>>());
        });
    }

    #[test]
    fn hostile_bytes_are_refused_or_decoded_never_more(bytes in any::<Vec<u8>>()) {
        let _either = Event::decode(&bytes);
    }

    #[test]
    fn one_changed_byte_is_refused_or_decoded_never_more(o in owned(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        with_event(&o, |event| {
            let mut encoded = Vec::new();
            event.encode(&mut encoded);
            let at = at.index(encoded.len());
            encoded[at] = byte;
            if let Ok(event) = Event::decode(&encoded) {
                let _text = json(&event);
                let mut again = Vec::new();
                event.encode(&mut again);
                assert_eq!(again, encoded, "there is one form of each event");
            }
        });
    }
}
