#!/usr/bin/env bash
# The main job, from an empty machine to a mail: each line that starts with $ is a command you can type yourself.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
export GRISTMILL_HOME="$work/state"
trap 'gristmill local down >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

show() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

python demo/sample.py "$work/words.txt" 100000
show gristmill local up --port 0
show gristmill deploy
show gristmill run strings "$work/words.txt" --results "$work/results"
show gristmill mail show
run=$(basename "$(dirname "$(find "$work/results" -name 'repeat.txt')")")
show python demo/check.py "$work/words.txt" "$work/results/$run/repeat.txt" "$work/results/$run/reverse.txt"
show gristmill local down
