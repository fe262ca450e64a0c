//! What `make fleet-demo` shows: three gateways with one store behind a balancer, each killed in turn, and devices that go
//! on by one resumption each time. All of it in namespaces of its own, which are gone when the program is.

pub mod demo;
pub mod device;
pub mod network;
