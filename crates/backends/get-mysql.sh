#!/bin/sh
# Unpacks a real MySQL server beside the system, from Debian's unstable
# packages (no stable release has one), and prints what to set so that the
# tests use it:
#
#   eval "$(crates/backends/get-mysql.sh [FOLDER])"
#
# Nothing of the system is changed. For tests alone.
set -eu
folder=${1:-${TMPDIR:-/tmp}/securevault-mysql}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ ! -x "$folder/mysqld" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/*$' | sort -u | head -n 1)
    if [ -z "$mirror" ]; then
        echo "get-mysql.sh: this system has no Debian mirror" >&2
        exit 1
    fi
    apt=$folder/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder/root"
    : >"$apt/status"
    keys=$(ls /usr/share/keyrings/debian-archive-keyring.* | head -n 1)
    echo "deb [signed-by=$keys] $mirror sid main" >"$apt/sources.list"
    quiet() {
        apt-get -qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
            -o Dir::State::Lists="$apt/lists" -o Dir::State::Status="$apt/status" \
            -o Dir::Cache="$apt/cache" -o APT::Install-Recommends=false \
            -o APT::Sandbox::User=root "$@" >&2
    }
    quiet update
    quiet install -y --download-only mysql-server-core
    for package in "$apt"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$folder/root"
    done
    loader=$(find "$folder/root" -name 'ld-linux-*.so.*' -o -name 'ld64.so.*' | head -n 1)
    libraries=$(find "$folder/root" -name '*.so.*' -exec dirname {} + | sort -u | tr '\n' ':')
    cat >"$folder/mysqld" <<WRAPPER
#!/bin/sh
# --no-defaults has to come first
[ "\${1-}" = --no-defaults ] && shift
exec "$loader" --library-path "$libraries" "$folder/root/usr/sbin/mysqld" --no-defaults \\
    --basedir="$folder/root/usr" --lc-messages-dir="$folder/root/usr/share/mysql" \\
    --plugin-dir="$(find "$folder/root" -type d -path '*mysql/plugin' | head -n 1)" \\
    --character-sets-dir="$folder/root/usr/share/mysql/charsets" --secure-file-priv=NULL "\$@"
WRAPPER
    chmod +x "$folder/mysqld"
    rm -r "$apt"
fi
echo "export SECUREVAULT_TEST_MYSQLD='$folder/mysqld'"
