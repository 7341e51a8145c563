#!/usr/bin/env bash
# Builds the images of jobs by docker or podman: build.sh cpu|gpu...   (from anywhere)
#   BASE=IMAGE  a Debian with Python 3.11 or newer; else the Dockerfile's own, else one made by debootstrap (needs root)
#   ENGINE=docker|podman
set -euo pipefail
cd "$(dirname "$0")/../.."

works() { command -v "$1" >/dev/null && "$1" info >/dev/null 2>&1; }
engine=${ENGINE:-}
for one in docker podman; do [ -n "$engine" ] || { works $one && engine=$one; } || true; done
[ -n "$engine" ] || { echo "Neither docker nor podman works here." >&2; exit 1; }

default=$(sed -n 's/^ARG BASE=//p' batch_jobs/images/Dockerfile.cpu)
bootstrap() {  # a base from Debian's own packages, where no registry is reachable
  local root; root=$(mktemp -d)
  trap 'rm -rf "$root"' RETURN
  echo "No registry has $default; making a base by debootstrap ..."
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" >/dev/null
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
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

trust=()  # podman lets the build trust what this machine trusts; nothing of it stays in the image
bundle=/etc/ssl/certs/ca-certificates.crt
if [ "$engine" = podman ] && [ -r $bundle ]; then
  conf=$(mktemp)
  trap 'rm -f "$conf"' EXIT
  printf '[global]\ncert = /etc/pip-ca.crt\n' >"$conf"
  chmod 644 "$conf"
  trust=(--volume "$bundle:/etc/pip-ca.crt:ro" --volume "$conf:/etc/pip.conf:ro")
fi

for image in "$@"; do
  echo "Building gristmill-jobs:$image on $base by $engine ..."
  "$engine" build --build-arg "BASE=$base" --tag "gristmill-jobs:$image" --file "batch_jobs/images/Dockerfile.$image" "${trust[@]}" .
done
