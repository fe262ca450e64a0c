#!/bin/sh
# Prints what timed-shell.sh has left in DIR: seconds of CPU by target, user and system, most first.
#
#   times.sh DIR
cd "$1"
printf '%-18s %8s %8s %8s\n' 'seconds of CPU' user system both
# Of each file the second line, "1m2.30s 0m0.40s"; the first is of the shell itself.
awk '
    function seconds(time, parts) {
        split(time, parts, /[ms]/)
        return parts[1] * 60 + parts[2]
    }
    FNR == 2 {
        sub(/\.[0-9]*$/, "", FILENAME)
        user[FILENAME] += seconds($1)
        system_[FILENAME] += seconds($2)
        user["all"] += seconds($1)
        system_["all"] += seconds($2)
    }
    END {
        for (name in user) {
            printf "%-18s %8.1f %8.1f %8.1f\n", name, user[name], system_[name], user[name] + system_[name]
        }
    }
' * | sort -k4,4nr
