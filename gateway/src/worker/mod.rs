//! One thread for each core: its sockets, its clock, and what stands between the two sides.
