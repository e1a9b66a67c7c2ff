# Unpacks the code of a run where it is, makes or finds the environment of its Python packages, and becomes its
# program.  POSIX sh, tar and gzip; an environment needs Python as well.
#
# usage: sh launch.sh ARCHIVE CACHE LOCK DIGEST PYTHON PROGRAM [ARG ...]
# '-' stands for none: no CACHE means that the site keeps nothing between runs, no LOCK that no packages are asked for.
# Exit code 125: it never came to the program.
set -fu
archive=$1 cache=$2 lock=$3 digest=$4 python=$5
shift 5

fail() { echo "situs: $1" >&2; exit 125; }

# Packages are installed as the user of the site would, with that user's settings and downloads.
at_home() {
  home=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6)
  HOME=${home:-$HOME} "$@"
}

with_uv() {
  if command -v uv >/dev/null; then at_home uv "$@"; return; fi
  [ -x "$new/bin/uv" ] || at_home "$new/bin/python" -m pip install -q --disable-pip-version-check --no-input uv || return
  at_home "$new/bin/uv" "$@"
}

install() {
  case ${lock##*/} in
    uv.lock) (cd "$(dirname "$lock")" && UV_PROJECT_ENVIRONMENT=$new with_uv sync -q --frozen --no-install-workspace) ;;
    pylock.*) with_uv pip sync -q --python "$new/bin/python" "$lock" ;;
    *) at_home "$new/bin/python" -m pip install -q --disable-pip-version-check --no-input -r "$lock" ;;
  esac
}

# A folder of its own for each attempt; only the last step, in one move, says which one is whole.
build() {
  [ ! -f "$name.ready" ] || return 0
  # Under the lock nobody else builds, so what lies here was left by one that was killed.
  [ "$locked" = no ] || for old in $(ls "$cache"); do
    case $old in "${name##*/}".at.*) rm -rf "${cache:?}/$old" ;; esac
  done
  new=$name.at.$(uname -n).$$
  echo "situs: installing $lock, once for this site" >&2
  if "$python" -m venv "$new" >&2 && install >&2; then
    echo "$new" >"$new.whole" && { sync "$new.whole" 2>/dev/null || sync; } && mv -f "$new.whole" "$name.ready"
  else
    rm -rf "$new"
    return 1
  fi
}

tar -xozf "$archive" || fail 'the code could not be unpacked; the site needs tar and gzip, and room'
if [ "$lock" != - ]; then
  command -v "$python" >/dev/null || fail "there is no $python here to install $lock with"
  # Packages have parts made for one version of Python on one kind of machine.
  tag=$("$python" -c 'import platform, sys; print("%d.%d-%s" % (*sys.version_info[:2], platform.machine()))') ||
    fail "$python does not run"
  [ "$cache" != - ] || cache=$PWD/.situs-env
  mkdir -p "$cache" || fail "there is no room for the packages in $cache"
  name=$cache/$digest-$tag
  if [ ! -f "$name.ready" ]; then
    locked=no
    ! command -v flock >/dev/null || locked=yes
    { [ "$locked" = no ] || flock 9; build 9>&-; } 9>"$name.lock" || fail "$lock could not be installed"
  fi
  read -r VIRTUAL_ENV <"$name.ready" || fail "$name.ready cannot be read"
  PATH=$VIRTUAL_ENV/bin:$PATH
  export VIRTUAL_ENV PATH
fi
if [ "$1" = python ] && ! command -v python >/dev/null; then
  shift
  set -- python3 "$@"
fi
exec "$@"
