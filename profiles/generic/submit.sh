#!/bin/sh
# submit.sh --rule NAME --mem-mb N --runtime-min N --cores N --gpu N JOBSCRIPT: start a job, print its id.
# Here the job runs on this machine, at once, and is ended when its time is over; memory and cores, which a
# scheduler would grant, are only noted. For Grid Engine, for example, all of this becomes one line:
#   qsub -terse -cwd -N "$rule" -l h_vmem="${mem_mb}M" -l h_rt="$((runtime_min * 60))" -pe smp "$cores" "$1"
set -eu
rule=job mem_mb=0 runtime_min=60 cores=1 gpu=0
while [ $# -gt 1 ]; do
  case "$1" in
    --rule) rule=$2 ;;
    --mem-mb) mem_mb=$2 ;;
    --runtime-min) runtime_min=$2 ;;
    --cores) cores=$2 ;;
    --gpu) gpu=$2 ;;
    *) echo "submit.sh: unknown argument $1" >&2; exit 2 ;;
  esac
  shift 2
done
jobs="${TMPDIR:-/tmp}/lensfree_jobs_$(id -u)"
mkdir -p "$jobs" logs/generic
folder=$(mktemp -d "$jobs/$rule.XXXXXX")
id=${folder##*/}
echo "mem_mb=$mem_mb runtime_min=$runtime_min cores=$cores gpu=$gpu" >"$folder/asked"
# In a session of its own the job outlives this terminal, and cancel.sh reaches all of its processes.
setsid sh -c '
  timeout --kill-after=10 "${2}m" sh "$3" >"$4" 2>&1 &
  job=$!
  trap "kill $job 2>/dev/null" TERM
  echo $$ >"$1/pid"
  while :; do
    code=0
    wait $job || code=$?
    kill -0 $job 2>/dev/null || break  # a signal may end the wait before the job
  done
  [ $code -ne 124 ] || echo "ended after $2 min, the time it was given" >>"$4"
  if [ $code -eq 0 ]; then echo success; else echo failed; fi >"$1/state.partial"
  mv "$1/state.partial" "$1/state"
' job "$folder" "$runtime_min" "$1" "$PWD/logs/generic/$id.log" >/dev/null 2>&1 </dev/null &
echo "$id"
