# The first process of a run's container. POSIX sh; of the image it needs /bin/sh, setsid, sleep and mkdir.
#
#   sh -c THIS situs GENERATION LIMIT_S COMMAND...
#
# The folder is a volume of the run's own: in `work` the run works, in `control` lies what is said to it. What the
# cluster is told of the end goes to the termination message: why it ended, and what it has used.
#
# It ends the run at its time limit, when the kernel has ended a part of it for want of memory, and when `control/stop`
# appears with the seconds of grace, whether or not anybody out there lives to see it.
#
# A run on several nodes has one such process on each of them, with the variables SITUS_NODES and SITUS_NODE_RANK. They
# share the folder: `control/here` has a file of each that has come, and none begins before all have; `control/failed`
# has one of each that failed, and then the others end too.

set -u
generation=$1 limit_s=$2
shift 2
say=/dev/termination-log
meet_cs=60000
grace_beside_cs=1000
rank=${SITUS_NODE_RANK-}
control=/situs/control${rank:+/$rank} here=/situs/control/here failed=/situs/control/failed
cd /situs && mkdir -p work "$control" || exit 72
[ -z "$rank" ] || mkdir -p $here $failed || exit 72
fail() { # the others are to know of it
  [ -z "$rank" ] || [ -e "$failed/$rank" ] || : >"$failed/$rank"
}

newest=
# It has no end of line, for which read says no.
[ ! -r /situs-unit/newest ] || read -r newest </situs-unit/newest || :
if [ "${newest:-0}" -gt "$generation" ]; then
  fail
  echo 'reason=stopped' >$say
  exit 75
fi
# A job may in rare cases get a second pod: only one makes the folder, and only that one runs.
if ! mkdir "$control/begun"; then
  echo 'reason=lost' >$say
  exit 75
fi

clock() { # hundredths of a second since the node was booted; no program is started for it
  read -r up _ </proc/uptime
  now=$((${up%.*} * 100 + 1${up#*.} - 100))
}

ran_out_of_memory() {
  for events in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ ! -r $events ] || while read -r word count; do
      [ "$word" = oom_kill ] && [ "$count" -gt 0 ] && return 0
    done <$events
  done
  return 1
}

number() { # the first number of a file, if there is such a file
  [ ! -r "$1" ] || { read -r found <"$1" && echo "$found"; }
}

used() {
  peak=$(number /sys/fs/cgroup/memory.peak)$(number /sys/fs/cgroup/memory/memory.max_usage_in_bytes)
  cpu_us=
  [ ! -r /sys/fs/cgroup/cpu.stat ] || while read -r word count; do
    [ "$word" != usage_usec ] || cpu_us=$count
  done </sys/fs/cgroup/cpu.stat
  cpu_ns=$(number /sys/fs/cgroup/cpuacct/cpuacct.usage)
  [ -z "$cpu_ns" ] || cpu_us=$((cpu_ns / 1000))
}

tell() { # signal, to all of the run's own group
  [ ! -e "$control/pid" ] || { read -r pid <"$control/pid" && kill "-$1" "-$pid"; } 2>/dev/null
}

end_all() { # but this shell; only the first process of a pod may do so
  if [ $$ = 1 ]; then kill -KILL -1; else tell KILL; fi
}

rest() {
  round=$((round + 1))
  # Soon enough to see the end of something short, and seldom enough to cost a long one nothing.
  if [ $round -lt 40 ]; then pause=0.05; elif [ $round -lt 200 ]; then pause=0.2; else pause=1; fi
  sleep $pause &
  # A signal wakes us; a sleep that knows no fractions fails at once.
  wait $! || [ $? -gt 128 ] || sleep 1
  clock
}

all_here() {
  set -- $here/*
  [ $# -ge "$SITUS_NODES" ]
}

failed_beside() {
  [ -n "$rank" ] || return 1
  set -- $failed/*
  [ -e "$1" ]
}

meet() {
  if [ "$rank" = 0 ]; then
    name=${SITUS_FIRST_NODE%-0.*} other=0
    while [ $other -lt "$SITUS_NODES" ]; do
      echo "$name-$other.${SITUS_FIRST_NODE##*.}"
      other=$((other + 1))
    done >/situs/control/hosts
  fi
  : >"$here/$rank"
  until [ -n "$why" ]; do
    if failed_beside; then
      why=other
    elif [ -e "$control/stop" ]; then
      why=stopped
    elif all_here; then
      return
    elif [ $((now - began)) -ge $meet_cs ]; then
      why=cancelled late=$((meet_cs / 100))
    else
      rest
    fi
  done
}

# A shell has what it starts in the background ignore SIGINT for ever, and waits deaf for what it starts in front.
# The first setsid leads a group, so the second one forks and leaves: the run is on its way, and we can listen.
keep='first=$1 control=$2
shift
setsid /bin/sh -c '\''
  echo $$ >"$1/pid.new" && mv "$1/pid.new" "$1/pid"
  cd /situs/work || exit 72
  shift
  unset PWD OLDPWD SHLVL
  exec "$@"'\'' sh "$@"
echo $? >"$control/code.new" && mv "$control/code.new" "$control/code"
kill -s USR2 "$first"'

why='' late='' kill_at='' code='' round=0
trap : USR1 USR2
# The site ends it: a drained node, a preemption. It has as long as the pod has.
trap 'why=${why:-cancelled}; tell TERM' TERM
clock
began=$now
[ -z "$rank" ] || meet
if [ -n "$why" ]; then
  code=75
else
  began=$now round=0
  setsid setsid /bin/sh -c "$keep" sh $$ "$control" "$@" </dev/null
fi
while [ -z "$code" ] && [ ! -e "$control/code" ]; do
  rest
  if [ -z "$why" ] && ran_out_of_memory; then
    why=memory kill_at=$now
  elif [ -z "$why" ] && [ -n "$limit_s" ] && [ $((now - began)) -ge $((limit_s * 100)) ]; then
    why=timeout kill_at=$now
  elif [ "$why" != stopped ] && [ -e "$control/stop" ]; then
    read -r grace_cs <"$control/stop"
    why=stopped kill_at=$((now + grace_cs))
    tell TERM
  elif [ -z "$why" ] && failed_beside; then
    why=other kill_at=$((now + grace_beside_cs))
    tell TERM
  fi
  [ -z "$why" ] || fail
  if [ -n "$kill_at" ] && [ "$now" -ge "$kill_at" ] && [ ! -e "$control/code" ]; then
    end_all
    code=137
  fi
done
# It is over: whatever comes now changes nothing, and some shells cannot bear a signal in the middle of what follows.
trap '' USR1 USR2 TERM
[ -n "$code" ] || read -r code <"$control/code"
clock
if [ -z "$why" ] && [ "$code" = 137 ] && ran_out_of_memory; then why=memory; fi
[ "$code" = 0 ] && [ -z "$why" ] || fail
used
echo "reason=$why late=$late wall_cs=$((now - began)) cpu_us=$cpu_us peak_bytes=$peak" >$say
exit "$code"
