//! An identity in a secure element, by the C interface: the callbacks compute with `p256`.

use lscoap::enrolment;
use lscoap::ffi::client::*;
use lscoap::ffi::exchange::lscoap_exchange;
use lscoap::ffi::io::lscoap_io;
use lscoap::ffi::platform::{LSCOAP_POINT_LEN, LSCOAP_SIGNATURE_LEN, lscoap_platform};
use lscoap::ffi::server::*;
use lscoap::ffi::session::*;
use lscoap::ffi::slot::lscoap_slot;
use lscoap::ffi::status::*;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use p256::{PublicKey, SecretKey};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

const DEVICE_SECRET: [u8; 32] = [1; 32];
const SERVER_SECRET: [u8; 32] = [2; 32];
const ID: &[u8] = b"sensor-7";
const AAD: &[u8] = b"\xb5index";

/// What the callbacks of one end share.
struct Hardware {
    secret: SecretKey,
    draws: Cell<u8>,
    signatures: Cell<usize>,
    agreements: Cell<usize>,
    is_broken: Cell<bool>,
}

impl Hardware {
    fn new(secret: &[u8; 32], draws: u8) -> &'static Self {
        Box::leak(Box::new(Self {
            secret: SecretKey::from_slice(secret).expect("a secret"),
            draws: draws.into(),
            signatures: 0.into(),
            agreements: 0.into(),
            is_broken: true.into(),
        }))
    }

    fn platform(&'static self) -> lscoap_platform {
        lscoap_platform {
            context: (&raw const *self).cast_mut().cast(),
            random: Some(random),
            unique: None,
            aes128_encrypt: None,
            ccm: None,
            sign: Some(sign),
            ecdh: Some(ecdh),
        }
    }
}

fn count(counter: &Cell<usize>) {
    counter.set(counter.get() + 1);
}

unsafe extern "C" fn random(context: *mut c_void, out: *mut u8, len: usize) -> c_int {
    // SAFETY: the library passes the context on, and room for `len` bytes.
    unsafe {
        let draws = &(*context.cast::<Hardware>()).draws;
        draws.set(draws.get() + 1);
        out.write_bytes(draws.get(), len);
    }
    0
}

unsafe extern "C" fn sign(context: *mut c_void, digest: *const u8, signature: *mut u8) -> c_int {
    // SAFETY: the library passes the context on, 32 bytes and room for 64.
    let (hardware, digest, out) = unsafe {
        let out = &mut *signature.cast::<[u8; LSCOAP_SIGNATURE_LEN]>();
        (&*context.cast::<Hardware>(), *digest.cast::<[u8; 32]>(), out)
    };
    count(&hardware.signatures);
    let signature: Signature = SigningKey::from(&hardware.secret).sign_prehash(&digest).expect("a signature");
    out.copy_from_slice(&signature.to_bytes());
    c_int::from(hardware.is_broken.get())
}

unsafe extern "C" fn ecdh(context: *mut c_void, peer: *const u8, shared: *mut u8) -> c_int {
    // SAFETY: the library passes the context on, 65 bytes and room for 32.
    let (hardware, peer, out) = unsafe {
        let out = &mut *shared.cast::<[u8; 32]>();
        (&*context.cast::<Hardware>(), *peer.cast::<[u8; LSCOAP_POINT_LEN]>(), out)
    };
    count(&hardware.agreements);
    assert_eq!(peer[0], 4, "an uncompressed point");
    let peer = PublicKey::from_sec1_bytes(&peer).expect("a point of the curve");
    let product = p256::ecdh::diffie_hellman(hardware.secret.to_nonzero_scalar(), peer.as_affine());
    out.copy_from_slice(product.raw_secret_bytes());
    c_int::from(hardware.is_broken.get())
}

/// Knows one device.
unsafe extern "C" fn find(_: *mut c_void, id: *const u8, id_len: usize, public_key: *mut u8) -> c_int {
    // SAFETY: the library passes the id, and room for a key.
    let (id, out) = unsafe { (std::slice::from_raw_parts(id, id_len), &mut *public_key.cast::<[u8; 33]>()) };
    *out = enrolment::public_key(&DEVICE_SECRET).expect("a key");
    c_int::from(id != ID)
}

/// An object of the library's in zeroed memory, which stays where it is.
fn zeroed<T>() -> *mut T {
    Box::leak(Box::<MaybeUninit<T>>::new(MaybeUninit::zeroed())).as_mut_ptr()
}

/// Both ends.
struct World {
    device: &'static Hardware,
    host: &'static Hardware,
    client: *mut lscoap_client,
    server: *mut lscoap_server,
}

impl World {
    /// With the identity in an element at the device, at the server, at both or at none.
    fn new(profile: i32, device_has_element: bool, server_has_element: bool) -> Self {
        let key = |secret| enrolment::public_key(secret).expect("a key");
        let (device_key, server_key) = (key(&DEVICE_SECRET), key(&SERVER_SECRET));
        let world = Self {
            device: Hardware::new(&DEVICE_SECRET, 0),
            host: Hardware::new(&SERVER_SECRET, 100),
            client: zeroed(),
            server: zeroed(),
        };
        let either = |here: bool, secret: &'static [u8; 32]| if here { null() } else { secret.as_ptr() };
        let config = lscoap_client_config {
            device_id: ID.as_ptr(),
            device_id_len: ID.len(),
            identity: either(device_has_element, &DEVICE_SECRET),
            identity_public_key: device_key.as_ptr(),
            server_key: server_key.as_ptr(),
            cid: null(),
            cid_len: 0,
            profile,
        };
        let server_config = lscoap_server_config {
            identity: either(server_has_element, &SERVER_SECRET),
            identity_public_key: server_key.as_ptr(),
            find_device: Some(find),
            find_device_context: null_mut(),
            cid_len: 0,
            cid_prefix: null(),
            cid_prefix_len: 0,
            retry_rate: 0,
            resume_limit: 0,
            load_resume: None,
            save_resume: None,
            resume_context: null_mut(),
            session_ended: None,
            session_ended_context: null_mut(),
        };
        let (device, host) = (world.device.platform(), world.host.platform());
        let slots: *mut [lscoap_slot; 2] = zeroed();
        // SAFETY: all of them live for ever.
        unsafe {
            assert_eq!(lscoap_client_init(world.client, &device, &config), LSCOAP_OK);
            assert_eq!(lscoap_server_init(world.server, &host, &server_config, slots.cast(), 2), LSCOAP_OK);
        }
        world
    }

    fn ask(&self, input: &[u8]) -> (lscoap_status, Vec<u8>) {
        let (mut out, mut len) = ([0; 98], 0);
        let pointer = if input.is_empty() { null() } else { input.as_ptr() };
        // SAFETY: a live client, and as many bytes as are said.
        let status = unsafe {
            lscoap_client_step(self.client, pointer, input.len(), out.as_mut_ptr(), out.len(), &mut len)
        };
        (status, out[..len].to_vec())
    }

    fn serve(&self, input: &[u8]) -> (lscoap_status, Vec<u8>) {
        let mut out = [0; 98];
        let peer = b"peer";
        // SAFETY: a live server, and as many bytes as are said.
        let (status, len) = unsafe {
            let from =
                lscoap_sender { peer: peer.as_ptr(), peer_len: peer.len(), source: null(), source_len: 0 };
            let mut io = io_of(input, &mut out);
            let status = lscoap_server_step(self.server, &from, &mut io, null_mut());
            (status, io.out_len)
        };
        (status, out[..len].to_vec())
    }

    /// A first request, which the server opens.
    fn request(&self) {
        let session: *mut lscoap_session = zeroed();
        let (ours, theirs): (*mut lscoap_exchange, *mut lscoap_exchange) = (zeroed(), zeroed());
        let (mut object, mut plain, mut found) = ([0; 64], [0; 64], null_mut());
        // SAFETY: live objects, and as many bytes as are said.
        unsafe {
            assert_eq!(lscoap_client_finish(self.client, session), LSCOAP_OK);
            let mut io = io_of(b"hello", &mut object);
            assert_eq!(lscoap_seal_request(session, &mut io, ours), LSCOAP_OK);
            let len = io.out_len;
            let mut io = io_of(&object[..len], &mut plain);
            assert_eq!(lscoap_server_open_request(self.server, &mut io, &mut found, theirs), LSCOAP_OK);
            let len = io.out_len;
            assert_eq!(&plain[..len], &b"hello"[..]);
            lscoap_session_wipe(session);
        }
    }
}

fn io_of(input: &[u8], out: &mut [u8]) -> lscoap_io {
    lscoap_io {
        input: input.as_ptr(),
        input_len: input.len(),
        out: out.as_mut_ptr(),
        out_cap: out.len(),
        out_len: 0,
        now_ms: 0,
        aad: AAD.as_ptr(),
        aad_len: AAD.len(),
    }
}

/// A handshake and a request with an element at either end, at both and at none. Each of its operations fails
/// first: the step says so and works when it is repeated.
#[test]
fn handshakes() {
    for profile in [LSCOAP_SIGNED, LSCOAP_EXPRESS] {
        for (device, server) in [(false, false), (true, false), (false, true), (true, true)] {
            let world = World::new(profile, device, server);
            let (mut status, mut message) = world.ask(&[]);
            while status == LSCOAP_SEND {
                let (mut served, mut answer) = world.serve(&message);
                if served == LSCOAP_ERR_HARDWARE {
                    world.host.is_broken.set(false);
                    (served, answer) = world.serve(&message);
                }
                assert_eq!(served, LSCOAP_SEND);
                (status, message) = world.ask(&answer);
                if status == LSCOAP_ERR_HARDWARE {
                    world.device.is_broken.set(false);
                    (status, message) = world.ask(&answer);
                }
            }
            assert_eq!(status, LSCOAP_READY);
            world.request();
            for (hardware, is_used) in [(world.device, device), (world.host, server)] {
                let uses = if is_used { 2 } else { 0 };
                let expected = if profile == LSCOAP_SIGNED { (uses, 0) } else { (0, uses) };
                assert_eq!((hardware.signatures.get(), hardware.agreements.get()), expected);
                assert_eq!(hardware.is_broken.get(), !is_used, "it has failed once");
            }
            // SAFETY: a live server and client.
            unsafe {
                lscoap_client_wipe(world.client);
                lscoap_server_wipe(world.server);
            }
        }
    }
}
