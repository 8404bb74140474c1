//! The data keys that KMS has opened, by their encrypted form: one call for each, as long as it is remembered.

use activity_seal::esdk::WrappingKey;

/// Most keys remembered. A producer uses one at a time, for minutes or hours; 64 cover a day of one, or many producers.
pub(crate) const MAX_KEYS: usize = 64;

/// What KMS said of a data key, for ever: a key, or why there is none.
pub(crate) type Verdict = Result<WrappingKey, String>;

/// The least recently used is forgotten first. Keys are zeroized as they are dropped.
#[derive(Debug, Default)]
pub(crate) struct KeyCache {
    /// The most recently used last. Few enough to look through.
    entries: Vec<(Vec<u8>, Verdict)>,
}

impl KeyCache {
    /// What is known of this key.
    pub(crate) fn get(&mut self, ciphertext_blob: &[u8]) -> Option<&Verdict> {
        // From the back: nearly always it is the last one.
        let at = self.entries.iter().rposition(|(blob, _)| blob == ciphertext_blob)?;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        self.entries.last().map(|(_, verdict)| verdict)
    }

    /// Remembers what KMS said.
    pub(crate) fn insert(&mut self, ciphertext_blob: &[u8], verdict: Verdict) {
        self.entries.retain(|(blob, _)| blob != ciphertext_blob);
        if self.entries.len() >= MAX_KEYS {
            drop(self.entries.remove(0));
        }
        self.entries.push((ciphertext_blob.to_vec(), verdict));
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_least_recently_used_key_is_forgotten_first() {
        let mut cache = KeyCache::default();
        let blob = |i: usize| i.to_be_bytes();
        for i in 0..MAX_KEYS {
            cache.insert(&blob(i), Ok(WrappingKey::new(&[0; 32])));
        }
        assert!(cache.get(&blob(0)).is_some());
        cache.insert(&blob(MAX_KEYS), Err("no".into()));
        assert!(cache.get(&blob(0)).is_some());
        assert!(cache.get(&blob(1)).is_none());
        assert!(matches!(cache.get(&blob(MAX_KEYS)), Some(Err(_))));
        assert_eq!(cache.entries.len(), MAX_KEYS);
    }

    #[test]
    fn a_key_that_is_said_twice_is_kept_once() {
        let mut cache = KeyCache::default();
        cache.insert(b"k", Err("no".into()));
        cache.insert(b"k", Ok(WrappingKey::new(&[0; 32])));
        assert!(matches!(cache.get(b"k"), Some(Ok(_))));
        assert_eq!(cache.entries.len(), 1);
    }
}
