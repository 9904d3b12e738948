#!/bin/sh
# cancel.sh ID ...: end jobs with all that they have started.
for id in "$@"; do
  pid=$(cat "${TMPDIR:-/tmp}/lensfree_jobs_$(id -u)/$id/pid" 2>/dev/null) && kill "$pid" 2>/dev/null
done
exit 0
