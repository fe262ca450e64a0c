#!/bin/sh
# In a tarball, where there is no git, the C sources are those of the repository.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
[ -e "$root/.git" ] || exit 0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

git -C "$root" ls-files --cached --others --exclude-standard | tar -C "$root" -T - -c | tar -C "$dir" -x
mkdir -p "$dir/build/x" "$dir/target"
touch "$dir/build/x/generated.c" "$dir/target/generated.h"
"$root/scripts/c-sources.sh" >"$dir/by-git"
"$dir/scripts/c-sources.sh" >"$dir/by-name"
[ "$(wc -l <"$dir/by-git")" -gt 100 ]
diff "$dir/by-git" "$dir/by-name"
echo "ok    C sources without git"
