# lscoap for an SDK's makefile: include it after the SDK's first target. LSCOAP is the unpacked tarball.
LSCOAP ?= third_party/lscoap-cortex-m4f

INCLUDES += -I$(LSCOAP)/include
LIBS += $(BUILD)/liblscoap.a

# The archive without Rust's memcpy() and the like, which the C library has already.
$(BUILD)/liblscoap.a: $(LSCOAP)/lib/liblscoap.a
	mkdir -p $(@D)
	cp $< $@
	$(AR) d $@ $$($(AR) t $@ | grep '^compiler_builtins')
