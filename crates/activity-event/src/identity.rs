//! Names that a server derives for itself, in the form that consumers of activity streams expect.
//!
//! A cluster id is `cluster-` and 26 characters of base32, an instance id `db-` and 26 of them. There is no further dash
//! and no lower-case letter behind the prefix: consumers split the stream's name at its last dash and look for `db` in it.

use sha2::{Digest, Sha256};

/// Characters of an id behind its prefix: 130 bits.
const ID_CHARACTERS: usize = 26;
/// RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The id of the cluster with this database system identifier. A primary and its physical standbys share it.
#[must_use]
pub fn cluster_id(system_identifier: u64) -> String {
    format!("cluster-{}", id(&[b"cluster", &system_identifier.to_be_bytes()]))
}

/// The id of one server of a cluster.
#[must_use]
pub fn instance_id(system_identifier: u64, host_name: &str, port: u16) -> String {
    let parts: [&[u8]; 4] =
        [b"instance", &system_identifier.to_be_bytes(), host_name.as_bytes(), &port.to_be_bytes()];
    format!("db-{}", id(&parts))
}

/// The stream's name of a cluster: `aws-rds-das-` and the cluster id.
#[must_use]
pub fn stream_name(cluster_id: &str) -> String {
    format!("aws-rds-das-{cluster_id}")
}

/// Base32 of the first bits of a hash over the parts, each with its length before it.
fn id(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bits = digest.iter().flat_map(|byte| (0..8).rev().map(move |i| usize::from(byte >> i & 1)));
    let mut next = || (0..5).fold(0, |value, _| value << 1 | bits.next().unwrap_or(0));
    (0..ID_CHARACTERS).map(|_| BASE32.get(next()).map_or('A', |c| char::from(*c))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_base32(text: &str) -> bool {
        text.len() == ID_CHARACTERS && text.bytes().all(|b| BASE32.contains(&b))
    }

    #[test]
    fn ids_have_the_form_that_consumers_take_apart() {
        let cluster = cluster_id(7_234_567_890_123_456_789);
        let instance = instance_id(7_234_567_890_123_456_789, "db1.example", 5432);
        assert!(cluster.strip_prefix("cluster-").is_some_and(is_base32), "{cluster}");
        assert!(instance.strip_prefix("db-").is_some_and(is_base32), "{instance}");
        assert_eq!(stream_name(&cluster).rsplit_once('-').map(|(_, id)| is_base32(id)), Some(true));
    }

    #[test]
    fn ids_are_the_same_at_every_start_for_ever() {
        assert_eq!(cluster_id(1), cluster_id(1));
        // Frozen: a change of the derivation would give every server a new stream.
        assert_eq!(cluster_id(1), FROZEN_CLUSTER);
        assert_eq!(instance_id(1, "host", 5432), FROZEN_INSTANCE);
    }

    const FROZEN_CLUSTER: &str = "cluster-HVFPGVWDR7Y677PFOVQU5EFB4C";
    const FROZEN_INSTANCE: &str = "db-TYVCPOWQFZSHQ2XP5FF2PVRVQ7";

    #[test]
    fn servers_of_one_cluster_differ_by_host_and_port() {
        let ids = [
            instance_id(1, "a", 5432),
            instance_id(1, "a", 5433),
            instance_id(1, "b", 5432),
            instance_id(2, "a", 5432),
        ];
        for (i, id) in ids.iter().enumerate() {
            assert!(!ids[i + 1..].contains(id));
        }
    }
}
