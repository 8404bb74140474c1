//! One piece of a batch to one record: decode, JSON, seal, a partition key.

use activity_event::{Event, Server, write_json};
use activity_seal::inner::{self, InnerRecord, Place};
use activity_seal::random::{Random, SystemRandom};
use activity_seal::{DataKey, SealError, seal};

use crate::limits::EVENT_JSON_OVERHEAD_BYTES;
use crate::machine::{Piece, SealFailure, Sealed, Unreadable, Work};
use crate::ports::OutRecord;
use crate::settings::Identity;

/// Seals it, whatever it is.
pub(crate) fn seal_work(work: &Work, identity: &Identity, key: &DataKey) -> Result<Sealed, SealFailure> {
    match work {
        Work::Piece(piece) => seal_piece(piece, identity, key),
        Work::Heartbeat => seal_heartbeat(identity, key),
    }
}

/// Seals the events of a piece into one record. An event that cannot be read is left out and counted: its bytes come from
/// memory that any process of the server can damage.
fn seal_piece(piece: &Piece, identity: &Identity, key: &DataKey) -> Result<Sealed, SealFailure> {
    let server = Server {
        version: &identity.server_version,
        server_type: &identity.server_type,
        service_name: &identity.service_name,
    };
    let expected =
        piece.bytes().saturating_add(piece.event_count().saturating_mul(EVENT_JSON_OVERHEAD_BYTES));
    let mut record = InnerRecord::new(&identity.cluster_id, &identity.instance_id, expected);
    let mut first_sequence = None;
    let mut unreadable = Unreadable::default();
    for (sequence, bytes) in piece.events() {
        match bytes.map(Event::decode) {
            Some(Ok(event)) => {
                first_sequence.get_or_insert(sequence);
                record.push_with(|json| write_json(&event, &server, sequence, json));
            }
            Some(Err(_)) | None => unreadable.add(sequence),
        }
    }
    let Some(first_sequence) = first_sequence else {
        return Ok(Sealed { record: None, inner_bytes: 0, unreadable });
    };
    let inner = record.finish(Some(Place { epoch: &identity.epoch, first_sequence }));
    seal_record(&inner, key).map(|record| Sealed {
        record: Some(record),
        inner_bytes: inner.len(),
        unreadable,
    })
}

fn seal_heartbeat(identity: &Identity, key: &DataKey) -> Result<Sealed, SealFailure> {
    let inner = inner::heartbeat(&identity.cluster_id, &identity.instance_id);
    let record = Some(seal_record(&inner, key)?);
    Ok(Sealed { record, inner_bytes: inner.len(), unreadable: Unreadable::default() })
}

fn seal_record(inner: &[u8], key: &DataKey) -> Result<OutRecord, SealFailure> {
    let data = seal(inner, key).map_err(|error| match error {
        SealError::TooLarge { .. } => SealFailure::TooLarge(error.to_string()),
        SealError::Compress | SealError::Esdk(_) => SealFailure::Later(error.to_string()),
    })?;
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes).map_err(|error| SealFailure::Later(error.to_string()))?;
    Ok(OutRecord { partition_key: uuid_v4(bytes), data })
}

/// The text form of a random UUID (RFC 9562, section 5.4).
fn uuid_v4(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(bytes);
    let part = |shift: u32, digits: u32| (number >> shift) & ((1 << (4 * digits)) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 8),
        part(80, 4),
        part(64, 4),
        part(48, 4),
        part(0, 12)
    )
}

#[cfg(test)]
mod tests {
    use activity_event::{Class, NetProtocol, Params, Session};

    use super::*;

    #[test]
    fn a_partition_key_is_a_random_uuid() {
        assert_eq!(uuid_v4([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_v4([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let counted = std::array::from_fn(|i| u8::try_from(i * 17).unwrap());
        assert_eq!(uuid_v4(counted), "00112233-4455-4677-8899-aabbccddeeff");
    }

    /// The estimate of a batch's size rests on it.
    #[test]
    fn the_json_of_an_event_exceeds_its_encoded_form_by_less_than_the_estimate() {
        let event = Event {
            start_time: 1_700_000_000_000_000,
            log_time: 1_700_000_000_000_001,
            statement_id: u64::MAX,
            substatement_id: 1,
            class: Class::Function,
            command: "SELECT",
            object_type: None,
            object_name: None,
            row_count: Some(u64::MAX),
            command_text: Some("select 1"),
            command_text_length: Some(u64::MAX),
            params: Params::EMPTY,
            exit_code: None,
            error_message: None,
            effective_user: None,
            transaction_id: Some(u64::MAX),
            query_id: Some(i64::MIN),
            session: Session {
                database: "",
                user: "",
                remote_host: "[local]",
                remote_port: "",
                application: None,
                server_host: "",
                net_protocol: NetProtocol::Unix,
                start: 1_700_000_000,
                pid: i32::MAX,
            },
        };
        let server =
            Server { version: "18.1", server_type: "PostgreSQL", service_name: "PostgreSQL service" };
        let (mut encoded, mut json) = (Vec::new(), Vec::new());
        event.encode(&mut encoded);
        write_json(&event, &server, u64::MAX, &mut json);
        let overhead = json.len() - encoded.len();
        assert!((500..=EVENT_JSON_OVERHEAD_BYTES).contains(&overhead), "{overhead}");
    }
}
