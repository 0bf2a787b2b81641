#!/usr/bin/env bash
# Install the system packages that are missing: a Java 17 runtime, redis-server, Python's venv module.
# Uses apt-get where it may; elsewhere it says exactly what to install. Usage: install_system.sh [python3.11]
set -euo pipefail
python=${1:-python3.11}

command -v "$python" >/dev/null || { echo "Feedlake needs Python 3.11: $python is not on PATH (make PYTHON=/path/to/python3.11 …)" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Feedlake needs Python 3.11, $python is $("$python" -V)" >&2; exit 1; }

missing=()
java -version 2>&1 | grep -qE 'version "(17|21)' || missing+=(openjdk-17-jre-headless)
command -v redis-server >/dev/null || missing+=(redis-server)
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3.11-venv)
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
  echo "Install these system packages, then run make again: ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# RUNLEVEL=1 keeps the package from starting a Redis of its own; the demo starts a private one.
$as_root env RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
