#!/bin/sh
# Lists our C and C++ files, but for the generated header: by git, or in a tarball what is there.
set -eu
cd "$(dirname "$0")/.."

if [ -e .git ]; then
    git ls-files --cached --others --exclude-standard '*.c' '*.h' '*.cpp'
else
    find . -name '*.[ch]' -o -name '*.cpp' | sed 's,^\./,,' | grep -v -e '^target/' -e '^build' -e '^fuzz/target/'
fi | grep -v '^include/lscoap\.h$' | sort
