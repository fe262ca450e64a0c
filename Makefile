# make demo and make test need Debian 12 with Rust, root or sudo, and a network: what is missing is installed with apt.
# The parts of make test can be run alone; see `make help`.

BUILD ?= build
PROGRAMS = $(CURDIR)/$(BUILD)/bin
JOBS ?= $(shell nproc)

# One target directory for everything that cargo builds: crates by their flags and features, archives by their target
# (scripts/build-staticlib.sh). CMake and the programs of this repository go by it too.
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
LSCOAP = $(CARGO_TARGET_DIR)/debug/lscoap

# make test asks where the time goes: the commands of every target are timed, by target.
ifdef LSCOAP_TIMES
SHELL = scripts/timed-shell.sh
.SHELLFLAGS = $@ -c
endif

FUZZ_SECONDS ?= 120
FUZZ_RUNS ?=
FUZZ_LIMIT = $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$(FUZZ_SECONDS))
FUZZ_TARGETS = client_step server_step open messages resume stored device_receive group_objects group_messages group_membership adapter_server adapter_client

# Packages of Debian 12, for building and for everything that the tests look at.
BUILD_PACKAGES = gcc libc6-dev make cmake pkg-config libcoap3-dev libsqlite3-dev libssl-dev openssl
FIRMWARE_PACKAGES = gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm dpkg-dev debian-archive-keyring \
	gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc
# Debian's Rust compiles for microcontrollers and leaves panics out; not before this version, of bookworm-security.
CROSS_PACKAGES = rustc-web=1.96 cargo-web=1.96 rust-web-src=1.96
TEST_PACKAGES = $(BUILD_PACKAGES) $(FIRMWARE_PACKAGES) $(CROSS_PACKAGES) g++ clang libclang-rt-14-dev clang-format cppcheck valgrind \
	python3-kconfiglib python3-yaml python3-venv $(FLEET_PACKAGES)
# What three gateways stand behind, and what they share.
FLEET_PACKAGES = iproute2 nftables redis-server postgresql

FIRMWARE = $(CURDIR)/$(BUILD)/firmware
FIRMWARE_BOARDS = microbit lm3s6965evb netduinoplus2 mps2-an385 mps2-an386 mps2-an505 riscv-virt-imc riscv-virt-imac

C_SOURCES = $(shell scripts/c-sources.sh)

.PHONY: help
help:
	@echo 'make demo      an enrolled device talks to a server, strangers are refused; then an emulated Cortex-M4'
	@echo 'make gateway-demo  the same Cortex-M4 at aiocoap'"'"'s server, through the gateway'
	@echo 'make fleet-demo  three gateways are killed in turn, and all devices go on; needs root'
	@echo 'make demo-host  the first part of it, which needs no microcontroller'
	@echo 'make test      every test (CI runs this)'
	@echo 'make lib       liblscoap.a for this machine; prints its path'
	@echo 'make programs  the libcoap programs, in $(BUILD)/bin'
	@echo 'make gateway   lscoap-gateway, in $(BUILD)/bin'
	@echo 'make header    writes include/lscoap.h from src/ffi'
	@echo 'make firmware  firmware for emulated Cortex-M0, M3, M4, M33 and RISC-V, real parts among them, and its tests'
	@echo 'make size      flash, RAM, stack and instructions on microcontrollers, into docs/footprint.md'
	@echo 'make dist      archives for each CPU, into $(BUILD)/dist'
	@echo 'make bench     the paper'"'"'s Table 1, into docs/benchmarks.md'
	@echo 'make robustness  bad networks, floods and long runs, into docs/robustness.md'
	@echo 'make bench-server  what one core of a server carries, into docs/server-speed.md'
	@echo 'make interop   the programs and other CoAP stacks with each other, into docs/interop.md'
	@echo 'make fuzz      fuzzes each target for FUZZ_SECONDS=$(FUZZ_SECONDS), or FUZZ_RUNS executions'
	@echo 'make mutants   what the unit tests do not notice, in MODULE=src/session or all that matter'
	@echo 'make check-p256-small  a million random inputs of p256-small against RustCrypto'"'"'s'
	@echo 'make proofs    models of the protocol through Verifpal, MODEL=handshake/signed or all'
	@echo 'make format    formats Rust and C'
	@echo 'parts of test: $(TEST_PARTS)'

# ---- building

.PHONY: setup-build setup-firmware setup-test
setup-build:
	@scripts/setup.sh $(BUILD_PACKAGES)
setup-firmware:
	@scripts/setup.sh $(BUILD_PACKAGES) $(FIRMWARE_PACKAGES)
	@scripts/setup-cross.sh $(CROSS_PACKAGES)
setup-test:
	@scripts/setup.sh $(TEST_PACKAGES)

# The archive for this machine, with every feature: what CMake builds for the programs too.
comma := ,
ALL_FEATURES = client,server,signed,express,resume,coap,device,group,group-delegate
ARCHIVE = $(CURDIR)/$(BUILD)/liblscoap.a
.PHONY: lib
lib:
	@scripts/build-staticlib.sh host $(ALL_FEATURES) 3 $(CARGO_TARGET_DIR) $(ARCHIVE)

.PHONY: header
header:
	LSCOAP_WRITE_HEADER=1 cargo test --locked --test header is_up_to_date

.PHONY: programs
programs: setup-build
	cmake -S . -B $(BUILD) $(CMAKE_FLAGS)
	cmake --build $(BUILD) -j$(JOBS) -- --no-print-directory

# Optimised as a release, but a worker that panics is started again.
.PHONY: gateway
gateway: setup-build
	cargo build --locked --profile gateway -p lscoap-gateway
	@install -D $(CARGO_TARGET_DIR)/gateway/lscoap-gateway $(PROGRAMS)/lscoap-gateway

.PHONY: dist
dist: setup-firmware
	scripts/dist.sh $(BUILD)/dist

.PHONY: tools
tools:
	cargo build --locked -p lscoap-tools

# ---- using

# The host's story first; what the boards need is fetched and built after it.
.PHONY: demo demo-host
demo-host: setup-build
	@scripts/quietly.sh $(BUILD)/demo-build.log 'building the library, the programs and the command lscoap' \
	    $(MAKE) --no-print-directory -j$(JOBS) programs tools
	@scripts/demo.sh host $(PROGRAMS) $(LSCOAP)

demo: demo-host
	@$(MAKE) --no-print-directory setup-firmware
	@scripts/quietly.sh $(BUILD)/demo-lwip.log 'fetching the source of lwIP' scripts/fetch-lwip.sh $(FIRMWARE)
	@scripts/quietly.sh $(BUILD)/demo-lamp.log 'building a captured lamp' \
	    cargo build --locked -p lscoap-testkit --bin captured_lamp
	@scripts/demo.sh board $(PROGRAMS) $(LSCOAP) $(FIRMWARE)/demo $$(scripts/fetch-lwip.sh $(FIRMWARE))

.PHONY: gateway-demo fleet-demo
gateway-demo: setup-build
	@$(MAKE) --no-print-directory setup-firmware
	@scripts/setup.sh python3-venv
	@scripts/quietly.sh $(BUILD)/gateway-demo-build.log 'building the programs, the command lscoap and the gateway' \
	    $(MAKE) --no-print-directory programs tools gateway
	@scripts/quietly.sh $(BUILD)/demo-lwip.log 'fetching the source of lwIP' scripts/fetch-lwip.sh $(FIRMWARE)
	@scripts/quietly.sh $(BUILD)/gateway-demo-venv.log 'installing aiocoap' interop/venv.sh $(CURDIR)/$(BUILD)/interop
	@scripts/demo.sh gateway $(PROGRAMS) $(LSCOAP) $(FIRMWARE)/demo $$(scripts/fetch-lwip.sh $(FIRMWARE)) \
	    $(CURDIR)/$(BUILD)/interop/venv/bin

fleet-demo: setup-build
	@scripts/setup.sh $(FLEET_PACKAGES)
	@scripts/quietly.sh $(BUILD)/fleet-demo-build.log 'building the programs and the gateway' \
	    $(MAKE) --no-print-directory programs gateway fleet-demo-program
	@as_root=; [ $$(id -u) -eq 0 ] || as_root=sudo; \
	$$as_root $(CARGO_TARGET_DIR)/debug/fleet_demo --programs $(PROGRAMS)

.PHONY: fleet-demo-program
fleet-demo-program:
	cargo build --locked -p lscoap-testkit --bin fleet_demo

.PHONY: bench
bench: programs tools
	cargo run --release --locked -p lscoap-testkit --bin bench -- --programs $(PROGRAMS) --out docs $(BENCH)

.PHONY: robustness
# BENCH=--floods measures the floods alone.
robustness: programs gateway
	cargo run --release --locked -p lscoap-testkit --bin robustness -- measure --programs $(PROGRAMS) --out docs $(BENCH)

# Some minutes on a quiet machine with two cores. BENCH=--quick sees whether it works. With the flag of scripts/build-staticlib.sh,
# so that RustCrypto's P-256 is as fast as in programs in C.
.PHONY: bench-server
bench-server: programs gateway
	@scripts/setup.sh python3-venv redis-server
	interop/venv.sh $(CURDIR)/$(BUILD)/interop
	RUSTFLAGS=-Cllvm-args=-inline-threshold=1000 \
	    cargo run --release --locked -p lscoap-testkit --bin bench_server -- --programs $(PROGRAMS) \
	    --aiocoap $(CURDIR)/$(BUILD)/interop/venv/bin/aiocoap-fileserver --out docs $(BENCH)

.PHONY: fuzz
fuzz: setup-test
	@for target in $(FUZZ_TARGETS); do fuzz/run.sh $$target $(FUZZ_LIMIT) || exit 1; done

# One change after the other, in a copy of the sources; what the quick tests do not notice is tried again with all unit tests.
# An hour or two: not in make test. docs/assurance.md judges the survivors.
MUTANTS_VERSION = 27.1.0
MODULE ?= src/session src/wire src/schedule src/server src/client
MUTANTS = nice $(BUILD)/cargo-mutants/bin/cargo-mutants mutants --package lscoap -j1 --timeout 60 --output $(BUILD) \
	$(foreach module,$(MODULE),--file '$(module)*' --file '$(module)/**')
# What is slow, or of other modules.
NOT_QUICK = power_cuts crypto:: enrolment stored_ids_are group:: device:: coap::tests::properties
.PHONY: mutants
mutants:
	cargo install cargo-mutants --quiet --locked --version $(MUTANTS_VERSION) --root $(BUILD)/cargo-mutants
	rm -rf $(BUILD)/mutants.out
	PROPTEST_CASES=8 $(MUTANTS) -- -- $(NOT_QUICK:%=--skip %) || test $$? -lt 4
	$(MUTANTS) --iterate

# Verifpal wants a newer Rust than it needs.
VERIFPAL_VERSION = 1.6.7
.PHONY: proofs
proofs:
	@scripts/setup.sh patch
	cargo install verifpal --quiet --locked --version $(VERIFPAL_VERSION) --ignore-rust-version --root $(BUILD)/verifpal
	nice proofs/run.sh $(CURDIR)/$(BUILD)/verifpal/bin/verifpal $(CURDIR)/$(BUILD)/proofs $(MODEL)

# ---- testing

# Every part stands alone, and says by its prerequisites what it needs; make test runs them side by side. Those that
# wait for the same lock of cargo's are not neighbours here.
TEST_PARTS = check-format check-scripts check-lint firmware check-features check-footprint check-rust check-sanitizers check-c \
	check-valgrind check-libcoap check-zephyr check-interop

.PHONY: test
test: setup-test
	@rm -rf $(BUILD)/times && mkdir -p $(BUILD)/times
	@LSCOAP_TIMES=$(CURDIR)/$(BUILD)/times \
	    $(MAKE) --no-print-directory --output-sync=target -j$(JOBS) $(TEST_PARTS)
	@scripts/times.sh $(BUILD)/times
	@echo 'make test: everything passed'

.PHONY: format
format:
	cargo fmt --all
	rustfmt --edition 2024 fuzz/src/*.rs fuzz/fuzz_targets/*.rs
	@clang-format -i $(C_SOURCES) </dev/null

.PHONY: check-format
check-format:
	cargo fmt --all --check
	rustfmt --edition 2024 --check fuzz/src/*.rs fuzz/fuzz_targets/*.rs
	@clang-format --dry-run -Werror $(C_SOURCES) </dev/null

.PHONY: check-scripts
check-scripts:
	@for test in scripts/tests/*.sh; do "$$test" || exit 1; done

# The library's own build has no parser of Rust in it, which no derive macro does without.
.PHONY: check-lint
check-lint:
	! cargo tree --locked -e normal,build --prefix none | grep '^syn '
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd fuzz && CUSTOM_LIBFUZZER_PATH=$$(clang -print-file-name=libclang_rt.fuzzer-x86_64.a) \
	    cargo clippy --locked --lib -- -D warnings
	@cppcheck --quiet --std=c99 --enable=warning,style,performance,portability --inline-suppr \
	    --error-exitcode=1 --suppress=missingIncludeSystem -Iinclude -Ilibcoap/include -Ic-examples/libcoap -Ic-tests/c \
	    $(filter-out zephyr-module/%,$(filter %.c,$(C_SOURCES)))
	@cppcheck --quiet --std=c99 --enable=warning,style,performance,portability --inline-suppr \
	    --error-exitcode=1 --suppress=missingIncludeSystem -Iinclude -Izephyr-module/include \
	    $(filter zephyr-module/%.c,$(C_SOURCES))

# Every board's self-test in QEMU, with all back-ends where there are several, and the same on this machine; Project Wycheproof's
# vectors on each kind of processor; and the firmware that the end-to-end tests run.
WYCHEPROOF = -DWYCHEPROOF_VECTORS=$(FIRMWARE)/wycheproof.bin
.PHONY: firmware
firmware: setup-firmware tools programs
	lwip=$$(scripts/fetch-lwip.sh $(FIRMWARE)) && \
	c-examples/firmware/device/enrol.sh $(LSCOAP) $(FIRMWARE)/enrolment && \
	device="-DLWIP_DIR=$$lwip -DDEVICE_HEADER=$(FIRMWARE)/enrolment/identity.h" && \
	LSCOAP_WRITE_VECTORS=$(FIRMWARE)/wycheproof.bin cargo test --quiet --locked --test wycheproof written_for_firmware && \
	printf '%s\n' $(FIRMWARE_BOARDS) | \
	    xargs -P$(JOBS) -I{} c-examples/firmware/check.sh {} $(FIRMWARE)/{} $$device $(WYCHEPROOF)
	c-examples/firmware/check.sh mps2-an386 $(FIRMWARE)/mps2-an386-cm4 $(WYCHEPROOF) \
	    '-DLSCOAP_FEATURES=client;server;signed;express;resume;coap;p256-cm4'
	for board in mps2-an385 mps2-an386; do \
	    c-examples/firmware/check.sh $$board $(FIRMWARE)/$$board-small $(WYCHEPROOF) \
	        '-DLSCOAP_FEATURES=client;server;signed;express;resume;coap;p256-small' || exit 1; \
	done
	c-examples/firmware/check.sh host $(FIRMWARE)/host -DLSCOAP_PREBUILT=$(ARCHIVE)

# What a Cortex-M4 needs is compared with the budgets of footprint/src/budget.rs.
.PHONY: check-footprint size
check-footprint: setup-test
	cargo run --locked -p lscoap-footprint -- --check --build $(BUILD)/footprint
size: setup-firmware
	cargo run --locked -p lscoap-footprint -- --build $(BUILD)/footprint

# The small P-256 against RustCrypto's, a million times: half an hour, not in make test.
.PHONY: check-p256-small
check-p256-small:
	cargo test --release --locked -p lscoap-p256-small million -- --ignored

# A device links only the role and the profile that it uses: each of them builds alone.
.PHONY: check-features
check-features:
	@set -e; for features in client,signed client,express server,signed server,express \
	    client,signed,ffi client,express,ffi server,signed,ffi server,express,ffi client,server,signed,express \
	    client,signed,resume server,express,resume,ffi client,signed,coap,ffi server,express,coap client,express,device,ffi client,signed,group,ffi \
	    client,signed,group-delegate server,express,group server,signed,group-delegate,ffi \
	    client,server,signed,express,ffi,p256-small client,server,signed,express,openssl \
	    client,server,signed,express,ffi-openssl client,server,signed,express,ffi,openssl,p256-small; do \
	    echo "cargo clippy --features $$features"; \
	    cargo clippy --quiet --locked --lib --no-default-features --features $$features -- -D warnings; \
	done

# aiocoap, in a virtual environment; where it cannot be had, those who want it say what is not tested.
.PHONY: aiocoap
aiocoap: setup-test
	interop/venv.sh $(CURDIR)/$(BUILD)/interop || test $$? -eq 3

.PHONY: check-rust
check-rust: programs gateway firmware aiocoap
	LSCOAP_PROGRAMS=$(PROGRAMS) LSCOAP_FIRMWARE=$(FIRMWARE) cargo test --locked --workspace

# The same programs with another libcoap than the system's, where LSCOAP_LIBCOAP_PREFIX says where one is installed; not
# in $(BUILD)/libcoap, where CMake builds the adapter. Then its client with the system's server: a libcoap with OSCORE of
# its own serves no requests in OSCORE options, but sends them.
.PHONY: check-libcoap
check-libcoap: programs
ifdef LSCOAP_LIBCOAP_PREFIX
	cmake -S . -B $(BUILD)/other-libcoap -DLSCOAP_LIBCOAP_PREFIX=$(LSCOAP_LIBCOAP_PREFIX) -DLSCOAP_BUILD_EXAMPLES=ON \
	    -DLSCOAP_BUILD_TESTS=ON $(CMAKE_FLAGS)
	cmake --build $(BUILD)/other-libcoap -j$(JOBS) -- --no-print-directory
	cd $(BUILD)/other-libcoap && ctest --no-tests=error -R adapter --output-on-failure
	LSCOAP_PROGRAMS=$(CURDIR)/$(BUILD)/other-libcoap/bin cargo test --locked -p lscoap-testkit --test secure_programs \
	    --test libcoap_programs
	mkdir -p $(BUILD)/other-libcoap/mixed
	ln -sf $(PROGRAMS)/* $(BUILD)/other-libcoap/mixed
	ln -sf ../bin/secure_client ../bin/adapter_probe $(BUILD)/other-libcoap/mixed
	LSCOAP_PROGRAMS=$(CURDIR)/$(BUILD)/other-libcoap/mixed cargo test --locked -p lscoap-testkit --test secure_programs oscore_client
else
	@echo '*** NOT TESTED: the programs with another libcoap. LSCOAP_LIBCOAP_PREFIX names where 4.3.5 or later is installed.'
endif

# The Zephyr module: what needs no Zephyr, and in Zephyr where ZEPHYR_BASE is set.
.PHONY: check-zephyr
check-zephyr: programs
	zephyr-module/tests/check.sh $(CURDIR)/$(BUILD)/zephyr $(PROGRAMS)

# The second implementation's tests, and the programs with other people's CoAP: the same without and with the document.
.PHONY: check-interop interop
check-interop: setup-test programs aiocoap
	interop/check.sh $(CURDIR)/$(BUILD)/interop $(PROGRAMS) $(INTEROP)
interop:
	@$(MAKE) --no-print-directory check-interop INTEROP='--write $(CURDIR)/docs/interop.md'

# The C tests, plainly; then with AddressSanitizer and UBSan, the Rust code instrumented too; then under valgrind.
# Both once more with P-256 by libcrypto. Apart from `programs`, which another part of the same run may have made without tests.
.PHONY: c-tests
c-tests: programs
	cmake -S . -B $(BUILD) -DLSCOAP_BUILD_TESTS=ON
	cmake --build $(BUILD) -j$(JOBS) -- --no-print-directory

.PHONY: check-c
check-c: c-tests
	cd $(BUILD) && ctest --no-tests=error -E valgrind --output-on-failure
	cmake -S . -B $(BUILD)/openssl -DLSCOAP_BUILD_TESTS=ON -DLSCOAP_BUILD_LIBCOAP=OFF -DLSCOAP_BUILD_EXAMPLES=OFF \
	    '-DLSCOAP_FEATURES=$(subst $(comma),;,$(ALL_FEATURES));ffi-openssl'
	cmake --build $(BUILD)/openssl -j$(JOBS) -- --no-print-directory
	cd $(BUILD)/openssl && ctest --no-tests=error -E valgrind --output-on-failure

.PHONY: check-valgrind
check-valgrind: c-tests
	cd $(BUILD) && ctest --no-tests=error -R valgrind --output-on-failure

# AddressSanitizer and UBSan: the C tests, the fuzzing corpus of the C targets, and what the programs answer to hostile
# datagrams.
SANITIZED = $(CURDIR)/$(BUILD)/sanitizers
.PHONY: check-sanitizers
check-sanitizers: setup-test
	JOBS=$(JOBS) scripts/build-sanitized.sh $(SANITIZED)
	cd $(SANITIZED) && ctest --no-tests=error --output-on-failure
	LSCOAP_PROGRAMS=$(SANITIZED)/bin cargo test --locked --workspace --test secure_programs -- \
	    by_hand:: forgeries:: hostile:: oscore service::
