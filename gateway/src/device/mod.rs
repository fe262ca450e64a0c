//! The side of the devices: handshakes, sealed requests in both carriers, what is kept for repetitions, blocks outside, observers. No
//! sockets and no clock: datagrams and times in, datagrams out.
