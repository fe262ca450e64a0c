//! Every hash, key and message of the vectors, from the functions alone.

use super::*;
use crate::crypto::by_value::{decompress, diffie_hellman, lift_x, public_key, sign};
use crate::crypto::{Curve, Software as B, sha256};
use crate::limits::{PUBLIC_KEY_LEN, TAG_LEN};
use crate::vectors::{self, Vectors};
use std::vec::Vec;

struct Identity {
    sk_c: [u8; 32],
    sk_s: [u8; 32],
    pk_c: [u8; PUBLIC_KEY_LEN],
    pk_s: [u8; PUBLIC_KEY_LEN],
}

fn identity() -> Identity {
    let v = vectors::all().get("identity");
    let id = Identity {
        sk_c: v.array("sk_C"),
        sk_s: v.array("sk_S"),
        pk_c: v.array("pk_C"),
        pk_s: v.array("pk_S"),
    };
    assert_eq!(public_key(&id.sk_c).unwrap().compressed(), id.pk_c);
    assert_eq!(public_key(&id.sk_s).unwrap().compressed(), id.pk_s);
    id
}

fn shared(secret: &[u8; 32], x: &[u8; 32]) -> [u8; 32] {
    diffie_hellman(secret, &lift_x(x).unwrap()).unwrap()
}

/// What a function writes.
fn written(write: impl FnOnce(&mut [u8; 32])) -> [u8; 32] {
    let mut out = [0; 32];
    write(&mut out);
    out
}

fn once(write: impl FnOnce(&mut OnceKey)) -> OnceKey {
    let mut key = OnceKey::EMPTY;
    write(&mut key);
    key
}

fn seal(key: &OnceKey, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut message = Message::new();
    message.put(aad);
    message.put(plaintext);
    key.seal_tail::<B>((), &mut message, aad.len(), aad.len()).unwrap();
    assert_eq!(message[..aad.len()], *aad);
    message[aad.len()..].to_vec()
}

/// The x-coordinates of the ephemeral keys, which end M1 and M2.
fn ephemerals(v: &Vectors) -> ([u8; 32], [u8; 32]) {
    let x = |secret: &str| public_key(&v.array(secret)).unwrap().x;
    (x("e_C"), x("e_S"))
}

#[test]
fn signed_profile() {
    let id = identity();
    for name in vectors::SIGNED {
        let v = vectors::all().get(name);
        let (m1, m2) = (v.bytes("M1"), v.bytes("M2"));
        let (x_c, x_s) = ephemerals(&v);
        assert!(m1.ends_with(&x_c) && m2.ends_with(&x_s));

        assert_eq!(sha256::<B>(&[b"LSCoAP-1 signed", &id.pk_s]), v.array("TH_0"));
        let th_1 = signed::th_1::<B>(&id.pk_s, &m1);
        assert_eq!(th_1, v.array("TH_1"));
        let th_2 = signed::th_2::<B>(&th_1, &id.pk_c, &m2);
        assert_eq!(th_2, v.array("TH_2"));
        let dh = shared(&v.array("e_C"), &x_s);
        assert_eq!(dh, shared(&v.array("e_S"), &x_c));
        assert_eq!(dh, v.array("DH"));
        let prk = written(|prk| signed::prk::<B>(&th_2, &dh, prk));
        assert_eq!(prk, v.array("PRK"));
        let k_3 = once(|k_3| signed::k_3::<B>(&prk, k_3));
        assert_eq!(k_3.bytes(), v.array("K_3"));
        let digest = signed::client_digest::<B>(&th_2);
        let sig_c = sign(&id.sk_c, &digest).unwrap();
        assert_eq!(sig_c, v.array("SIG_C"));
        assert_eq!(B::verify(&decompress(&id.pk_c).unwrap(), &digest, &sig_c), Ok(()));
        let m3 = v.bytes("M3");
        let aad = &m3[..m3.len() - sig_c.len() - TAG_LEN];
        assert_eq!(m3[aad.len()..], seal(&k_3, aad, &sig_c));
        let th_3 = signed::th_next::<B>(&th_2, &m3);
        assert_eq!(th_3, v.array("TH_3"));
        let k_4 = once(|k_4| signed::k_4::<B>(&prk, &th_3, k_4));
        assert_eq!(k_4.bytes(), v.array("K_4"));
        let sig_s = sign(&id.sk_s, &signed::server_digest::<B>(&th_3)).unwrap();
        assert_eq!(sig_s, v.array("SIG_S"));
        let m4 = v.bytes("M4");
        assert_eq!(m4[1..], seal(&k_4, &m4[..1], &sig_s));
        let th_4 = signed::th_next::<B>(&th_3, &m4);
        assert_eq!(th_4, v.array("TH_4"));
        assert_eq!(written(|out| signed::out::<B>(&prk, &th_4, out)), v.array("OUT"));
    }
}

#[test]
fn express_profile() {
    let id = identity();
    for name in vectors::EXPRESS {
        let v = vectors::all().get(name);
        let (x_c, x_s) = ephemerals(&v);
        assert_eq!(sha256::<B>(&[b"LSCoAP-1 express", &id.pk_s]), v.array("TH_0"));
        let th_1 = express::th_1::<B>(&id.pk_s, &x_c);
        assert_eq!(th_1, v.array("TH_1"));
        let dh_static = diffie_hellman(&v.array("e_C"), &decompress(&id.pk_s).unwrap()).unwrap();
        assert_eq!(dh_static, shared(&id.sk_s, &x_c));
        let prk_1 = written(|prk_1| express::prk_1::<B>(&th_1, &dh_static, prk_1));
        assert_eq!(prk_1, v.array("PRK_1"));
        let k_1 = once(|k_1| express::k_1::<B>(&prk_1, k_1));
        assert_eq!(k_1.bytes(), v.array("K_1"));

        let x1 = v.bytes("X1");
        let (head, c1) = x1.split_at(33);
        assert_eq!(head[1..], x_c);
        let mut names = std::vec![0; c1.len() - TAG_LEN];
        k_1.open::<B>((), &[0x15], c1, &mut names).unwrap();
        let names = crate::wire::parse_client_names(&names).unwrap();
        assert_eq!(names.cid_c, v.bytes("cid_C"));
        assert_eq!(names.device_id, vectors::all().get("identity").bytes("device_id"));

        let th_2 = express::th_2::<B>(&th_1, c1, &id.pk_c, &x_s);
        assert_eq!(th_2, v.array("TH_2"));
        assert_eq!(written(|s_2| expand::<B>(&prk_1, &[b"s2", &th_2], s_2)), v.array("S_2"));
        let client = decompress(&id.pk_c).unwrap();
        let at_client = (shared(&v.array("e_C"), &x_s), shared(&id.sk_c, &x_s));
        let at_server = (shared(&v.array("e_S"), &x_c), diffie_hellman(&v.array("e_S"), &client).unwrap());
        assert_eq!(at_client, at_server);
        let prk_2 = written(|prk_2| express::prk_2::<B>(&prk_1, &th_2, &at_client.0, &at_client.1, prk_2));
        assert_eq!(prk_2, v.array("PRK_2"));
        let k_2 = once(|k_2| express::k_2::<B>(&prk_2, k_2));
        assert_eq!(k_2.bytes(), v.array("K_2"));
        let x2 = v.bytes("X2");
        let c2 = seal(&k_2, &[0x16], &v.bytes("cid_S"));
        assert_eq!(x2, [&[0x16][..], &x_s, &c2].concat());
        let th_3 = express::th_3::<B>(&th_2, &c2);
        assert_eq!(th_3, v.array("TH_3"));
        assert_eq!(written(|out| express::out::<B>(&prk_2, &th_3, out)), v.array("OUT"));
    }
}

#[test]
fn resume_keys() {
    let v = vectors::all().get("resume");
    let of = vectors::all().get(&v.text("of"));
    let rms = written(|rms| resume::rms::<B>(&of.array("OUT"), rms));
    assert_eq!(rms, of.get("session").array("resume_RMS"));
    let k_r1 = once(|k_r1| resume::k_r1::<B>(&rms, &v.array("N_C"), k_r1));
    assert_eq!(k_r1.bytes(), v.array("K_R1"));
    let r1 = v.bytes("R1");
    let aad = &r1[..r1.len() - TAG_LEN];
    assert_eq!(r1[aad.len()..], seal(&k_r1, aad, b""));
    let th = resume::th::<B>(&r1, &v.array("N_S"));
    let prk_r2 = written(|prk_r2| resume::prk_r2::<B>(&rms, &th, prk_r2));
    let k_r2 = once(|k_r2| resume::k_r2::<B>(&prk_r2, k_r2));
    assert_eq!(k_r2.bytes(), v.array("K_R2"));
    let r2 = v.bytes("R2");
    assert_eq!(r2[9..], seal(&k_r2, &r2[..9], &v.bytes("new_cid_S")));
    let out = written(|out| resume::out::<B>(&prk_r2, &th, &r2[9..], out));
    assert_eq!(out, v.array("OUT"));
}
