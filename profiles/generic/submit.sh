#!/bin/sh
# Run a job script in the background and print its id, as a scheduler's submit command would.
set -eu
folder="${TMPDIR:-/tmp}/lensfree_jobs_$(id -u)"
mkdir -p "$folder"
( sh "$1" >"$1.out" 2>&1 && echo success >"$folder/$$" || echo failed >"$folder/$$" ) >/dev/null 2>&1 &
echo "$$"
