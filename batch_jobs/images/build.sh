#!/usr/bin/env bash
# Builds the images of jobs by docker or podman: build.sh [cpu] [gpu] [science] [genomics]   (from anywhere; all of them by default)
#   BASE=IMAGE  a Debian with Python 3.11 or newer; else the Containerfile's own, else one made by debootstrap (needs root)
#   ENGINE=docker|podman
set -euo pipefail
cd "$(dirname "$0")/../.."
here=batch_jobs/images

works() { command -v "$1" >/dev/null && "$1" info >/dev/null 2>&1; }
engine=${ENGINE:-}
for one in docker podman; do [ -n "$engine" ] || { works $one && engine=$one; } || true; done
[ -n "$engine" ] || { echo "Neither docker nor podman works here." >&2; exit 1; }

default=$(sed -n 's/^ARG BASE=//p' $here/Containerfile)
bootstrap() {  # a base from Debian's own packages, where no registry is reachable
  local root; root=$(mktemp -d)
  trap 'rm -rf "$root"' RETURN
  echo "No registry has $default; making a base by debootstrap ..."
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" >/dev/null
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{doc,man,locale,info}/*
  tar -C "$root" -c . | "$engine" import - gristmill-base:bookworm >/dev/null
}
base=${BASE:-}
if [ -z "$base" ]; then
  if "$engine" image inspect "$default" >/dev/null 2>&1 || timeout 120 "$engine" pull "$default" >/dev/null 2>&1; then
    base=$default
  else
    "$engine" image inspect gristmill-base:bookworm >/dev/null 2>&1 || bootstrap
    base=gristmill-base:bookworm
  fi
fi

# the stages that install trust what this machine trusts; no image gets the file
bundle=/etc/ssl/certs/ca-certificates.crt trusted=$here/trusted.crt
trap 'rm -f "$trusted"' EXIT
[ ! -r $bundle ] || cp --preserve=timestamps "$(realpath $bundle)" $trusted

[ $# -gt 0 ] || set -- cpu gpu science genomics
for image in "$@"; do
  echo "Building gristmill-jobs:$image on $base by $engine ..."
  "$engine" build --build-arg "BASE=$base" --target "$image" --tag "gristmill-jobs:$image" --file $here/Containerfile .
done
