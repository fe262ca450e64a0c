//! A panic handler for a static library in C: nothing in this crate panics, so this is what the linker asks for.

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
