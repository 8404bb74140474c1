//! Events in their wire form: the payload of a ring in which a process gone wild can write, and their JSON.
//!
//! * What is decoded encodes to the very same bytes: there is one form of each event.
//! * Its JSON is valid, holds the same texts, and is no longer than escapes make it.
//! * What is encoded decodes to the same.

use activity_event::{Class, Event, NetProtocol, ParamsBuf, Server, Session, write_json};
use serde_json::Value;

use crate::input::Input;

/// Every byte of a text can become `\u0000`.
const LONGEST_ESCAPE_BYTES: usize = 6;
/// Keys, numbers and times of an event, generously.
const MAX_FIXED_JSON_BYTES: usize = 2048;

const SERVER: Server<'_> = Server { version: "18.1", server_type: "PostgreSQL", service_name: "fuzz" };

pub(super) fn check(bytes: &[u8]) {
    if let Ok(event) = Event::decode(bytes) {
        let mut again = Vec::new();
        event.encode(&mut again);
        assert_eq!(again, bytes, "decoded, and encoded to something else");
        as_json(&event, bytes.len());
    }
    with_event(&mut Input::new(bytes), |event| {
        let mut encoded = Vec::new();
        event.encode(&mut encoded);
        assert_eq!(Event::decode(&encoded).as_ref(), Ok(event));
        let cut = &encoded[..bytes.len() % encoded.len()];
        assert!(Event::decode(cut).is_err(), "a part of an event is an event");
        as_json(event, encoded.len());
    });
}

fn as_json(event: &Event<'_>, encoded_bytes: usize) {
    let mut json = Vec::new();
    write_json(event, &SERVER, u64::MAX, &mut json);
    // A short parameter has four bytes of length in the wire form and three of punctuation in JSON.
    assert!(json.len() <= MAX_FIXED_JSON_BYTES + LONGEST_ESCAPE_BYTES * encoded_bytes);
    let value: Value = serde_json::from_slice(&json).expect("valid JSON");
    let text = |key: &str| value[key].as_str();
    assert_eq!(text("commandText"), event.command_text);
    assert_eq!(text("command"), Some(event.command));
    assert_eq!(text("objectName"), event.object_name);
    assert_eq!(text("errorMessage"), event.error_message);
    assert_eq!(text("dbUserName"), Some(event.session.user));
    assert_eq!(text("clientApplication"), event.session.application);
    assert_eq!(value["rowCount"].as_u64(), event.row_count);
    assert_eq!(value["statementId"].as_u64(), Some(event.statement_id));
    let params: Vec<_> = value["paramList"].as_array().expect("a list").iter().map(Value::as_str).collect();
    assert!(params.iter().copied().eq(event.params.iter().map(Some)));
}

/// An event with whatever the input says.
fn with_event(input: &mut Input<'_>, run: impl FnOnce(&Event<'_>)) {
    const CLASSES: [Class; 6] =
        [Class::Read, Class::Write, Class::Function, Class::Role, Class::Ddl, Class::Misc];
    let mut params = ParamsBuf::new();
    for _ in 0..input.u8() % 4 {
        params.push(&text(input));
    }
    let texts: [String; 13] = std::array::from_fn(|_| text(input));
    let [command, database, user, remote_host, remote_port, server_host, optional @ ..] = &texts;
    let mut some = optional.iter().map(|text| Some(text.as_str()).filter(|_| input.flag()));
    let [application, object_type, object_name, command_text, exit_code, error_message, effective_user] =
        std::array::from_fn(|_| some.next().flatten());
    let session = Session {
        database,
        user,
        remote_host,
        remote_port,
        application,
        server_host,
        net_protocol: input.pick(&[NetProtocol::Tcp, NetProtocol::Unix]),
        start: input.u64().cast_signed(),
        pid: input.u32().cast_signed(),
    };
    let mut number = || Some(input.u64()).filter(|number| number % 3 != 0);
    let event = Event {
        row_count: number(),
        command_text_length: number(),
        transaction_id: number(),
        query_id: number().map(u64::cast_signed),
        start_time: input.u64().cast_signed(),
        log_time: input.u64().cast_signed(),
        statement_id: input.u64(),
        substatement_id: input.u64(),
        class: input.pick(&CLASSES),
        command,
        object_type,
        object_name,
        command_text,
        exit_code,
        error_message,
        effective_user,
        params: params.as_params(),
        session,
    };
    run(&event);
}

fn text(input: &mut Input<'_>) -> String {
    let length = usize::from(input.u8());
    input.text(length)
}
