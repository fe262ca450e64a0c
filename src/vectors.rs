//! `tests/vectors.json`, the protocol's worked examples, for the tests of every layer; and `tests/ccm.json`.

use serde_json::Value;
use std::string::String;
use std::vec::Vec;

/// One entry of the vectors.
pub struct Vectors(Value);

/// The handshakes, by their names.
pub const SIGNED: [&str; 2] = ["signed", "signed with client cid"];
pub const EXPRESS: [&str; 2] = ["express", "express with client cid"];

/// The whole file.
pub fn all() -> Vectors {
    Vectors(serde_json::from_str(include_str!("../tests/vectors.json")).unwrap())
}

/// Those of groups.
#[cfg(feature = "group")]
pub fn group() -> Vectors {
    Vectors(serde_json::from_str(include_str!("../tests/group-vectors.json")).unwrap())
}

/// Other people's examples of AES-CCM.
pub fn ccm() -> Vectors {
    Vectors(serde_json::from_str(include_str!("../tests/ccm.json")).unwrap())
}

impl Vectors {
    pub fn get(&self, key: &str) -> Vectors {
        Vectors(self.0.get(key).unwrap_or_else(|| panic!("no vector {key}")).clone())
    }

    /// Whether there is such an entry, and it is not null.
    pub fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !value.is_null())
    }

    pub fn text(&self, key: &str) -> String {
        self.get(key).0.as_str().unwrap().into()
    }

    pub fn number(&self, key: &str) -> u64 {
        self.get(key).0.as_u64().unwrap()
    }

    pub fn bytes(&self, key: &str) -> Vec<u8> {
        hex::decode(self.text(key)).unwrap()
    }

    pub fn array<const N: usize>(&self, key: &str) -> [u8; N] {
        self.bytes(key).try_into().unwrap()
    }

    pub fn list(&self, key: &str) -> Vec<Vectors> {
        self.get(key).0.as_array().unwrap().iter().cloned().map(Vectors).collect()
    }

    /// A list of hexadecimal strings.
    #[cfg(feature = "group")]
    pub fn all_bytes(&self, key: &str) -> Vec<Vec<u8>> {
        self.list(key).iter().map(|entry| hex::decode(entry.0.as_str().unwrap()).unwrap()).collect()
    }

    /// Every key with its value, where the values are hexadecimal strings.
    pub fn entries(&self) -> Vec<(String, Vec<u8>)> {
        let object = self.0.as_object().unwrap();
        object.iter().map(|(k, v)| (k.clone(), hex::decode(v.as_str().unwrap()).unwrap())).collect()
    }
}
