#!/usr/bin/env bash
# A Slurm cluster of one node on the loopback interface, from Debian's packages slurmctld, slurmd,
# slurm-client and munge: `one_node_slurm.sh start FOLDER`, `one_node_slurm.sh stop FOLDER`. As root.
# It claims two GPUs that do not exist, so that requests for one can be seen to be granted.
set -euo pipefail
action=$1
folder=$(realpath -m "$2")
configuration=/etc/slurm/slurm.conf

die() { echo "one_node_slurm.sh: $1" >&2; exit 1; }

stop() {
  for daemon in slurmd slurmctld munged; do
    [[ -f $folder/$daemon.pid ]] || continue
    pid=$(cat "$folder/$daemon.pid")
    kill "$pid" 2>/dev/null || true
    # It writes its state before it ends: until then the folder cannot be removed.
    timeout 60 tail --pid="$pid" --follow /dev/null || kill -KILL "$pid" 2>/dev/null || true
  done
  # Only a configuration of our own is ours to remove.
  if grep -qs "^# one_node_slurm $folder\$" $configuration; then
    rm -f $configuration /etc/slurm/gres.conf
  fi
}

start() {
  [[ $(id -u) == 0 ]] || die "Slurm's daemons must be started as root"
  for daemon in munged slurmctld slurmd sbatch; do
    command -v $daemon >/dev/null || die "no $daemon: apt-get install slurmctld slurmd slurm-client munge"
  done
  [[ ! -e $configuration ]] || die "$configuration exists: this machine has a Slurm of its own"
  mkdir -p "$folder"/state "$folder"/spool /etc/slurm
  chmod 755 "$folder"
  head -c 1024 /dev/urandom > "$folder/munge.key"
  chmod 400 "$folder/munge.key"
  trap stop ERR
  munged --force --key-file "$folder/munge.key" --socket "$folder/munge.socket" \
    --pid-file "$folder/munged.pid" --log-file "$folder/munged.log" --seed-file "$folder/munged.seed"
  cat > $configuration <<END
# one_node_slurm $folder
ClusterName=one
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
GresTypes=gpu
MpiDefault=none
SwitchType=switch/none
SchedulerParameters=sched_interval=2,bf_interval=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=$(nproc --all) RealMemory=$(free -m | awk '/^Mem:/ {print int($2 * 0.9)}') Gres=gpu:2
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP
END
  # Any two device files do: nothing opens them.
  printf 'NodeName=localhost Name=gpu File=/dev/%s\n' null zero > /etc/slurm/gres.conf
  slurmctld
  slurmd -N localhost
  for _ in $(seq 30); do
    [[ $(sinfo --noheader --format %T 2>/dev/null) == idle ]] && return
    sleep 1
  done
  stop
  tail -n 20 "$folder"/slurm*.log >&2
  die "the node did not become idle"
}

case $action in start | stop) $action ;; *) die "expected start or stop, found $action" ;; esac
