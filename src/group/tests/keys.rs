//! Every derived key.

use crate::crypto::by_value::public_key;
use crate::crypto::{Curve, Point, Prk, Software};
use crate::group::form::Gid;
use crate::group::keys::{
    ModeKeys, answer_key, credential, delegate_secret, group_prk, member_secret, owner_secret, tag_key,
};
use crate::group::{Mode, flag};
use crate::vectors::{self, Vectors};
use proptest::prelude::*;

fn point(secret: &[u8; 32]) -> Point {
    public_key(secret).unwrap()
}

fn shared(secret: &[u8; 32], public: &Point) -> [u8; 32] {
    let mut base = <Software as Curve>::Base::default();
    Software::prepare(public, &mut base).unwrap();
    let mut shared = [0; 32];
    Software::diffie_hellman(secret, &base, &mut shared).unwrap();
    shared
}

fn owner(create: &Vectors) -> [u8; 32] {
    let mut secret = [0; 32];
    let group = u16::try_from(create.number("group")).unwrap();
    owner_secret::<Software>(&create.array("gos"), group, &mut secret);
    secret
}

#[test]
fn of_owner_and_members() {
    let all = vectors::group();
    let create = all.get("create");
    let secret = owner(&create);
    assert_eq!(secret, create.array("owner_secret"));
    let pk_owner = point(&secret);
    assert_eq!(pk_owner.compressed(), create.array("pk_owner"));
    assert_eq!(credential(&pk_owner).concat(), create.bytes("cred_owner"));
    let group = u16::try_from(create.number("group")).unwrap();
    for member in all.list("members") {
        let mut secret = [0; 32];
        member_secret::<Software>(&create.array("gos"), group, 1, &member.bytes("device"), &mut secret);
        assert_eq!(secret, member.array("secret"));
        let pk = point(&secret);
        assert_eq!(pk.compressed(), member.array("pk"));
        assert_eq!(credential(&pk).concat(), member.bytes("cred"));
        assert_eq!(shared(&secret, &pk_owner), member.array("ss"));
        let kid = u8::try_from(member.number("kid")).unwrap();
        let mut vk = [0; 16];
        Prk::<Software>::with(&create.array("vs"), |vs| tag_key(vs, kid, &mut vk));
        assert_eq!(vk, member.array("vk"));
    }
}

#[test]
fn of_delegates() {
    let all = vectors::group();
    let given = all.get("delegate");
    let group = u16::try_from(given.number("group")).unwrap();
    assert_eq!(credential(&point(&owner(&given))).concat(), given.bytes("cred_owner"));
    let secret = |epoch| {
        let mut secret = [0; 32];
        delegate_secret::<Software>(&given.array("gos"), group, epoch, &given.bytes("delegate"), &mut secret);
        secret
    };
    assert_eq!(secret(1), given.array("delegate_secret"));
    let pk = point(&secret(1));
    assert_eq!(pk.compressed(), given.array("pk_delegate"));
    assert_eq!(credential(&pk).concat(), given.bytes("cred_delegate"));
    // Behind type, flags, group, epoch, floor, MS, the owner's key and the slots.
    let at = 1 + 1 + 2 + 4 + 5 + 32 + 33 + 1;
    assert_eq!(secret(2)[..], given.get("lost").bytes("join_delegate")[at..at + 32]);
}

type AnswerKey<'a> = dyn Fn(&Prk<Software>, Gid) -> [u8; 16] + 'a;

/// Of the contexts of an epoch, which the vectors have in a list.
fn check_contexts(
    ms: [u8; 32],
    group: u16,
    epoch: u32,
    contexts: &[Vectors],
    answer: Option<&AnswerKey<'_>>,
) {
    let mut prk = [0; 32];
    group_prk::<Software>(&ms, &mut prk);
    assert_eq!(contexts.len(), 2);
    for (context, mode) in contexts.iter().zip([Mode::Signed, Mode::Tagged]) {
        let gid = Gid::new(group, mode, epoch);
        assert_eq!(gid.as_slice(), context.bytes("gid"));
        assert_eq!((gid.group(), gid.mode(), u32::from(gid.epoch())), (group, Some(mode), epoch % 64));
        assert_eq!(prk, context.array("prk"));
        let mut keys = ModeKeys::EMPTY;
        Prk::<Software>::with(&prk, |prk| {
            keys.derive(prk, gid);
            if let Some(answer) = answer {
                assert_eq!(answer(prk, gid), context.array("answer_key_lamp_001"));
            }
        });
        assert_eq!(keys.key, context.array("sender_key"));
        assert_eq!(keys.signature_key, context.array("signature_encryption_key"));
        assert_eq!(keys.iv, context.array("common_iv"));
    }
}

#[test]
fn of_contexts_and_answers() {
    let all = vectors::group();
    let create = all.get("create");
    let group = u16::try_from(create.number("group")).unwrap();
    let pk_owner = point(&owner(&create));
    for (epoch, ms, contexts) in [
        (1, create.array("ms"), all.list("contexts")),
        (2, all.get("rekey").array("ms"), all.get("rekey").list("contexts")),
    ] {
        let mut secret = [0; 32];
        member_secret::<Software>(&create.array("gos"), group, epoch, b"lamp-001", &mut secret);
        let (pk, ss) = (point(&secret), shared(&secret, &pk_owner));
        let answer = |prk: &Prk<Software>, gid: Gid| {
            let mut key = [0; 16];
            answer_key(prk, gid, 1, &pk, &pk_owner, &ss, &mut key).unwrap();
            key
        };
        check_contexts(ms, group, epoch, &contexts, Some(&answer));
    }
    let delegate = all.get("delegate");
    let group = u16::try_from(delegate.number("group")).unwrap();
    check_contexts(delegate.array("ms"), group, 1, &delegate.list("contexts"), None);
}

#[test]
fn modes_are_flags() {
    assert_eq!([Mode::Signed.number(), Mode::Tagged.number()], [flag::SIGNED, flag::TAGGED]);
    for number in 0..=255 {
        let mode = Mode::from_number(number);
        assert_eq!(mode.map(Mode::number), Some(number).filter(|number| matches!(number, 1 | 2)));
    }
}

proptest! {
    /// Against arithmetic of somebody else's.
    #[test]
    fn reduction(wide in prop_oneof![any::<[u8; 40]>(), (0_u8..=255).prop_map(|byte| [byte; 40]), near_multiples()]) {
        use p256::elliptic_curve::bigint::{NonZero, U256, U320};
        let modulus = U320::from(&U256::from_be_slice(&crate::crypto::ORDER)).wrapping_sub(&U320::ONE);
        let expected = U320::from_be_slice(&wide).rem(&NonZero::new(modulus).unwrap()).wrapping_add(&U320::ONE);
        let mut secret = [0xaa; 32];
        crate::group::keys::reduce(&wide, &mut secret);
        let expected = expected.to_be_bytes();
        prop_assert_eq!(&secret[..], &expected.as_ref()[8..]);
    }
}

/// A multiple of n - 1, or up to two off.
fn near_multiples() -> impl Strategy<Value = [u8; 40]> {
    (any::<u64>(), -2_i8..=2).prop_map(|(factor, off)| {
        use p256::elliptic_curve::bigint::{U256, U320};
        let modulus = U320::from(&U256::from_be_slice(&crate::crypto::ORDER)).wrapping_sub(&U320::ONE);
        let product = modulus.wrapping_mul(&U320::from_u64(factor));
        let off = if off < 0 {
            product.wrapping_sub(&U320::from_u8(off.unsigned_abs()))
        } else {
            product.wrapping_add(&U320::from_u8(off.unsigned_abs()))
        };
        off.to_be_bytes().as_ref().try_into().unwrap()
    })
}
