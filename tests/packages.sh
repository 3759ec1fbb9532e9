#!/bin/sh
# Installs the Debian packages that running (base) or testing in a browser (browser) needs, when root; says what to install when not.
set -eu

missing=""
need() { # Debian package
  missing="$missing $1"
}

case "$1" in
  base)
    command -v git >/dev/null || need git
    command -v python3 >/dev/null || need python3
    python3 -c "import venv, ensurepip" 2>/dev/null || need python3-venv
    command -v node >/dev/null || need nodejs
    command -v npm >/dev/null || need npm
    # Printed letters and case files: text layout, and a font that has Chinese.
    python3 -c "import ctypes.util as u, sys; sys.exit(not (u.find_library('pango-1.0') and u.find_library('pangoft2-1.0')))" || need libpangoft2-1.0-0
    python3 -c "import ctypes.util as u, sys; sys.exit(not u.find_library('harfbuzz-subset'))" || need libharfbuzz-subset0
    command -v fc-list >/dev/null || need fontconfig
    fc-list 2>/dev/null | grep -qi "NotoSansCJK" || need fonts-noto-cjk
    ;;
  browser)
    command -v chromium >/dev/null || need chromium
    command -v firefox-esr >/dev/null || need firefox-esr
    ;;
esac

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Please install these Debian packages, then run the same command again:$missing" >&2
  exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 -- a list of package names
apt-get install -y -qq --no-install-recommends $missing
