
# What Slurm starts for a run. Above are the functions that hold this run's environment and command; below is the
# same for every run. POSIX sh, and of Linux only /proc and setsid: a compute node has nothing of situs.
#
#   sh run.sh FOLDER                      the job: starts the run once, ends it in time, writes down how it went
#   sh run.sh FOLDER keep PID PLACE PART  does a part to its end, writes down in PLACE how that went, tells PID
#   sh run.sh FOLDER gang                 starts members on all nodes of the job
#   sh run.sh FOLDER member               on each node of several: passes on signals, measures
#   sh run.sh FOLDER task                 keeps what Slurm set aside, drops all else of the environment
#   sh run.sh FOLDER exec NAME=VALUE...   becomes the command
#
# Nobody runs twice: of all jobs that were ever submitted for this run the first one to link its number to `started`
# is the one. The record `ended` is linked too, so whoever ends the run first has the last word.
#
# SIGTERM is the site's: scancel, a time limit, preemption. Signals of ours come as others: SIGUSR1 says that a stop
# was asked for, and 33 + n (real-time signals, which nobody else uses) stands for signal n of the run.

set -u
umask 077
folder=$1
part=${2:-job}

if [ "$part" = exec ]; then
  shift 2
  for pair; do export "$pair"; done
  [ "$situs_nodes" = 1 ] || situs_meeting
  situs_environment
  if [ "$situs_secrets" != none ]; then
    [ -r "$folder/secrets" ] || { echo "its secrets are gone from $folder" >&2; exit 126; }
    . "$folder/secrets"
    [ "$situs_secrets" != once ] || /bin/rm -f "$folder/secrets"
  fi
  cd "$folder/work" || exit 126
  unset PWD OLDPWD SHLVL
  situs_command
  exit 127
fi

# The step's own control group, if the site has them: whom to end, how much memory, whether the kernel ran out of it.
control_group() {
  procs=/dev/null events=/dev/null memory=
  while IFS=: read -r _ kinds path; do
    case $path in *"/job_$SLURM_JOB_ID/"*) ;; *) continue ;; esac
    case ",$kinds," in
    *,freezer,*) procs=/sys/fs/cgroup/freezer$path/cgroup.procs ;;
    *,memory,*)
      events=/sys/fs/cgroup/memory$path/memory.oom_control
      memory=/sys/fs/cgroup/memory$path/memory.max_usage_in_bytes
      ;;
    ,,)
      procs=/sys/fs/cgroup$path/cgroup.procs
      events=/sys/fs/cgroup$path/memory.events
      memory=/sys/fs/cgroup$path/memory.peak
      ;;
    esac
  done </proc/self/cgroup
  [ -r "$procs" ] || procs=/dev/null
  [ -r "$events" ] || events=/dev/null
  peak=0
  [ ! -r "$memory" ] || read -r peak <"$memory"
}

ran_out_of_memory() {
  while read -r word count; do
    [ "$word" = oom_kill ] && [ "$count" -gt 0 ] && return 0
  done <"$events"
  [ -e "$folder/out-of-memory" ]
}

if [ "$part" = task ]; then
  ids=${SLURM_STEP_GPUS:-${SLURM_JOB_GPUS:-}}
  set -- "PATH=$PATH" "SITUS_NODES=${SLURM_JOB_NUM_NODES:-1}" "SITUS_NODE_RANK=${SLURM_NODEID:-0}"
  for name in CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES ZE_AFFINITY_MASK; do
    eval "value=\${$name-}"
    [ -z "$value" ] || set -- "$@" "$name=$value"
  done
  [ -z "$ids" ] || set -- "$@" "SITUS_ACCELERATORS=$ids"
  if [ "$situs_nodes" != 1 ]; then
    read -r first <"$folder/hosts"
    # Nodes may be shared with other jobs.
    set -- "$@" "SITUS_FIRST_NODE=$first" "MASTER_PORT=$((20000 + SLURM_JOB_ID % 10000))"
  fi
  echo $$ >pid.new && mv pid.new pid
  exec </dev/null >>"$folder/output.log" 2>&1
  exec env -i /bin/sh "$0" "$folder" exec "$@"
fi

if [ "$part" = gang ]; then
  exec </dev/null >>"$folder/output.log" 2>&1
  scontrol show hostnames "$SLURM_JOB_NODELIST" >hosts.new && mv hosts.new "$folder/hosts" || exit 72
  exec srun --nodes="$situs_nodes" --ntasks-per-node=1 --kill-on-bad-exit=1 --mpi=none --input=none --quiet \
    ${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"} /bin/sh "$0" "$folder" member
fi

if [ "$part" = keep ]; then
  cd "$4" || exit 72
  echo $$ >keeper.new && mv keeper.new keeper
  # What it says is not redirected here: some shells would write into the run's output how it was ended.
  setsid /bin/sh "$0" "$folder" "$5"
  code=$?
  times >used
  echo $code >code.new && mv code.new code
  kill -s USR2 "$3"
  exit
fi

# A shell has what it starts in the background ignore SIGINT for ever, and waits deaf for what it starts in front.
# The first setsid leads a group, so the second one forks and leaves: the part is on its way, and we can listen.
begin() { # place, part
  setsid setsid /bin/sh "$0" "$folder" keep $$ "$1" "$2"
}

tell() { # signal, whom: the run's own process, or all of its group
  [ -e pid ] && [ ! -e code ] || return 0
  if [ "$part" = job ] && [ "$situs_nodes" != 1 ]; then
    scancel --signal="$1" "$SLURM_JOB_ID.0" 2>/dev/null
    return 0
  fi
  read -r pid <pid
  case $2 in group) pid=-$pid ;; esac
  kill -s "$(kill -l "$1")" -- "$pid" 2>/dev/null
}

end_others() { # true when there was anybody but this shell and the one that waits for the part
  keeper=
  [ ! -e keeper ] || read -r keeper <keeper
  found=1
  while read -r one; do
    case " $$ $keeper " in *" $one "*) continue ;; esac
    kill -s KILL "$one" 2>/dev/null && found=0
  done <"$procs"
  if [ "$procs" = /dev/null ] || [ "$situs_nodes" != 1 ]; then tell 9 group; fi
  return $found
}

end_all() { # and wait until they are gone; not for ever, as a process may hang in the kernel
  tries=0
  while end_others && [ $tries -lt 200 ]; do
    tries=$((tries + 1))
    sleep 0.02
  done
}

await() { # what to do again and again until the part has ended
  round=0
  while [ ! -e code ]; do
    round=$((round + 1))
    # Soon enough to see the end of something short, and seldom enough to cost a long one nothing.
    if [ $round -lt 40 ]; then pause=0.05; elif [ $round -lt 200 ]; then pause=0.2; else pause=1; fi
    sleep $pause &
    wait $!
    [ -e code ] || $1
    if [ -e keeper ] && [ ! -e code ]; then
      read -r keeper <keeper
      kill -s 0 "$keeper" 2>/dev/null || [ -e code ] || echo 137 >code
    fi
  done
  end_all
  read -r code <code
}

if [ "$part" = member ]; then
  place=$folder/member.$SLURM_NODEID
  mkdir -p "$place" && cd "$place" || exit 72
  control_group
  trap : USR2
  for number in 1 2 3 10 14 18 20 23 28; do trap "tell $number process" $number; done
  trap 'tell 15 group' TERM
  begin "$place" task
  echo $$ >"$folder/pid"
  await :
  control_group
  echo "$peak" >peak
  ! ran_out_of_memory || : >"$folder/out-of-memory"
  # The first one that fails is the cause; the others are ended for it.
  [ "$code" = 0 ] || { echo "$code" >failed && ln failed "$folder/failed" 2>/dev/null; }
  exit "$code"
fi

me=$SLURM_JOB_ID
cd "$folder" || exit 72

clock() { # hundredths of a second since the node was booted; no program is started for it
  read -r up _ </proc/uptime
  now=$((${up%.*} * 100 + 1${up#*.} - 100))
}

record() { # exit code, reason
  clock
  control_group
  cpu=
  for file in used member.*/used; do
    [ ! -e "$file" ] || { read -r _; read -r more; cpu="$cpu $more"; } <"$file"
  done
  # Of several nodes the fullest one counts, as limits hold for each.
  for file in member.*/peak; do
    [ ! -e "$file" ] || { read -r more; [ "$more" -le "$peak" ] || peak=$more; } <"$file"
  done
  printf '{"exit_code": %s, "reason": "%s", "wall_s": "%s", "cpu": "%s", "peak_bytes": %s, "job": "%s"}\n' \
    "$1" "$2" "$(((now - began) / 100)).$(printf %02d $(((now - began) % 100)))" "$cpu" "$peak" "$me" >"ended.$me"
  [ "$situs_requeue" = yes ] && [ "$2" = site ] || rm -f secrets sent.*
  sync "ended.$me" 2>/dev/null
  ln "ended.$me" ended 2>/dev/null
  rm -f "ended.$me"
}

look() {
  clock
  if [ -e ended ]; then
    # The site has given this node up, and the run may be going on elsewhere by now.
    end_all
    exit 1
  fi
  for order in told/*; do
    [ ! -e "$order" ] || { rm -f "$order" && tell "${order##*.}" process; }
  done
  if [ -z "$why" ]; then
    if ran_out_of_memory; then
      why=memory kill_at=$now
    elif [ -n "$situs_limit_cs" ] && [ $((now - began)) -ge "$situs_limit_cs" ]; then
      why=timeout kill_at=$now
    elif [ -e stop ] && [ -e pid ]; then
      read -r grace_cs <stop
      why=stopped kill_at=$((now + grace_cs))
      tell 15 group
    fi
  fi
  if [ -n "$kill_at" ] && [ "$now" -ge "$kill_at" ]; then end_others; fi
}

clock
began=$now
why='' kill_at='' ended_by_site=''
echo "$me" >"started.$me"
ln "started.$me" started 2>/dev/null
rm -f "started.$me"
read -r first <started
if [ "$first" != "$me" ]; then
  echo "job $first runs this already"
  exit 0
fi
if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then
  if [ "$situs_requeue" != yes ]; then
    # Whatever the site's people wish, it has begun once, and nobody knows how far it came.
    record null lost
    exit 75
  fi
  rm -rf ended code pid keeper used member.* out-of-memory failed
fi
control_group
trap : USR1 USR2
trap 'ended_by_site=yes; tell 15 group' TERM
number=1
while [ $number -le 31 ]; do
  trap "tell $number process" $((33 + number))
  number=$((number + 1))
done

for newer in "$situs_newest"/*; do
  [ "${newer##*/}" -gt "$situs_generation" ] 2>/dev/null && : >stop
done
if [ -e stop ]; then
  record null stopped
  exit 0
fi

if [ "$situs_nodes" = 1 ]; then begin "$folder" task; else begin "$folder" gang; fi
await look
[ ! -s failed ] || read -r code <failed
[ -n "$why" ] || ! ran_out_of_memory || why=memory
[ -n "$why" ] || [ -z "$ended_by_site" ] || why=site
# A shell tells a signal as 128 and its number; 192 and above can only be exit codes.
if [ "$code" -gt 128 ] && [ "$code" -lt 192 ]; then
  record $((128 - code)) "${why:-signalled}"
else
  record "$code" "${why:-exited}"
fi
exit "$code"
