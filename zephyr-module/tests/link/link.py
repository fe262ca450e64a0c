#!/usr/bin/env python3
"""The module's glue and an archive of each documented set of features, compiled and linked with stand-ins for Zephyr,
and run where they are for this machine: what cannot be linked in an application shows here.

    link.py BUILD_DIR     needs kconfiglib, cmake, cargo and arm-none-eabi-gcc
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent / "kconfig"))
import check  # noqa: E402

NODE = ["NET_SOCKETS=y", "COAP_SERVER=y", "SHELL=y", "SETTINGS=y", "LSCOAP_IDENTITY_TEST=y"]
HOST = ["ARCH_POSIX=y", "64BIT=y"]
CORTEX_M4 = ["CPU_CORTEX_M4=y", "FP_HARDABI=y"]
# Glue that is not in every node.
VARIANTS = [
    ["PSA_CRYPTO_CLIENT=y", "LSCOAP_AES_PSA=y", "LSCOAP_IDENTITY_SETTINGS=y", "LSCOAP_IDENTITY_TEST=n"],
    ["LSCOAP_ENTROPY_INSECURE_TEST=y", "LSCOAP_IDENTITY_APP=y", "LSCOAP_IDENTITY_TEST=n"],
    ["NET_SOCKETS=n", "COAP_SERVER=n"],
    ["COAP_OSCORE=y"],
    ["COAP_OSCORE_MAX_CONTEXTS=32", "COAP_OSCORE=y"],
]


def features_of(line):
    return line.split("=>")[1].split()[0]


OPTIONAL = ("client", "server", "signed", "express", "resume", "coap", "device", "group", "group-delegate")


def options_of(features):
    """What gives these features, on the processor that they are for."""
    chosen = features.split(",")
    roles = [f"LSCOAP_{name.upper().replace('-', '_')}={'y' if name in chosen else 'n'}" for name in OPTIONAL]
    # Room for the handshakes that a scenario leaves behind: all of them come from one source.
    slots = ["LSCOAP_SLOTS=32"] if "server" in chosen else []
    return (CORTEX_M4 if "p256-cm4" in chosen else HOST) + ["CSPRNG_ENABLED=y", *slots, *roles]


def archive(features, build):
    """Builds it: for the processor as others build it, for this machine without what makes an archive small and fast."""
    target, level, environment = "thumbv7em-none-eabihf", "z", {}
    if "p256-cm4" not in features:
        target, level = "host", "1"
        environment = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16"}
    target_dir = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    library = build / f"{features}.a"
    command = [ROOT / "scripts/build-staticlib.sh", target, features, level, target_dir, library]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
    return library


def link(options, library, directory):
    """Compiles and links a node with these options; gives the program."""
    directory.mkdir(parents=True, exist_ok=True)
    config, header = directory / "config", directory / "autoconf.h"
    check.dotconfig([*options, f"LSCOAP_PREBUILT={library}"], config, header)
    toolchain = [f"-DCMAKE_TOOLCHAIN_FILE={ROOT}/cmake/toolchains/cortex-m4f.cmake"] if "CPU_CORTEX_M4=y" in options else []
    define = [f"-DDOTCONFIG={config}", f"-DAUTOCONF={header}", *toolchain]
    for command in (["cmake", "-S", HERE, "-B", directory, *define], ["cmake", "--build", directory]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}\nnot linked: {' '.join(options)}")
    return directory / "node"


def try_out(name, options, library, directory):
    program = link(options, library, directory)
    said = "linked"
    if "ARCH_POSIX=y" in options:
        done = subprocess.run([program], stdout=subprocess.PIPE, text=True, timeout=300, check=False)
        said = " ".join(done.stdout.split())
        if done.returncode != 0:
            sys.exit(f"{done.stdout}\nfailed: {name}")
    print(f"ok    {name}: {said}", flush=True)


def main():
    build = Path(sys.argv[1]).resolve()
    build.mkdir(parents=True, exist_ok=True)
    check.prepare()
    # What computes on P-256 changes no function, but the assembly the processor.
    sets = sorted({features_of(line) for line in check.combinations() if "=>" in line and "p256-small" not in line})
    # Both roles with resumption, for this machine: no line of combinations.txt is.
    sets.append("client,server,signed,express,resume,coap,device")
    for features in sets:
        library = archive(features, build)
        options = options_of(features)
        chosen = features.split(",")
        # The service takes whole messages, and the client is a device.
        missing = {"COAP_SERVER=y": "coap", "NET_SOCKETS=y": "device"}
        node = [option for option in NODE if missing.get(option, "signed" if "signed" in chosen else "express") in chosen]
        try_out(features, [*options, *node], library, build / "nodes" / features)
    for variant in VARIANTS:
        given = {option.split("=")[0] for option in variant}
        node = [option for option in [*options, *NODE] if option.split("=")[0] not in given]
        try_out(" ".join(variant), [*node, *variant], library, build / "nodes" / variant[0])
    print(f"{len(sets)} sets of features and {len(VARIANTS)} variants linked")


if __name__ == "__main__":
    main()
