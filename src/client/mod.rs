//! The device's half of the handshake (protocol sections 3 to 7).

use crate::crypto::{Backend, Point, Software};
use crate::entropy::Hedge;
use crate::error::{Error, Status};
use crate::identity::{Identity, Key};
use crate::limits::{
    COOKIE_LEN, PUBLIC_KEY_LEN, RETRIES_MAX, SECRET_KEY_LEN, SIGNATURE_LEN, TAG_LEN, X1_MAX,
};
use crate::platform::Platform;
use crate::schedule::secret;
use crate::session::{Outcome, Role, Session};
use crate::wire::{Cid, DeviceId, Emit, Message, Parsed, Type, parse};
use zeroize::Zeroize;

#[cfg(feature = "express")]
mod express;
#[cfg(feature = "resume")]
mod resume;
#[cfg(feature = "signed")]
mod signed;

/// How the two sides prove themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Profile {
    /// The paper's four messages: both sides sign. Two round trips.
    #[cfg(feature = "signed")]
    Signed = 1,
    /// Two messages, static-ephemeral Diffie-Hellman, the device id hidden. One round trip.
    #[cfg(feature = "express")]
    Express = 2,
}

/// Who the device is and whom it talks to.
#[derive(Clone, Copy)]
pub struct ClientConfig<'a> {
    /// 1 to 32 bytes.
    pub device_id: &'a [u8],
    /// The device's identity.
    pub identity: Key<'a>,
    /// The server's identity key, a compressed SEC1 point.
    pub server_key: &'a [u8; PUBLIC_KEY_LEN],
    /// The connection id that the server puts into requests of its own: 0 to 7 bytes, usually none.
    pub cid: &'a [u8],
    /// Which handshake to make.
    pub profile: Profile,
}

impl<'a> ClientConfig<'a> {
    /// A configuration with a secret and without a connection id.
    pub fn new(
        device_id: &'a [u8],
        identity: &'a [u8; SECRET_KEY_LEN],
        server_key: &'a [u8; PUBLIC_KEY_LEN],
        profile: Profile,
    ) -> Self {
        Self { device_id, identity: Key::Secret(identity), server_key, cid: &[], profile }
    }
}

/// Marks an initialised client; zeroed memory is none.
const LIVE: u32 = 0x4c53_4343;

/// What the client waits for.
mod state {
    pub const START: u8 = 1;
    pub const AWAIT_M2: u8 = 2;
    pub const AWAIT_M4: u8 = 3;
    pub const AWAIT_X2: u8 = 4;
    pub const READY: u8 = 5;
    pub const RESUME: u8 = 6;
    pub const AWAIT_R2: u8 = 7;
}

/// The longest message that a client sends, and may have to repeat: X1 and M3 with long ids have this size.
const SENT_MAX: usize = max(X1_MAX, 2 + crate::limits::CID_MAX + SIGNATURE_LEN + TAG_LEN);

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

type Sent = crate::bytes::Bytes<SENT_MAX>;

/// A device: its identity, and at most one handshake. Wiped when dropped.
pub struct Client<B: Backend = Software> {
    live: u32,
    profile: u8,
    state: u8,
    /// Draws made; see [`crate::entropy`].
    draws: u64,
    identity: Identity,
    server_key: Point,
    device_id: DeviceId,
    cid_c: Cid,
    handshake: Handshake,
    /// Where AES runs.
    engine: B::Engine,
}

/// What is forgotten between two handshakes.
struct Handshake {
    /// The ephemeral secret; wiped once it is not needed.
    ephemeral: [u8; 32],
    /// The transcript so far.
    th: [u8; 32],
    /// `PRK`, `PRK_1` of the express profile, or `RMS`; `OUT` at the end.
    key: [u8; 32],
    cid_s: Cid,
    /// The last message sent; of a first one, what a RETRIED has inside.
    sent: Sent,
    /// The cookie of the last RETRY, and how many there were.
    cookie: [u8; COOKIE_LEN],
    retries: u8,
}

wiped!(Handshake { ephemeral, th, key, cid_s, sent, cookie, retries });

impl Handshake {
    const EMPTY: Self = Self {
        ephemeral: [0; 32],
        th: [0; 32],
        key: [0; 32],
        cid_s: Cid::EMPTY,
        sent: Sent::EMPTY,
        cookie: [0; COOKIE_LEN],
        retries: 0,
    };
}

impl<B: Backend> Client<B> {
    /// Loads the identity. [`Error::Key`] for a secret or a server key that is none, [`Error::Argument`] for
    /// an id of the wrong length. The client that is given is moved, which may leave copies of the secret behind.
    pub fn new(config: &ClientConfig<'_>) -> Result<Self, Error> {
        let mut client = Self {
            live: 0,
            profile: 0,
            state: 0,
            draws: 0,
            identity: Identity::EMPTY,
            server_key: Point::EMPTY,
            device_id: DeviceId::EMPTY,
            cid_c: Cid::EMPTY,
            handshake: Handshake::EMPTY,
            engine: B::Engine::default(),
        };
        client.load(config)?;
        Ok(client)
    }

    /// [`Client::new`] over an older client, where it stays. After an error nothing has changed.
    pub(crate) fn load(&mut self, config: &ClientConfig<'_>) -> Result<(), Error> {
        if config.device_id.is_empty() {
            return Err(Error::Argument);
        }
        let device_id = DeviceId::copy_of(config.device_id, Error::Argument)?;
        let cid_c = Cid::copy_of(config.cid, Error::Argument)?;
        let mut server_key = Point::EMPTY;
        B::decompress(config.server_key, &mut server_key)?;
        self.identity.load::<B>(config.identity)?;
        self.live = LIVE;
        self.profile = config.profile as u8;
        self.draws = 0;
        self.server_key = server_key;
        self.device_id = device_id;
        self.cid_c = cid_c;
        self.engine = B::Engine::default();
        self.restart()
    }

    /// Has AES run elsewhere, in the sessions to come too.
    pub fn set_engine(&mut self, engine: B::Engine) {
        self.engine = engine;
    }

    /// Where AES runs.
    #[cfg(feature = "device")]
    pub(crate) fn engine(&self) -> B::Engine {
        self.engine
    }

    /// Whether a session is this client's: of its device id, and with its connection id.
    #[cfg(feature = "resume")]
    pub(crate) fn owns(&self, session: &Session<B>) -> bool {
        session.device_id() == Ok(self.device_id.as_slice())
            && session.recipient_id().as_slice() == self.cid_c.as_slice()
    }

    /// The device's identity key, a compressed SEC1 point.
    pub fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        self.identity.public_key()
    }

    /// Takes one message of the server's and gives the next to send. With `None`: the first message, and
    /// after that the last one again. A RETRY gives the first message once more with the server's cookie, three
    /// times at most. A message that is not right changes nothing: keep waiting for the right
    /// one, or begin anew with [`Client::restart`].
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unexpected`], [`Error::Authentication`], [`Error::Alert`] by what came;
    /// [`Error::Random`]; [`Error::State`] with `None` once the session is ready.
    pub fn step<P: Platform + ?Sized>(
        &mut self,
        platform: &mut P,
        input: Option<&[u8]>,
        out: &mut Message,
    ) -> Result<Status, Error> {
        out.clear();
        let result = self.take(platform, input, out);
        if result.is_err() {
            out.clear();
        }
        result
    }

    fn take<P: Platform + ?Sized>(
        &mut self,
        platform: &mut P,
        input: Option<&[u8]>,
        out: &mut Message,
    ) -> Result<Status, Error> {
        self.check_live()?;
        let Some(input) = input else { return self.first_or_repeated(platform, out) };
        match (self.state, parse(input)?) {
            (_, Parsed::Alert(alert)) => Err(Error::Alert(alert)),
            #[cfg(feature = "signed")]
            (state::AWAIT_M2, Parsed::M2 { cid_s, x }) => self.signed_m3(platform, input, cid_s, x, out),
            #[cfg(feature = "signed")]
            (state::AWAIT_M4, Parsed::M4 { c4 }) => self.signed_finish(input, c4),
            #[cfg(feature = "express")]
            (state::AWAIT_X2, Parsed::X2 { x, c2 }) => self.express_finish(platform, x, c2),
            #[cfg(feature = "resume")]
            (state::AWAIT_R2, Parsed::R2 { n_s, c_r }) => self.resume_finish(n_s, c_r),
            (state::AWAIT_M2 | state::AWAIT_X2 | state::AWAIT_R2, Parsed::Retry { cookie }) => {
                self.retry(cookie, out)
            }
            (
                _,
                Parsed::M1 { .. }
                | Parsed::M2 { .. }
                | Parsed::M3 { .. }
                | Parsed::M4 { .. }
                | Parsed::X1 { .. }
                | Parsed::X2 { .. }
                | Parsed::R1 { .. }
                | Parsed::R2 { .. }
                | Parsed::Retry { .. }
                | Parsed::Retried { .. },
            ) => Err(Error::Unexpected),
        }
    }

    /// Takes the session out of a finished handshake; the client can then make another one.
    pub fn finish(&mut self) -> Result<Session<B>, Error> {
        let mut session = Session::new();
        self.finish_into(&mut session)?;
        Ok(session)
    }

    /// [`Client::finish`] over an older session, where it stays: moving one leaves a copy of its keys behind.
    pub fn finish_into(&mut self, session: &mut Session<B>) -> Result<(), Error> {
        self.check_live()?;
        if self.state != state::READY {
            return Err(Error::State);
        }
        let outcome = Outcome {
            role: Role::Client,
            out: &self.handshake.key,
            cid_c: &self.cid_c,
            cid_s: &self.handshake.cid_s,
            device_id: &self.device_id,
        };
        session.establish(self.engine, &outcome);
        self.restart()
    }

    /// Forgets a handshake under way and keeps the identity.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.check_live()?;
        self.handshake.zeroize();
        self.state = state::START;
        Ok(())
    }

    /// Wipes everything. Later use is [`Error::Uninitialised`].
    pub fn wipe(&mut self) {
        self.live = 0;
        self.state = 0;
        self.identity.wipe();
        self.handshake.zeroize();
    }

    fn check_live(&self) -> Result<(), Error> {
        if self.live == LIVE { Ok(()) } else { Err(Error::Uninitialised) }
    }

    fn first_or_repeated<P: Platform + ?Sized>(
        &mut self,
        platform: &mut P,
        out: &mut Message,
    ) -> Result<Status, Error> {
        match self.state {
            state::START => {
                let mut hedge = Hedge {
                    platform,
                    identity: self.identity.hedge(),
                    counter: &mut self.draws,
                    context: &[0; 32],
                };
                let (mut ephemeral, mut x) = (secret(), [0; 32]);
                hedge.key_pair::<B>(&mut ephemeral, &mut x)?;
                self.begin(&ephemeral, &x, out)
            }
            #[cfg(feature = "resume")]
            state::RESUME => self.resume_r1(platform, out),
            state::READY => Err(Error::State),
            _ => {
                self.put_sent(out);
                Ok(Status::Send)
            }
        }
    }

    /// The first message, with an ephemeral key pair that was drawn before.
    fn begin(&mut self, ephemeral: &[u8; 32], x: &[u8; 32], out: &mut Message) -> Result<Status, Error> {
        self.handshake.ephemeral = *ephemeral;
        match self.profile {
            #[cfg(feature = "signed")]
            profile if profile == Profile::Signed as u8 => self.signed_m1(x, out),
            #[cfg(feature = "express")]
            profile if profile == Profile::Express as u8 => self.express_x1(x, out),
            _ => Err(Error::State),
        }
    }

    /// Sends the first message again with a cookie in front, and so proves the own address (section 7).
    fn retry(&mut self, cookie: &[u8; COOKIE_LEN], out: &mut Message) -> Result<Status, Error> {
        if self.handshake.retries >= RETRIES_MAX {
            return Err(Error::Unexpected);
        }
        self.handshake.retries = self.handshake.retries.saturating_add(1);
        self.handshake.cookie = *cookie;
        self.put_sent(out);
        Ok(Status::Send)
    }

    /// The last message.
    fn put_sent(&self, out: &mut Message) {
        if self.handshake.retries != 0 && self.state != state::AWAIT_M4 {
            out.put_type(Type::Retried);
            out.put(&self.handshake.cookie);
        }
        out.put(&self.handshake.sent);
    }

    /// Notes a message, and what is awaited after it.
    fn sent(&mut self, message: &Message, awaited: u8) -> Result<Status, Error> {
        self.handshake.sent.set(message);
        self.state = awaited;
        Ok(Status::Send)
    }

    /// The server's connection id must differ from the client's (section 3).
    fn check_cid(&self, cid_s: &[u8]) -> Result<(), Error> {
        if cid_s == self.cid_c.as_slice() { Err(Error::Malformed) } else { Ok(()) }
    }
}

impl<B: Backend> Drop for Client<B> {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(all(test, feature = "server"))]
mod tests;
