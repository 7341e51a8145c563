#!/bin/sh
# split, then one shell process per task, two at a time, then join: xargs.sh INPUT LINES_PER_TASK, in an empty folder.
set -eu
input=$1 lines=$2
mkdir chunks repeat reverse
split --lines="$lines" --suffix-length=6 --numeric-suffixes "$input" chunks/
ls chunks | sed 's/.*/repeat &\nreverse &/' | xargs -P2 -n2 sh -c '
    case $0 in
        repeat) paste -d "" "chunks/$1" "chunks/$1" ;;
        reverse) rev "chunks/$1" ;;
    esac >"$0/$1"'
find repeat -type f | sort | xargs cat >repeat.txt
find reverse -type f | sort | xargs cat >reverse.txt
