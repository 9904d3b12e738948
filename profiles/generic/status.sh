#!/bin/sh
# status.sh ID: print running, success or failed.
folder="${TMPDIR:-/tmp}/lensfree_jobs_$(id -u)/$1"
state=$(cat "$folder/state" 2>/dev/null) && { echo "$state"; exit; }
pid=$(cat "$folder/pid" 2>/dev/null) || { [ -d "$folder" ] && echo running || echo failed; exit; }
kill -0 "$pid" 2>/dev/null && { echo running; exit; }
cat "$folder/state" 2>/dev/null || echo failed  # what ran it was killed or the machine was down
