# Starts, watches and ends runs on a POSIX host.  Lives there under its own digest and is never changed in place.
#
# The files of a run carry the truth; each appears whole, by ln or mv, and the first one to appear counts:
#   task     what is to be run, for the owner's eyes only; secrets are not in it: they go from hand to hand over pipes
#   started  process id, host name and boot of its supervisor; whoever makes it runs the task, nobody else ever
#   pid      of the task itself, which leads a session of its own
#   stop     the grace that was asked for; timeout: its time was up; lapsed: its lease was over
#   lease    second of the host's own clock at which it is to end; each new one takes the place of the one before
#   devices  numbers of the accelerators that the run has, each with how many thousandths of it
#   ended    exit code, reason, begin and end, and what `times` says
#
# usage: SITUS_SH=/bin/sh sh posix.sh VERB ROOT [RUN ...]
# Exit codes: 66 no such file, 73 still runs, 75 an old generation, 76 another boot, 77 no accelerator is free,
# 78 the host lacks something, 70 all else.
set -fu
mask=$(umask)
umask 077
verb=$1 root=$2
shift 2

fail() { echo "$2" >&2; exit "$1"; }

durable() { sync "$@" 2>/dev/null || sync; }

# A twentieth of a second; where sleep knows whole seconds alone, what counts them is told so.
pause() { sleep 0.05 2>/dev/null || { sleep 1; waited=$((${waited:-0} + 19)); }; }

# Sessions of their own: `setsid` alone keeps the process id; twice, it lets the shell go on at once. `session_only`
# is for the end of a pipe: no shell stays between the supervisor and the task.
if command -v setsid >/dev/null; then
  session() { setsid "$@"; }
  session_only() { exec setsid "$@"; }
  detached() { setsid setsid "$@"; }
else
  session() { perl -e 'use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV; exit 127' "$@"; }
  session_only() { exec perl -e 'use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV; exit 127' "$@"; }
  detached() { perl -e 'use POSIX; fork and exit; POSIX::setsid(); exec { $ARGV[0] } @ARGV; exit 127' "$@"; }
fi

here() {
  boot=- host=$(uname -n)
  [ ! -r /proc/sys/kernel/random/boot_id ] || read -r boot </proc/sys/kernel/random/boot_id
}

now() {
  if [ -r /proc/uptime ]; then read -r now rest </proc/uptime; else now=$(date +%s); fi
}

# Seconds since boot, which nobody sets and which go on while the host sleeps; and which boot that is.
clock() {
  [ -r /proc/uptime ] && [ -r /proc/sys/kernel/random/boot_id ] ||
    fail 78 'this host has no clock that nobody sets (/proc/uptime), so it cannot hold a run to a lease'
  here
  now
  echo "$boot $now"
}

same_boot() { # boot
  here
  [ "$1" = "$boot" ] || { clock; exit 76; }
}

# An older lease that comes late never takes the place of a longer one.
extend() { # second
  had=0
  [ ! -f "$run/lease" ] || read -r had <"$run/lease"
  [ "$1" -gt "${had:-0}" ] || return 0
  echo "$1" >"$run/.lease.$$" && mv -f "$run/.lease.$$" "$run/lease"
}

has_lapsed() {
  [ -f "$run/lease" ] || return 1
  read -r ends <"$run/lease" || ends=0
  now
  [ "${now%%.*}" -ge "$ends" ]
}

# The command line of a process of ours names its run, so a process id that was given away since is not taken for it.
ours() { # pid, its verb and run
  kill -0 "$1" 2>/dev/null || return 1
  if [ -r "/proc/$1/cmdline" ]; then line=$(tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null)
  else line=$(ps -o args= -p "$1" 2>/dev/null)
  fi
  case "$line " in *" $2 $root $3 "*) return 0;; esac
  return 1
}

state() {
  state=absent
  [ -f "$run/started" ] || return 0
  state=ended
  [ ! -f "$run/ended" ] || return 0
  read -r pid began_host began_boot began <"$run/started" || return 0
  here
  if [ "$began_host $began_boot" = "$host $boot" ]; then
    state=running
    ! ours "$pid" supervise "$name" || return 0
    # It writes down the end before it leaves, so whoever saw it gone looks once more.
    state=ended
    [ ! -f "$run/ended" ] || return 0
    end_all
    finish lost -
  elif [ "$began_host" = "$host" ]; then
    # The host was started anew, and nothing outlives that.
    state=ended
    finish lost -
  else
    fail 70 "$name runs on host $began_host by its own record, and this is $host with the same folder"
  fi
}

# Remembers the highest generation of the unit for ever, and refuses lower ones.
admit() { # unit generation
  seen=$root/newest/$1
  [ -d "$seen/$2" ] || { mkdir -p "$seen/$2" && durable "$seen"; } || exit 70
  newest "$1"
  [ "$2" -ge "$highest" ] || { rmdir "$seen/$2" 2>/dev/null; echo "$highest"; exit 75; }
  for older in $(ls "$seen"); do
    [ "$older" -ge "$2" ] || rmdir "$seen/$older" 2>/dev/null
  done
}

newest() { # unit
  highest=0
  for each in $(ls "$root/newest/$1"); do [ "$each" -le "$highest" ] || highest=$each; done
}

# What is left of the run: in its session, with its mark in the environment, or at home in its folder.
left() {
  leader=-
  [ ! -f "$run/pid" ] || read -r leader <"$run/pid"
  if [ ! -d /proc/self/task ]; then
    ps -A -o pid= -o pgid= | while read -r each group; do [ "$group" != "$leader" ] || echo "$each"; done
    return
  fi
  set +f
  {
    # A leader that is gone may have left its number to others; its session is only asked for while it was watched.
    [ "$verb" != supervise ] || sed -n "s/^\([0-9]*\) (.*) [^ZX] [0-9]* [0-9]* $leader .*/\1/p" /proc/[0-9]*/stat
    grep -lF "SITUS_RUN=$run/" /proc/[0-9]*/environ | cut -d / -f 3
    ls -ld /proc/[0-9]*/cwd | grep -F " -> $run/work" | sed 's|.* /proc/\([0-9]*\)/cwd -> .*|\1|'
  } 2>/dev/null | sort -u
  set -f
}

end_all() {
  round=0
  while each=$(left) && [ "$each" ] && [ "$round" -lt 200 ]; do
    kill -KILL $each 2>/dev/null
    round=$((round + 1))
    [ "$round" -lt 3 ] || pause
  done
}

finish() { # reason exit-code
  now
  { echo "$1 $2 $began $now"; cat "$run/times" 2>/dev/null; } >"$run/.ended.$$"
  durable "$run/.ended.$$"
  ln "$run/.ended.$$" "$run/ended" 2>/dev/null
  rm -f "$run/.ended.$$"
}

report() {
  state
  echo "$state"
  [ "$state" != ended ] || cat "$run/ended"
}

# Keeps what is asked for in a file that appears once: whoever comes later finds it there.
once() { # name content
  echo "$2" >"$run/.$1.$$"
  ln "$run/.$1.$$" "$run/$1" 2>/dev/null
  rm -f "$run/.$1.$$"
}

start() { # unit generation, how many accelerators are simulated; for a run with a lease: boot, second
  [ "$#" -lt 5 ] || same_boot "$4"
  command -v setsid >/dev/null || command -v perl >/dev/null || fail 78 'this host has neither setsid nor perl'
  admit "$1" "$2"
  mkdir -p "$run/work" "$run/signals" || exit 70
  secrets='' line=''
  while IFS= read -r line; do
    case $line in 'secret '*) secrets="$secrets$line
" ;; *) break ;; esac
  done
  [ ! "$secrets" ] || case $(type printf) in
    *builtin*) ;;
    *) fail 78 'the shell of this host has no printf of its own, so secrets would be seen in its list of processes' ;;
  esac
  { printf '%s\n' "$line" && cat; } >"$run/.task.$$" || exit 70
  # A line that is cut looks like an end of input: only what is whole has an end.
  [ "$(tail -n 1 "$run/.task.$$")" = end ] || { rm -f "$run/.task.$$"; fail 70 'the task did not arrive whole'; }
  [ -f "$run/task" ] || ln "$run/.task.$$" "$run/task" 2>/dev/null
  rm -f "$run/.task.$$"
  [ -f "$run/task" ] || fail 70 "cannot write to $run"
  state
  [ "$state" = absent ] || return 0
  [ "$#" -lt 5 ] || extend "$5" || exit 70
  said=$(printf %s "$secrets" |
    detached "$SITUS_SH" "$0" supervise "$root" "$name" "$1" "$2" "$mask" "$3" 2>>"$run/supervisor.log")
  case $said in
    started | already) ;;
    lapsed) fail 70 'its lease was over before it could begin' ;;
    full*) fail 77 "${said#full }" ;;
    [0-9]*) echo "$said"; exit 75 ;;
    *) fail 70 "its supervisor did not start: $(tail -n 1 "$run/supervisor.log" 2>/dev/null)" ;;
  esac
}

supervise() { # unit generation mask, how many accelerators are simulated; secrets over standard input
  cd / || exit
  secrets=$(cat)
  here
  now
  began=$now
  echo "$$ $host $boot $began" >"$run/.started.$$"
  durable "$run/.started.$$"
  ln "$run/.started.$$" "$run/started" 2>/dev/null || { rm -f "$run/.started.$$"; echo already; return; }
  rm -f "$run/.started.$$"
  # Somebody may have been told since that this generation never starts; whoever is told so later sees it started.
  newest "$1"
  [ "$2" -ge "$highest" ] || { rm -f "$run/started"; echo "$highest"; return; }
  # The order to start may have been on its way for long.
  ! has_lapsed || { rm -f "$run/started"; echo lapsed; return; }
  limit=- wanted=0
  { read -r word limit && read -r word wanted part rest; } <"$run/task"
  if [ "$word" = accelerators ] && [ "$wanted" -gt 0 ]; then
    take "$wanted" "$part" "$4" || { rm -f "$run/started"; return; }
  fi
  echo started
  exec >/dev/null
  timer=
  if [ "$limit" != - ]; then
    session "$SITUS_SH" "$0" timer "$root" "$name" "$limit" </dev/null 2>&1 &
    timer=$!
  fi
  warden=
  if [ -f "$run/lease" ]; then
    session "$SITUS_SH" "$0" warden "$root" "$name" </dev/null 2>&1 &
    warden=$!
  fi
  # A pipe and no file: what a shell writes by itself is in nobody's list of processes.
  { [ ! "$secrets" ] || printf '%s\n' "$secrets"; } |
    session_only env -i PATH="$PATH" "$SITUS_SH" "$0" task "$root" "$name" "$3" "$4" >>"$run/output.log" 2>&1
  code=$?
  secrets=
  times >"$run/times"
  for each in $timer $warden; do { kill -KILL "-$each"; kill -KILL "$each"; } 2>/dev/null; done
  end_all
  reason=exited
  if [ -f "$run/stop" ]; then reason=stopped
  elif [ -f "$run/timeout" ]; then reason=timeout
  elif [ -f "$run/lapsed" ]; then reason=lapsed
  elif [ "$code" -gt 128 ]; then reason=signalled
  fi
  finish "$reason" "$code"
}

# Numbers of the accelerators that are here, and after them of those that are only simulated.
devices() { # how many are simulated
  next=0
  for each in $(smi | sed 's/,.*//'); do
    echo "$each"
    [ "$each" -lt "$next" ] || next=$((each + 1))
  done
  last=$((next + $1))
  while [ "$next" -lt "$last" ]; do echo "$next"; next=$((next + 1)); done
}

# Number and model of each that is here. What the tool complains of goes to its output too, and begins otherwise. A
# driver that hangs must not hold up all who start something.
smi() {
  set -- nvidia-smi --query-gpu=index,name --format=csv,noheader
  ! command -v timeout >/dev/null || set -- timeout 20 "$@"
  "$@" 2>/dev/null | grep '^[0-9][0-9]*, '
}

# What others have that run now. A run whose supervisor was killed is ended first, so that nobody shares with its rest.
taken() {
  for each in $(ls "$root/runs"); do
    [ "$each" != "$name" ] && [ -f "$root/runs/$each/devices" ] && [ ! -f "$root/runs/$each/ended" ] || continue
    (verb=taken name=$each run=$root/runs/$each && state && [ "$state" = running ] && cat "$run/devices") 2>/dev/null
  done
}

# One after another; whoever dies meanwhile lets the next one go on. What is taken is the run's until its end.
take() { # how many, thousandths of each, how many are simulated
  # Asked for before it is anybody's turn: a tool that hangs would keep the turn.
  there=$(devices "$3")
  exec 8>>"$root/devices.lock"
  flock 8 2>/dev/null || perl -e 'open F, ">>&=8" or exit 1; flock F, 2 or exit 1' || {
    echo 'full this host has neither flock nor perl, and accelerators are given out to one run after another'
    return 1
  }
  had=$(taken)
  parted='' whole=''
  for device in $there; do
    left=1000
    while read -r each part; do [ "$each" != "$device" ] || left=$((left - part)); done <<END
$had
END
    if [ "$left" -lt "$2" ]; then continue; fi
    # Parts go where others have parts already, so that whole ones stay free.
    if [ "$left" -lt 1000 ]; then parted="$parted $device"; else whole="$whole $device"; fi
  done
  count=0
  for device in $parted $whole; do
    [ "$count" -lt "$1" ] || break
    echo "$device $2"
    count=$((count + 1))
  done >"$run/.devices.$$"
  if [ "$count" -lt "$1" ]; then
    rm -f "$run/.devices.$$"
    set -- "$1" $there
    [ "$#" -gt 1 ] || {
      echo 'full nvidia-smi finds no accelerators here; pools that are marked `simulated` stand for some'
      return 1
    }
    echo "full it asks for $1 accelerators, and $count of the $(($# - 1)) here have room for it"
    return 1
  fi
  mv -f "$run/.devices.$$" "$run/devices"
  exec 8>&-
}

# Becomes the task itself.  What it is given was escaped as printf does it, and is never read as script.  Names of
# its environment may be names of ours, so nothing of ours is needed once the first of them is there.
task() { # mask, how many accelerators are simulated; secrets over standard input
  cd "$run/work" || exit
  echo "$$" >"$run/.pid" && mv -f "$run/.pid" "$run/pid" || exit
  [ ! -f "$run/stop" ] && [ ! -f "$run/lapsed" ] || exit 143
  ulimit -c 0 2>/dev/null
  umask "$1"
  SITUS_DEVICES=
  if [ -f "$run/devices" ]; then SITUS_DEVICES=$(cut -d ' ' -f 1 "$run/devices" | tr '\n' ',')
  elif [ -e /dev/nvidiactl ] || [ "$2" -gt 0 ]; then
    # They are others'. Who names some by itself wants to share.
    export CUDA_VISIBLE_DEVICES=
  fi
  set --
  while IFS= read -r SITUS_LINE; do
    SITUS_VALUE=${SITUS_LINE#* }
    case $SITUS_LINE in 'env '*) SITUS_VALUE=${SITUS_VALUE#* } ;; esac
    case $SITUS_VALUE in *\\*) SITUS_VALUE=$(printf '%b.' "$SITUS_VALUE") SITUS_VALUE=${SITUS_VALUE%.} ;; esac
    case $SITUS_LINE in
      'env '*) SITUS_LINE=${SITUS_LINE#env } && export "${SITUS_LINE%% *}=$SITUS_VALUE" ;;
      'arg '*) set -- "$@" "$SITUS_VALUE" ;;
    esac
  done <"$run/task"
  while IFS= read -r SITUS_LINE; do
    SITUS_LINE=${SITUS_LINE#secret }
    SITUS_VALUE=${SITUS_LINE#* }
    case $SITUS_VALUE in *\\*) SITUS_VALUE=$(printf '%b.' "$SITUS_VALUE") SITUS_VALUE=${SITUS_VALUE%.} ;; esac
    export "${SITUS_LINE%% *}=$SITUS_VALUE"
  done
  if [ "$SITUS_DEVICES" ]; then
    export "CUDA_VISIBLE_DEVICES=${SITUS_DEVICES%,}" CUDA_DEVICE_ORDER=PCI_BUS_ID "SITUS_ACCELERATORS=${SITUS_DEVICES%,}"
  fi
  unset PWD OLDPWD SHLVL SITUS_DEVICES
  exec "$@" </dev/null
}

timer() { # seconds
  sleep "$1" 2>/dev/null || sleep "$((${1%%.*} + 1))"
  state
  [ "$state" = running ] || return 0
  once timeout "$1"
  end_run
}

# Ends the run when its lease is over, whoever is away then, and does not give up before it has ended.
warden() {
  while [ ! -f "$run/ended" ]; do
    if has_lapsed; then
      once lapsed "$ends"
      end_run
    else
      sleep 1
    fi
  done
}

# Leases of several runs, each on a line of its own; the last line of an order that was cut has no end and is left out.
renew() { # boot; over standard input: run, second
  same_boot "$1"
  while read -r each second; do
    run=$root/runs/$each
    [ ! -f "$run/lease" ] || [ -f "$run/ended" ] || extend "$second"
  done
  clock
}

# The supervisor sees to it that nothing is left, once the task itself has gone.
end_run() {
  tries=0
  while state && [ "$state" = running ] && [ "$tries" -lt 100 ]; do
    [ ! -f "$run/pid" ] || { read -r leader <"$run/pid" && kill -KILL "-$leader" "$leader"; } 2>/dev/null
    tries=$((tries + 1))
    pause
  done
}

stop() { # grace, longest wait here: both in twentieths of a second
  state
  if [ "$state" = running ]; then
    once stop "$1"
    detached "$SITUS_SH" "$0" stopper "$root" "$name" "$1" </dev/null >/dev/null 2>&1
    await "$2"
  fi
  report
}

stopper() { # grace
  waited=0
  while [ ! -f "$run/ended" ] && [ "$waited" -lt "$1" ]; do
    # It may not have begun yet; and it is asked once, however often we are.
    if [ -f "$run/pid" ] && mkdir "$run/asked" 2>/dev/null; then
      read -r leader <"$run/pid"
      kill -TERM "-$leader"
    fi
    pause
    waited=$((waited + 1))
  done
  end_run
}

await() { # longest wait, in twentieths of a second
  waited=0
  while [ ! -f "$run/ended" ] && [ "$waited" -lt "$1" ]; do
    pause
    waited=$((waited + 1))
  done
}

signal() { # name request
  state
  [ "$state" = running ] && [ -f "$run/pid" ] || return 0
  # Asked again after an answer was lost: it went already.
  mkdir "$run/signals/$2" 2>/dev/null || return 0
  read -r leader <"$run/pid"
  kill "-$1" "$leader" 2>/dev/null
  return 0
}

# Where a file of the run really is; nothing outside its folder, whatever links say.
place() { # folder, which is made
  # One who was frozen may believe that it has not started, and must not overwrite what it wrote.
  [ ! -f "$run/started" ] || fail 70 'it has started, and files come before that'
  there=$run/work/$1
  mkdir -p "$run/work" || exit 70
  while [ ! -d "$there" ]; do there=${there%/*}; done
  # Looked at before anything is made, so that no link of the run has folders made elsewhere.
  real=$(cd -P "$there" && pwd -P) || exit 70
  inside "$real"
  mkdir -p "$run/work/$1" || exit 70
  cd -P "$run/work/$1" && pwd -P
}

find_file() { # name
  real=$run/work/$1
  [ -f "$real" ] || exit 66
  if [ -h "$real" ]; then real=$(readlink -f "$real") || exit 70
  else real=$(cd -P "${real%/*}" && pwd -P)/${real##*/} || exit 70
  fi
  inside "$real"
  printf '%s\n' "$real"
}

inside() { case $1/ in "$run/work/"*) ;; *) fail 70 'it leads out of the folder of the run' ;; esac; }

forget() { # request
  [ -d "$run" ] || return 0
  state
  [ "$state" != running ] || fail 73 'it still runs'
  # Out of sight in one step: half a folder would look like a run that never was, and run again.
  mkdir -p "$root/forgotten"
  mv "$run" "$root/forgotten/$1" || exit 70
  for each in $(ls "$root/forgotten"); do rm -rf "$root/forgotten/$each"; done
}

# Which of several hosts has the run; whoever says so first is right.
claim() { # host, or - to ask
  claims=$root/claims
  if [ "$1" != - ] && [ ! -f "$claims/$name" ]; then
    mkdir -p "$claims" && echo "$1" >"$claims/.$name.$$" || exit 70
    durable "$claims/.$name.$$"
    ln "$claims/.$name.$$" "$claims/$name" 2>/dev/null
    rm -f "$claims/.$name.$$"
    [ -f "$claims/$name" ] || fail 70 "cannot write to $claims"
  fi
  [ ! -f "$claims/$name" ] || cat "$claims/$name"
}

busy() {
  count=0
  for each in $(ls "$root/runs" 2>/dev/null); do [ -f "$root/runs/$each/ended" ] || count=$((count + 1)); done
  echo "$count"
}

health() {
  date +%s
  for each in dd ls sed grep sort tail cut tr ln sync; do
    command -v "$each" >/dev/null || fail 78 "this host has no $each"
  done
  command -v setsid >/dev/null || command -v perl >/dev/null || fail 78 'this host has neither setsid nor perl'
  command -v sha256sum >/dev/null || command -v openssl >/dev/null || command -v shasum >/dev/null ||
    fail 78 'this host has no sha256sum, openssl or shasum'
  echo x >"$root/.health.$$" && rm -f "$root/.health.$$" || fail 78 "cannot write to $root"
  # Free kibibytes, and who may look into the folder.
  df -Pk "$root" 2>/dev/null | { read -r line; read -r name size used free rest; echo "${free:--}"; }
  ls -ld "$root" | cut -c 1-10
}

inventory() {
  getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo || echo 1
  sed -n 's/^MemTotal: *\([0-9]*\) kB.*/\1/p' /proc/meminfo 2>/dev/null || echo $(($(sysctl -n hw.memsize) / 1024))
  uname -sr
  smi | sed 's/^[0-9]*, //'
  return 0
}

if [ "$#" -gt 0 ]; then
  name=$1 run=$root/runs/$1
  shift
fi
case $verb in
  known) ls "$root/runs" 2>/dev/null || : ;;
  fence) admit "$@" ;;
  unclaim) rm -f "$root/claims/$name" ;;
  await) await "$@" && report ;;
  clock) clock ;;
  start | supervise | task | timer | warden | renew | stop | stopper | signal | place | find_file | forget | report | health | \
    inventory | claim | busy)
    "$verb" "$@" ;;
  *) fail 70 "unknown verb $verb" ;;
esac
