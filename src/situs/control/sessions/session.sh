# Keeps a terminal alive where a run is, for people who come and go.  POSIX sh, and one of script (util-linux) or
# Python to make the terminal; no tmux, no daemon.
#
# What is typed comes over a pipe with a name, what is shown goes to a file: so nobody has to be there, whoever comes
# sees what was shown last, and a line that is cut harms nothing.  In the folder .situs-session of the run:
#   in      what is typed; screen: what was shown
#   inside  process id of what leads the terminal's session; shell: that of the shell in it; tty: its name
#   code    how the shell ended; whoever finds it knows that all is over. idle: it was ended as nothing happened
#   jupyter/wanted  somebody asks for Jupyter; token: what it asks for; face: what of it is there; lacks: why there is none
#
# usage: sh .situs-session.sh keep IDLE_S           the run itself; it ends after so long without a sign of life, 0: never
#        sh .situs-session.sh attach ROWS COLUMNS   shows the screen, and types what comes over standard input
#        sh .situs-session.sh size ROWS COLUMNS     the window of who is there has another size
#        sh .situs-session.sh relay PORT            a connection to what listens there, over standard input and output
#        sh .situs-session.sh jupyter               has Jupyter run in the session; tells its port, path and token
# Exit codes: 69 the site lacks something, 70 the terminal is gone, 75 there is none yet, 76 the session is over.
set -fu
mask=$(umask)
umask 077
place=$PWD/.situs-session
verb=$1
shift

LACKS=69 LOST=70 NOT_YET=75 OVER=76
TERMINAL_S=30 JUPYTER_S=180

say() { printf '\r\nsitus: %s\r\n' "$1" | tee -a "$place/screen"; }

is_over() {
  [ ! -f "$place/code" ] || return 0
  read -r inside <"$place/inside" && ! kill -0 "$inside" 2>/dev/null
}

# In a session of its own, and on its way when this returns.  Nothing is started with `&` for it: what a shell starts
# so is deaf to Ctrl-C for ever, and all that it starts.
if command -v setsid >/dev/null; then
  detached() { setsid setsid "$@"; }
else
  detached() { perl -e 'use POSIX; fork and exit; POSIX::setsid(); exec { $ARGV[0] } @ARGV; exit 127' "$@"; }
fi

PYTHON='
import pty, sys
pty.spawn(sys.argv[1:])
'

open_terminal() {
  if script --version 2>/dev/null | grep -q util-linux; then
    set -- script -qfc 'exec sh .situs-session.sh inside' /dev/null
  elif command -v python3 >/dev/null; then
    set -- python3 -c "$PYTHON" sh .situs-session.sh inside
  else
    echo 'situs: there is neither script (util-linux) nor python3 here, and one of them has to open the terminal' >&2
    exit "$LACKS"
  fi
  detached env "SITUS_SESSION=$place" sh -c 'screen=$1; shift; "$@" | tee -a "$screen"' sh "$place/screen" "$@"
}

keep() { # seconds
  command -v setsid >/dev/null || command -v perl >/dev/null || {
    echo 'situs: there is neither setsid (util-linux) nor perl here, and one of them has to open the terminal' >&2
    exit "$LACKS"
  }
  mkdir "$place" && mkfifo "$place/in" || exit "$LACKS"
  : >"$place/screen"
  echo "$mask" >"$place/mask"
  trap hang_up TERM HUP
  echo 'situs: the session begins'
  # Opened both ways it never has an end, and nobody waits for somebody to come.
  exec 3<>"$place/in"
  open_terminal <&3 3<&-
  waited=0
  while [ ! -f "$place/inside" ]; do
    [ "$waited" -lt "$TERMINAL_S" ] || { echo 'situs: no terminal could be opened' >&2; exit "$LACKS"; }
    wait_a_second
    waited=$((waited + 1))
  done
  watch "$1"
  end_jupyter
  # Who leaves a shell after a command that failed has not failed.
  [ -f "$place/code" ] || { echo 'situs: the terminal is gone, and nobody knows why' >&2; exit "$LOST"; }
}

# A shell that waits for what runs in front of it hears no signal.
wait_a_second() { sleep 1 & wait $!; }

watch() { # seconds
  idle=0 used=0 since=0
  every=$(($1 / 4))
  [ "$every" -le 60 ] || every=60
  [ "$every" -ge 1 ] || every=1
  : >"$place/looked"
  while ! is_over; do
    wait_a_second
    [ ! -f "$place/jupyter/wanted" ] || begin_jupyter
    since=$((since + 1))
    [ "$1" -gt 0 ] && [ "$since" -ge "$every" ] || continue
    if [ -f "$place/idle" ]; then
      hang_up KILL
    elif has_life "$since"; then
      idle=0
    elif idle=$((idle + since)) && [ "$idle" -ge "$1" ]; then
      : >"$place/idle"
      say "for $1 s nothing was typed, shown or computed here: the session ends"
      hang_up
      every=10
    fi
    since=0
  done
}

has_life() { # seconds since it was asked last
  # Jupyter tells of what is saved, run and opened in it.
  changed=$(find "$place/in" "$place/screen" "$place/jupyter/log" -newer "$place/looked" 2>/dev/null)
  : >"$place/looked"
  before=$used
  add_up
  # A twentieth of a processor; less than before means that something has ended.
  [ "$changed" ] || [ "$used" -lt "$before" ] || [ "$(((used - before) * 20))" -ge "$(($1 * ticks_per_s))" ]
}

# Processor time of all that was started in the session; a host without /proc cannot tell.
add_up() {
  used=0
  ticks_per_s=$(getconf CLK_TCK 2>/dev/null || echo 100)
  set +f
  set -- $(grep -lF "SITUS_SESSION=$place" /proc/[0-9]*/environ 2>/dev/null)
  set -f
  for each; do
    { read -r line <"${each%environ}stat"; } 2>/dev/null || continue
    # After the name in brackets: 12th and 13th are its own ticks, the next two those of what it has waited for.
    set -- ${line##*) }
    used=$((used + ${12} + ${13} + ${14} + ${15}))
  done
}

# What a shell in front has started gets to know by the shell, or by the terminal that is gone.
hang_up() {
  [ -f "$place/shell" ] || return 0
  read -r shell <"$place/shell"
  kill "-${1:-HUP}" "$shell" 2>/dev/null
}

# Leads the session of the terminal.
inside() {
  trap : HUP TERM
  stty sane
  tty >"$place/tty"
  echo $$ >"$place/.inside" && mv "$place/.inside" "$place/inside"
  read -r mask <"$place/mask"
  chosen=${SHELL:-$(getent passwd "$(id -u)" 2>/dev/null | cut -d : -f 7)}
  case $chosen in */nologin | */false | '') chosen=bash ;; esac
  command -v "$chosen" >/dev/null || chosen=sh
  # Not as at a login: that would forget where the packages of the run are.
  sh -c 'echo $$ >"$1/shell" && umask "$2" && shift 2 && exec "$@"' sh "$place" "$mask" "$chosen" -i
  code=$?
  echo "$code" >"$place/.code" && mv "$place/.code" "$place/code"
}

size() { # rows columns
  [ -f "$place/tty" ] || exit "$NOT_YET"
  read -r tty <"$place/tty"
  stty rows "$1" cols "$2" <"$tty" 2>/dev/null
  return 0
}

# Where to go on showing: not all of what was ever shown, and from the beginning of a line.
since() {
  total=$(wc -c <"$place/screen")
  since=$((total > 8192 ? total - 8192 : 0))
  [ "$since" -eq 0 ] || since=$((since + $(tail -c "+$((since + 1))" "$place/screen" | head -n 1 | wc -c)))
}

follow() { # bytes
  if tail --version 2>/dev/null | grep -q GNU; then exec tail -s 0.05 -c "+$(($1 + 1))" -f "$place/screen"; fi
  # Others look once a second, which nobody could type by.
  { tail -c "+$(($1 + 1))"; while :; do cat; sleep 0.05 2>/dev/null || sleep 1; done; } <"$place/screen"
}

attach() { # rows columns
  [ -f "$place/inside" ] || exit "$NOT_YET"
  ! is_over || exit "$OVER"
  since
  # Programs that fill the screen draw it anew when its size changes.
  size "$(($1 > 1 ? $1 - 1 : 2))" "$2"
  size "$1" "$2"
  exec 3<&0
  cat <&3 >"$place/in" &
  typed=$!
  exec 3<&-
  follow "$since" </dev/null &
  shown=$!
  while kill -0 "$typed" 2>/dev/null && kill -0 "$shown" 2>/dev/null && ! is_over; do
    sleep 0.3 2>/dev/null || sleep 1
  done
  code=0
  if is_over; then sleep 0.2 2>/dev/null; code=$OVER; fi
  kill "$typed" "$shown" 2>/dev/null
  exit "$code"
}

# Old Pythons have to understand it too.
RELAY='
import os, socket, sys, threading
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
line.settimeout(None)
def away():
    text = os.read(0, 65536)
    while text:
        line.sendall(text)
        text = os.read(0, 65536)
    line.shutdown(socket.SHUT_WR)
threading.Thread(target=away, daemon=True).start()
text = line.recv(65536)
while text:
    while text:
        text = text[os.write(1, text):]
    text = line.recv(65536)
'

relay() { # port
  ! is_over || exit "$OVER"
  if command -v python3 >/dev/null; then exec python3 -c "$RELAY" "$1"
  elif command -v nc >/dev/null; then exec nc 127.0.0.1 "$1"
  else echo 'there is neither python3 nor nc here, and one of them has to connect' >&2; exit "$LACKS"
  fi
}

# By what keeps the terminal, as that has the packages of the run.  Its token is in a file, so neither in a list of
# processes nor in what is started from notebooks; and as it was not made up by Jupyter, that does not show it in its log.
begin_jupyter() {
  rm -f "$place/jupyter/wanted" "$place/jupyter/lacks"
  [ -z "$(jupyter_servers)" ] || return 0
  # Where pip puts what a user installs is on the PATH of few hosts.
  PATH=$PATH:$(python3 -m site --user-base 2>/dev/null)/bin
  for face in lab notebook server none; do
    ! command -v "jupyter-$face" >/dev/null || break
  done
  if [ "$face" = none ]; then
    echo 'there is no Jupyter in the session; in its terminal, `python3 -m pip install jupyterlab` installs it,' \
      'or name jupyterlab in the lock file of the code' >"$place/jupyter/.lacks"
    mv "$place/jupyter/.lacks" "$place/jupyter/lacks"
    return 0
  fi
  echo "$face" >"$place/jupyter/face"
  [ -s "$place/jupyter/token" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$place/jupyter/token"
  set -- "jupyter-$face" --no-browser --ip=127.0.0.1 --port=0
  [ "$(id -u)" != 0 ] || set -- "$@" --allow-root
  detached env "SITUS_SESSION=$place" "JUPYTER_RUNTIME_DIR=$place/jupyter/runtime" \
    "JUPYTER_TOKEN_FILE=$place/jupyter/token" sh -c 'umask "$1"; log=$2; shift 2; exec "$@" </dev/null >>"$log" 2>&1' \
    sh "$mask" "$place/jupyter/log" "$@" 3<&-
}

# Those that run: process id and port of each.
jupyter_servers() (
  set +f
  for told in "$place"/jupyter/runtime/jpserver-*.json; do
    server=${told##*-}
    server=${server%.json}
    kill -0 "$server" 2>/dev/null || continue
    port=$(sed -n 's/^ *"port": *\([0-9]*\).*/\1/p' "$told")
    [ -z "$port" ] || echo "$server $port"
  done
)

end_jupyter() {
  waited=0
  # Once it is asked, it ends what runs in notebooks.
  while servers=$(jupyter_servers) && [ "$servers" ] && [ "$waited" -lt 10 ]; do
    signal=TERM
    [ "$waited" -lt 9 ] || signal=KILL
    echo "$servers" | while read -r server port; do kill "-$signal" "$server" 2>/dev/null; done
    wait_a_second
    waited=$((waited + 1))
  done
}

jupyter() {
  waited=0
  # Whoever has begun the session is here before its terminal is.
  while [ ! -f "$place/inside" ]; do
    [ "$waited" -lt "$TERMINAL_S" ] || exit "$NOT_YET"
    wait_a_second
    waited=$((waited + 1))
  done
  mkdir -p "$place/jupyter"
  : >"$place/jupyter/wanted"
  waited=0
  while ! is_over; do
    if [ ! -f "$place/jupyter/wanted" ]; then
      [ ! -f "$place/jupyter/lacks" ] || { cat "$place/jupyter/lacks" >&2; exit "$LACKS"; }
      servers=$(jupyter_servers)
      [ -z "$servers" ] || break
    fi
    [ "$waited" -lt "$JUPYTER_S" ] || { tail -n 5 "$place/jupyter/log" >&2; exit "$LOST"; }
    wait_a_second
    waited=$((waited + 1))
  done
  ! is_over || exit "$OVER"
  read -r _ port <<EOF
$servers
EOF
  read -r face <"$place/jupyter/face"
  read -r token <"$place/jupyter/token"
  case $face in notebook) face=tree ;; server) face= ;; esac
  echo "$port /$face $token"
}

case $verb in
  keep | inside | attach | size | relay | jupyter) "$verb" "$@" ;;
  *) echo "unknown verb $verb" >&2; exit 70 ;;
esac
