//! One piece of a batch to one record: the JSON around its events, the seal, a partition key.

use activity_seal::inner::{self, InnerRecord};
use activity_seal::random::{Random, SystemRandom};
use activity_seal::{DataKey, SealError, seal};

use crate::machine::{Piece, SealFailure, Sealed, Work};
use crate::ports::OutRecord;
use crate::settings::Identity;

/// Seals it, whatever it is.
pub(crate) fn seal_work(work: &Work, identity: &Identity, key: &DataKey) -> Result<Sealed, SealFailure> {
    match work {
        Work::Piece(piece) => seal_piece(piece, identity, key),
        Work::Heartbeat => seal_heartbeat(identity, key),
    }
}

/// Seals the events of a piece into one record.
fn seal_piece(piece: &Piece, identity: &Identity, key: &DataKey) -> Result<Sealed, SealFailure> {
    let json = piece.json();
    let mut record = InnerRecord::new(&identity.cluster_id, &identity.instance_id, json.len());
    record.push_list(json, piece.event_count());
    let epoch = identity.epoch_text();
    let place =
        inner::Place { epoch: &epoch, first_sequence: piece.place.first_sequence, chain: piece.chain };
    let inner = record.finish(Some(place));
    Ok(Sealed { record: seal_record(&inner, key)?, inner_bytes: inner.len() })
}

fn seal_heartbeat(identity: &Identity, key: &DataKey) -> Result<Sealed, SealFailure> {
    let inner = inner::heartbeat(&identity.cluster_id, &identity.instance_id);
    Ok(Sealed { record: seal_record(&inner, key)?, inner_bytes: inner.len() })
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
    use super::*;

    #[test]
    fn a_partition_key_is_a_random_uuid() {
        assert_eq!(uuid_v4([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_v4([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let counted = std::array::from_fn(|i| u8::try_from(i * 17).unwrap());
        assert_eq!(uuid_v4(counted), "00112233-4455-4677-8899-aabbccddeeff");
    }
}
