//! The program as its operator sees it.

mod check;
mod groups;
mod packaging;
mod passing_on;
mod running;
mod serving;
mod site;
