# What SkyPilot runs on each machine of ours, with bash: it says how to reach the machine, starts what it is told to
# start, and ends when nobody needs the machine any more. As long as it runs the machine is busy for SkyPilot; once it
# has ended, SkyPilot takes the machine down a few minutes later, whoever is away then.
#
# Orders come as a name in the pipe `orders`; the folder `order.NAME` has the words of the command. Secrets come through
# a pipe in it and never lie in a file. A run is started from here and not by whoever logs in, as some sites end all
# that a login has started when it is over.
#
# Needs in its environment: SITUS_FOLDER (below the home), SITUS_IDLE_S, SITUS_UNATTENDED_S.
set -u
umask 077
folder=$HOME/$SITUS_FOLDER
mkdir -p "$folder" && cd "$folder" || exit 73

tell() {
  echo "situs-keeper folder $PWD"
  for file in /etc/ssh/ssh_host_*_key.pub "$(getent passwd "$(id -un)" | cut -d: -f6)"/.ssh/skypilot_host_key.pub; do
    [ ! -r "$file" ] || echo "situs-keeper key $(cut -d' ' -f1,2 "$file")"
  done
  echo "situs-keeper ready"
}

# After a lost answer SkyPilot may have been told twice: the second one only says how to reach the machine.
if [ -e keeper ] && kill -0 "$(cat keeper)" 2>/dev/null; then
  tell
  exit 0
fi
[ -p orders ] || mkfifo orders || exit 73
exec 3<>orders
: >seen
echo $$ >keeper.new && mv keeper.new keeper
tell

order() { # name
  cd "order.$1" 2>/dev/null || return
  words=()
  while IFS= read -r -d '' word; do words+=("$word"); done <words
  "${words[@]}" <in >out 2>err 3>&-
  echo $? >code.new && mv code.new code
}

over() {
  age=$(($(date +%s) - $(date -r seen +%s)))
  [ "$age" -lt "$SITUS_UNATTENDED_S" ] || return 0
  for run in runs/*; do
    [ ! -e "$run/started" ] || [ -e "$run/fetched" ] || return 1
  done
  [ "$age" -ge "$SITUS_IDLE_S" ]
}

until over; do
  if read -r -t 2 name <&3; then
    case $name in *[!0-9A-Za-z]*) ;; *) order "$name" & ;; esac
  fi
done
rm -f keeper
echo "situs-keeper over"
