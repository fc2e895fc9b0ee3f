#!/usr/bin/env bash
# Moves real files through a real server on this machine and prints, beside
# each figure, what a plain copy and age take for the same bytes in the same
# run. Wants age and oathtool; needs about 8 GiB of disk.
set -euo pipefail
cd "$(dirname "$0")/.."

size_mib=${1:-1024}
files=${2:-10000}
target=${CARGO_TARGET_DIR:-target}
cargo build --quiet --release -p sv-server -p sv-cli
daemon=$target/release/securevaultd
client=$target/release/securevault
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

"$daemon" serve --signup open --listen localhost:0 \
  --data "$work/data" --key-file "$work/key" >"$work/out" 2>"$work/log" &
server=$!
: >>"$work/out"
until url=$(grep -o 'http://localhost:[0-9]*' "$work/out"); do sleep 0.1; done

export SECUREVAULT_HOME=$work/home SECUREVAULT_PASSWORD='correct horse battery 77' SECUREVAULT_KEYRING=file
"$client" signup --server "$url" --user bench --code-command 'oathtool --totp -b -' --json >/dev/null

seconds() {
  local start end
  start=$(date +%s.%N)
  "$@" >/dev/null 2>>"$work/log"
  end=$(date +%s.%N)
  awk -v a="$start" -v b="$end" 'BEGIN { print b - a }'
}
row() { # what, seconds, peer, peer's seconds
  awk -v what="$1" -v s="$2" -v peer="$3" -v p="$4" -v n="$units" -v u="$unit" \
    'BEGIN { printf "%-22s %8.2f s %9.0f %s   %.2f x %s (%.2f s)\n", what, s, n / s, u, s / p, peer, p }'
}
copy_durably() { cp -r "$1" "$2" && sync "$2"; }
age_in() { age -r "$recipient" -o "$work/big.age" "$work/big"; sync "$work/big.age"; }
age_out() { age -d -i "$work/age.key" -o "$work/big.out" "$work/big.age"; sync "$work/big.out"; }

age-keygen -o "$work/age.key" 2>/dev/null
recipient=$(age-keygen -y "$work/age.key")
head -c "${size_mib}M" /dev/urandom >"$work/big"
cat "$work/big" >/dev/null

units=$size_mib unit=MiB/s
copy=$(seconds copy_durably "$work/big" "$work/big.copy")
age_to=$(seconds age_in)
age_from=$(seconds age_out)
put=$(seconds "$client" put "$work/big" /)
get=$(seconds "$client" get /big "$work/big.got")
cmp "$work/big" "$work/big.got"
row "put $size_mib MiB" "$put" cp "$copy"
row "put $size_mib MiB" "$put" age "$age_to"
row "get $size_mib MiB" "$get" cp "$copy"
row "get $size_mib MiB" "$get" age "$age_from"
rm -f "$work"/big*

mkdir "$work/many"
for i in $(seq "$files"); do
  dir=$work/many/$((i % 100))
  [ -d "$dir" ] || mkdir "$dir"
  head -c 4096 /dev/urandom >"$dir/$i"
done
units=$files unit='files/s'
copy=$(seconds copy_durably "$work/many" "$work/many.copy")
put=$(seconds "$client" put -r "$work/many" /)
get=$(seconds "$client" get -r /many "$work/got")
diff -r "$work/many" "$work/got"
list=$(seconds "$client" ls /many)
row "put $files of 4 KiB" "$put" 'cp -r' "$copy"
row "get $files of 4 KiB" "$get" 'cp -r' "$copy"
printf '%-22s %8.2f s\n' "ls with $files files" "$list"
grep VmHWM "/proc/$server/status" | awk '{ printf "peak memory, server    %8.0f MiB\n", $2 / 1024 }'
