#!/bin/sh
# Says in one line what a machine lacks for setting up, and mends it where that needs no question (root on Debian).
set -eu
python="${1:-}"
if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; then
    echo "Hearsight needs Python 3.11 or 3.12: install it (Debian: apt-get install python3 python3-venv), or run make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
"$python" -c 'import venv, ensurepip' 2>/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "== installing python3-venv =="
    apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
else
    echo "Python's venv module is missing: apt-get install python3-venv" >&2
    exit 1
fi
