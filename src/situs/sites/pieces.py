"""The scripts that copy files to and from a host in pieces; POSIX sh and what every host has beside it.

Each piece is written to its own place of a file that is named after its content: pieces that come twice, late,
or from two senders at once write the same bytes to the same place.
"""

from __future__ import annotations

BLOCK = 1 << 20
"""Files go on at whole blocks of this many bytes; the scripts have the number in them."""
NOT_THERE, DAMAGED = 66, 65
"""Exit codes of the scripts, taken from sysexits.h."""

FILES = r"""
set -fu
umask 077
digest() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"
  elif command -v openssl >/dev/null; then openssl dgst -sha256 -r <"$1"
  elif command -v shasum >/dev/null; then shasum -a 256 <"$1"
  else echo 'this host has no sha256sum, openssl or shasum' >&2; exit 69
  fi
}
# wc would read all of the file; ls asks for its length.
size() { set -- $(ls -lnL "$1" 2>/dev/null); echo "${5:-0}"; }
is() { [ -f "$1" ] && [ "$(size "$1")" = "$3" ] && case $(digest "$1") in "$2"*) :;; *) false;; esac; }
"""
"""What scripts about files begin with: their digest and length."""

PUT = (
    FILES
    + r"""
name=$1 part=$2 digest=$3 total=$4 block=$5 folder=$6
if is "$name" "$digest" "$total"; then rm -f "$part"; echo "$total"; exit; fi
if [ "$block" != ask ]; then
  mkdir -p "$folder" || exit
  dd of="$part" bs=1048576 seek="$block" conv=notrunc || { df -k "$folder" >&2; exit 74; }
fi
# Another sender of the same may have finished it just now; then the next call sees that.
[ -f "$part" ] || { echo 0; exit; }
if [ "$(size "$part")" -lt "$total" ]; then size "$part"; exit; fi
is "$part" "$digest" "$total" || {
  # Damaged, or taken away and begun anew by another sender while it was looked at?
  if is "$name" "$digest" "$total"; then echo "$total"; exit; fi
  if [ "$(size "$part")" != "$total" ]; then size "$part"; exit; fi
  is "$part" "$digest" "$total" || { rm -f "$part"; exit 65; }
}
sync "$part" || sync
mv -f "$part" "$name" || [ -f "$name" ] || exit
echo "$total"
"""
)

LOOK = (
    FILES
    + r"""
[ -f "$1" ] || exit 66
set -- "$(size "$1")" "$(digest "$1")" || exit
[ "$2" ] || exit 69
echo "$1 $2"
"""
)

READ = r"""
[ -f "$1" ] || exit 66
dd if="$1" bs=1048576 skip="$2" count="$3" 2>/dev/null | tail -c "+$4"
"""
