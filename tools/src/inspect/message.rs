//! Handshake messages (protocol section 3).

use super::Found;
use super::walk::Walk;
use crate::show;
use lscoap::Alert;
use lscoap::limits::{CID_MAX, COOKIE_LEN, DEVICE_ID_MAX, SIGNATURE_LEN, TAG_LEN};
use lscoap::wire::Type;

/// The length of the nonces of a resumption.
const NONCE_LEN: usize = 8;

/// Names the fields. Also what the message is, as far as its first byte tells.
pub fn inspect(walk: &mut Walk<'_>) -> Found {
    let Some(message_type) = Type::of(walk.left()) else { return unknown(walk) };
    let (name, meaning) = match message_type {
        Type::M1 => ("M1", "a device opens a signed handshake"),
        Type::M2 => ("M2 \"HelloClient\"", "the server's answer to M1"),
        Type::M3 => ("M3", "the device's signature"),
        Type::M4 => ("M4", "the server's signature"),
        Type::X1 => ("X1", "a device opens an express handshake"),
        Type::X2 => ("X2", "the server's answer to X1"),
        Type::R1 => ("R1", "a device resumes a session"),
        Type::R2 => ("R2", "the server's answer to R1"),
        Type::Retry => ("RETRY", "the server asks for the same message with this cookie"),
        Type::Retried => ("RETRIED", "a message sent again with a cookie"),
        Type::Alert => ("ALERT", "the server refuses; anyone could have sent this"),
    };
    Found { name, meaning, result: fields(walk, message_type).and_then(|()| walk.end()) }
}

/// A first byte that no message has.
fn unknown(walk: &mut Walk<'_>) -> Found {
    let first = walk.left().first().copied().unwrap_or_default();
    let result = match (first >> 4, first & 0x0f) {
        (1, kind) => walk.fault(format_args!("there is no message of type {kind}")),
        (version, _) => walk.fault(format_args!("version {version}, where only 1 is known")),
    };
    Found { name: "unknown message", meaning: "", result }
}

/// The fields of a message of this type.
fn fields(walk: &mut Walk<'_>, message_type: Type) -> Result<(), String> {
    walk.byte("type")?;
    walk.note(format!("version 1, {}", message_type.name().to_string_lossy()));
    match message_type {
        Type::M1 => {
            client_names(walk)?;
            walk.x("X(E_C)")
        }
        Type::M2 => {
            server_cid(walk)?;
            walk.x("X(E_S)")
        }
        Type::M3 => {
            server_cid(walk)?;
            walk.take("C3", SIGNATURE_LEN)?;
            walk.note("sealed: SIG_C");
            tag(walk)
        }
        Type::M4 => {
            walk.take("C4", SIGNATURE_LEN)?;
            walk.note("sealed: SIG_S");
            tag(walk)
        }
        Type::X1 => {
            walk.x("X(E_C)")?;
            walk.take_all_but("C1", TAG_LEN, (1 + 1, 1 + CID_MAX + DEVICE_ID_MAX))?;
            walk.note("sealed: L, cid_C, device id");
            tag(walk)
        }
        Type::X2 => {
            walk.x("X(E_S)")?;
            walk.take_all_but("C2", TAG_LEN, (1, CID_MAX))?;
            walk.note("sealed: cid_S");
            tag(walk)
        }
        Type::R1 => {
            server_cid(walk)?;
            walk.take("N_C", NONCE_LEN)?;
            walk.take("T1", TAG_LEN)?;
            walk.note("tag");
            Ok(())
        }
        Type::R2 => {
            let n_s = walk.take("N_S", NONCE_LEN)?;
            if let [high, low, ..] = *n_s {
                let before = u16::from_be_bytes([high, low]);
                walk.note(format!("{before} answered before for this secret, then random"));
            }
            walk.take_all_but("C_R", TAG_LEN, (1, CID_MAX))?;
            walk.note("sealed: the new cid_S");
            tag(walk)
        }
        Type::Retry => walk.take("cookie", COOKIE_LEN).map(|_| ()),
        Type::Retried => {
            walk.take("cookie", COOKIE_LEN)?;
            match Type::of(walk.left()).filter(|inner| inner.opens()) {
                Some(inner) => fields(walk, inner),
                None => walk.fault("an M1, X1 or R1 must follow"),
            }
        }
        Type::Alert => {
            let code = walk.byte("code")?;
            match Alert::from_code(code) {
                Ok(alert) => walk.note(alert_name(alert)),
                Err(_) => return walk.fault_before(format_args!("there is no alert {code}")),
            }
            Ok(())
        }
    }
}

/// What a code says.
fn alert_name(alert: Alert) -> &'static str {
    match alert {
        Alert::UnknownDevice => "unknown device",
        Alert::Authentication => "authentication failed",
        Alert::Malformed => "malformed",
        Alert::Busy => "busy",
        Alert::UnknownSession => "unknown session",
    }
}

/// `L || cid_C || device id`.
fn client_names(walk: &mut Walk<'_>) -> Result<(), String> {
    let l = walk.byte("L")?;
    let (cid_len, id_len) = (usize::from(l >> 5), usize::from(l & 0x1f) + 1);
    walk.note(format!("cid_C has length {cid_len}, device id {id_len}"));
    walk.take("cid_C", cid_len)?;
    let id = walk.take("device id", id_len)?;
    walk.note(show::escape(id));
    Ok(())
}

/// `L || cid_S`.
fn server_cid(walk: &mut Walk<'_>) -> Result<(), String> {
    let l = walk.byte("L")?;
    let len = usize::from(l >> 5);
    walk.note(format!("cid_S has length {len}"));
    if l & 0x1f != 0 {
        return walk.fault_before("the low five bits of L must be zero");
    }
    if len == 0 {
        return walk.fault_before("cid_S must not be empty");
    }
    walk.take("cid_S", len).map(|_| ())
}

/// The tag after a sealed field.
fn tag(walk: &mut Walk<'_>) -> Result<(), String> {
    walk.take("tag", TAG_LEN).map(|_| ())
}
