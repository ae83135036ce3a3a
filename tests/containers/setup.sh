#!/usr/bin/env bash
# Prepares what the tests of images need: container tools, a Docker daemon of their own, and a base
# image, as no registry can be counted on. For Debian 12 and root.
#
#   tests/containers/setup.sh FOLDER
#
# FOLDER gets the base image as an OCI layout, `base`, and a file `env` to be sourced. The daemon
# runs until `tests/containers/teardown.sh FOLDER`.
set -euo pipefail

folder="$(mkdir -p "$1" && cd "$1" && pwd)"
here="$(cd "$(dirname "$0")" && pwd)"
release="${TRUSS_BASE_IMAGE:-baseten/truss-server-base:3.11-v0.13.0}"
packages=(bubblewrap debootstrap docker.io docker-registry podman runc skopeo slirp4netns umoci)

install_packages() {
  local missing=()
  for package in "${packages[@]}"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return
  apt-get update -qq
  # Their services stay off: the tests start what they need, on loopback.
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  rm -f /usr/sbin/policy-rc.d
}

start_docker() {
  export DOCKER_HOST="unix://$folder/docker.sock"
  docker version >/dev/null 2>&1 && return
  # Without rules for the firewall: ports of containers are forwarded by a process, on loopback.
  setsid dockerd --data-root "$folder/docker" --exec-root "$folder/exec" \
    --pidfile "$folder/docker.pid" -H "$DOCKER_HOST" --iptables=false \
    >"$folder/docker.log" 2>&1 </dev/null &
  for _ in $(seq 100); do
    docker version >/dev/null 2>&1 && return
    sleep 0.3
  done
  tail -20 "$folder/docker.log" >&2
  return 1
}

# Debian 12, whose Python is 3.11, with what Truss's own bases have: uv, and the requirements of the
# server.
make_base() {
  [[ -f "$folder/base/index.json" ]] && docker image inspect "$release" >/dev/null 2>&1 && return
  local root="$folder/root"
  rm -rf "$root" "$folder/base" "$folder/server"
  mkdir -p "$folder/server"
  debootstrap --variant=minbase --include=ca-certificates,curl,python3 bookworm "$root" \
    >"$folder/debootstrap.log" 2>&1 || { tail -20 "$folder/debootstrap.log" >&2; return 1; }
  # This machine may have to be trusted otherwise than the world: its own list, then.
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  python3 -m venv "$folder/uv"
  PIP_CONFIG_FILE=/dev/null "$folder/uv/bin/pip" --isolated install -q --disable-pip-version-check \
    --cert /etc/ssl/certs/ca-certificates.crt "uv==0.10.0"
  install -m 755 "$folder/uv/bin/uv" "$root/usr/local/bin/uv"
  mkdir -p "$root/etc/uv"
  echo "native-tls = true" >"$root/etc/uv/uv.toml"
  tar -C "$root" -c . | docker import --change "ENV LANG=C.UTF-8" - truss-test-debian >/dev/null
  cp "$here/Dockerfile" "$here/requirements.txt" "$folder/server/"
  docker build -q --network host -t "$release" "$folder/server" >/dev/null
  skopeo copy -q --src-daemon-host "$DOCKER_HOST" "docker-daemon:$release" "oci:$folder/base:base"
  rm -rf "$root" "$folder/server" "$folder/uv"
}

# Its own storage, ports on loopback by a process, and limits that a container may have here.
configure_podman() {
  cat >"$folder/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "slirp4netns"

[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
CONF
  cat >"$folder/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$folder/podman"
runroot = "$folder/podman-run"
CONF
}

install_packages
start_docker
make_base
configure_podman
cat >"$folder/env" <<ENV
export DOCKER_HOST="$DOCKER_HOST"
export TRUSS_TEST_CONTAINERS="$folder"
ENV
