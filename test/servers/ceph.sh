#!/usr/bin/env bash
# A Ceph RADOS gateway on loopback for tests: one monitor, one OSD in memory, one gateway.
#   ceph.sh start DIR HTTP_PORT MON_PORT [TLS_PORT]
#                                            prints nothing, returns when the gateway answers, 60 s at most;
#                                            shows the ends of its logs when it fails
#   ceph.sh stop DIR
# Debian 12: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd
set -euo pipefail
action=$1
dir=$2

stop() {
  local name pid
  for name in rgw osd mon; do
    [ -f "$dir/$name.pid" ] || continue
    pid=$(cat "$dir/$name.pid")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
    kill -9 "$pid" 2>/dev/null || true
    rm -f "$dir/$name.pid"
  done
}

if [ "$action" = stop ]; then
  stop
  exit 0
fi

http_port=$3
mon_port=$4
tls=
if [ -n "${5:-}" ] && command -v openssl >/dev/null; then
  # A certificate of its own for one run, in DIR/tls.crt; its key never leaves the directory.
  mkdir -p "$dir"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>/dev/null
  tls=" ssl_endpoint=127.0.0.1:$5 ssl_certificate=$dir/tls.crt ssl_private_key=$dir/tls.key"
fi
export PATH="$PATH:/usr/sbin"
deadline=$((SECONDS + 60))
left() { local seconds=$((deadline - SECONDS)); echo $((seconds > 1 ? seconds : 1)); }
tell() {
  local status=$?
  [ "$status" -eq 0 ] && return
  echo "ceph.sh failed ($status)" >&2
  tail -n 8 "$dir"/log/* >&2 2>/dev/null || true
  stop
}
trap tell EXIT
mkdir -p "$dir"/{mon,osd,rgw,log,run}
fsid=$(cat /proc/sys/kernel/random/uuid)
cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$mon_port/0]
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
# cephx everywhere: with authentication off this release's gateway never starts to listen.
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = $dir/keyring
run dir = $dir/run
crash dir = $dir/run
admin socket = $dir/run/\$name.asok
log file = $dir/log/\$name.log
log to stderr = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon warn on insecure global id reclaim allowed = false
[mon]
mon data = $dir/mon
mon data avail crit = 1
paxos propose interval = 0.05
[osd]
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 3221225472
osd memory target = 939524096
[client.rgw]
rgw data = $dir/rgw
# Without tcp_nodelay every second request waits 40 ms.
rgw frontends = beast endpoint=127.0.0.1:$http_port$tls tcp_nodelay=1 request_timeout_ms=5000
rgw dns name = localhost
rgw thread pool size = 32
# A lifecycle day lasts ten seconds.
rgw lc debug interval = 10
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = testkey-1=$(head -c32 /dev/zero | base64)
rgw override bucket index max shards = 1
CONF
conf=(-c "$dir/ceph.conf")
ceph-authtool --create-keyring "$dir/keyring" --gen-key -n mon. --cap mon 'allow *' >/dev/null
for name in client.admin client.rgw osd.0; do
  ceph-authtool "$dir/keyring" --gen-key -n "$name" --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null
done
monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon_port]" "$dir/monmap" >/dev/null
ceph-mon "${conf[@]}" --mkfs -i a --monmap "$dir/monmap" --keyring "$dir/keyring"
setsid ceph-mon "${conf[@]}" -i a -f >"$dir/log/mon.out" 2>&1 </dev/null &
echo $! >"$dir/mon.pid"
# The monitor refuses an OSD whose own uuid is not the one announced.
uuid=$(cat /proc/sys/kernel/random/uuid)
timeout "$(left)" ceph "${conf[@]}" osd new "$uuid" >/dev/null 2>"$dir/log/ceph.out"
timeout "$(left)" ceph-osd "${conf[@]}" -i 0 --mkfs --osd-uuid "$uuid" >"$dir/log/mkfs.out" 2>&1
setsid ceph-osd "${conf[@]}" -i 0 -f >"$dir/log/osd.out" 2>&1 </dev/null &
echo $! >"$dir/osd.pid"
setsid radosgw "${conf[@]}" -n client.rgw -f >"$dir/log/rgw.out" 2>&1 </dev/null &
echo $! >"$dir/rgw.pid"
until (exec 3<>"/dev/tcp/127.0.0.1/$http_port") 2>/dev/null; do
  for name in mon osd rgw; do
    kill -0 "$(cat "$dir/$name.pid")" 2>/dev/null || { echo "$name has ended" >&2; exit 1; }
  done
  [ "$SECONDS" -lt "$deadline" ] || { echo 'the gateway did not listen in time' >&2; exit 1; }
  sleep 0.1
done
# Keys for tests on loopback only, made here and gone with the directory.
for user in stowage stranger; do
  timeout "$(left)" radosgw-admin "${conf[@]}" -n client.rgw user create --uid="$user" --display-name="$user" \
    --access-key="TEST${user^^}KEY" --secret-key="test-secret-of-$user-on-loopback" >"$dir/log/users.out" 2>&1
done
